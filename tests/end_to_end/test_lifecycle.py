"""The whole lifecycle through real sockets, and how it ends when something is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from avatarkit import (
    AvatarController,
    AvatarError,
    AvatarManager,
    AvatarSDK,
    AvatarView,
    Configuration,
    ConnectionState,
    ConversationState,
    ErrorCode,
)
from avatarkit.render import OffscreenSurface

from .real_server import Server

SIZE = (64, 64)


async def until(condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Real sockets have no virtual clock: poll, and give up with a failure."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - there is no event to await
            await asyncio.sleep(0.01)


async def mounted(server: Server, cache: Path, *, app_id: str | None = None) -> AvatarView:
    await AvatarSDK.initialize(app_id or server.app_id, Configuration(endpoint=server.url, cache_dir=cache))
    avatar = await AvatarManager.shared().load("default")
    return AvatarView(avatar, OffscreenSurface(SIZE), speaker="silent")


@pytest.mark.usefixtures("sdk")
async def test_five_stages_and_clean_up(server: Server, tmp_path: Path, speech: bytes) -> None:
    view = await mounted(server, tmp_path)
    controller = view.controller
    connection: list[ConnectionState] = []
    conversation: list[ConversationState] = []
    controller.on_connection_state = connection.append
    controller.on_conversation_state = conversation.append
    AvatarSDK.set_session_token(server.token())
    await controller.start()
    await controller.wait_connected()
    first = controller.send(speech[:32000])
    assert controller.send(speech[32000:], end=True) == first
    await until(lambda: conversation == [ConversationState.PLAYING, ConversationState.IDLE])
    report = controller.report()
    assert report.rounds == 1
    assert report.motion_frames == 75
    assert report.motion_bytes_per_second is not None
    assert report.motion_bytes_per_second <= 2000
    await controller.close()
    await view.dispose()
    assert connection == [ConnectionState.CONNECTING, ConnectionState.CONNECTED, ConnectionState.DISCONNECTED]


@pytest.mark.usefixtures("sdk")
async def test_interrupt_ends_the_round_and_the_next_one_speaks(
    server: Server, tmp_path: Path, speech: bytes
) -> None:
    view = await mounted(server, tmp_path)
    controller = view.controller
    AvatarSDK.set_session_token(server.token())
    await controller.start()
    first = controller.send(speech, end=True)
    await until(lambda: controller.conversation_state is ConversationState.PLAYING)
    controller.interrupt()
    assert controller.conversation_state is ConversationState.IDLE
    second = controller.send(speech[:16000], end=True)
    assert second != first
    await until(lambda: controller.conversation_state is ConversationState.PLAYING)
    await until(lambda: controller.conversation_state is ConversationState.IDLE)
    await view.dispose()


@pytest.mark.usefixtures("sdk")
async def test_wrong_token(server: Server, tmp_path: Path) -> None:
    view = await mounted(server, tmp_path)
    AvatarSDK.set_session_token("not-a-token")
    errors: list[AvatarError] = []
    view.controller.on_error = errors.append
    with pytest.raises(AvatarError) as caught:
        await view.controller.start()
    assert caught.value.code is ErrorCode.SESSION_TOKEN_INVALID
    assert view.controller.connection_state is ConnectionState.FAILED
    assert [e.code for e in errors] == [ErrorCode.SESSION_TOKEN_INVALID]
    assert "not-a-token" not in str(caught.value)
    # The same view goes on with a good one.
    AvatarSDK.set_session_token(server.token())
    await view.controller.start()
    assert view.controller.connection_state is ConnectionState.CONNECTED
    await view.dispose()


@pytest.mark.usefixtures("sdk")
async def test_expired_token(server: Server, tmp_path: Path) -> None:
    view = await mounted(server, tmp_path)
    token = server.token(lifetime_s=1.5)
    await asyncio.sleep(2.0)
    AvatarSDK.set_session_token(token)
    with pytest.raises(AvatarError) as caught:
        await view.controller.start()
    assert caught.value.code is ErrorCode.SESSION_TOKEN_EXPIRED
    await view.dispose()


@pytest.mark.usefixtures("sdk")
async def test_unknown_avatar(server: Server, tmp_path: Path) -> None:
    await AvatarSDK.initialize(server.app_id, Configuration(endpoint=server.url, cache_dir=tmp_path))
    with pytest.raises(AvatarError) as caught:
        await AvatarManager.shared().load("nobody")
    assert caught.value.code is ErrorCode.AVATAR_ID_UNRECOGNIZED


@pytest.mark.usefixtures("sdk")
async def test_wrong_app_id(server: Server, tmp_path: Path) -> None:
    await AvatarSDK.initialize("app-of-nobody", Configuration(endpoint=server.url, cache_dir=tmp_path))
    with pytest.raises(AvatarError) as caught:
        await AvatarManager.shared().load("default")
    assert caught.value.code is ErrorCode.APP_ID_UNRECOGNIZED


@pytest.mark.usefixtures("sdk")
async def test_odd_audio_is_refused_and_loses_nothing(server: Server, tmp_path: Path, speech: bytes) -> None:
    view = await mounted(server, tmp_path)
    controller = view.controller
    AvatarSDK.set_session_token(server.token())
    await controller.start()
    first = controller.send(speech[:16000])
    with pytest.raises(AvatarError) as caught:
        controller.send(speech[16000:16001])
    assert caught.value.code is ErrorCode.INVALID_AUDIO_INPUT
    assert controller.send(speech[16000:32000], end=True) == first
    await until(lambda: controller.conversation_state is ConversationState.PLAYING)
    await until(lambda: controller.conversation_state is ConversationState.IDLE)
    assert controller.report().motion_frames == 25
    await view.dispose()


@pytest.mark.usefixtures("sdk")
async def test_server_killed_in_mid_speech(own_server: Server, tmp_path: Path, speech: bytes) -> None:
    view = await mounted(own_server, tmp_path)
    controller: AvatarController = view.controller
    AvatarSDK.set_session_token(own_server.token())
    errors: list[AvatarError] = []
    controller.on_error = errors.append
    await controller.start()
    controller.send(speech)
    await until(lambda: controller.conversation_state is ConversationState.PLAYING)
    own_server.process.kill()
    await until(lambda: controller.connection_state is ConnectionState.FAILED)
    assert [e.code for e in errors] == [ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY]
    # What was buffered is heard to its end, and the face comes to rest.
    await until(lambda: controller.conversation_state is ConversationState.IDLE)
    await view.dispose()
    await AvatarSDK.cleanup()


@pytest.mark.usefixtures("sdk")
async def test_nothing_is_listening(tmp_path: Path) -> None:
    await AvatarSDK.initialize("app", Configuration(endpoint="http://127.0.0.1:9", cache_dir=tmp_path))
    with pytest.raises(AvatarError) as caught:
        await AvatarManager.shared().load("default")
    assert caught.value.code is ErrorCode.FAILED_TO_FETCH_AVATAR_METADATA
    assert caught.value.retryable
