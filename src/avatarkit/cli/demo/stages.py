"""The demo's main job: the five stages of the client lifecycle and the clean-up, on one clip of speech."""

from __future__ import annotations

import asyncio
import time
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from avatarkit import (
    AvatarController,
    AvatarManager,
    AvatarSDK,
    AvatarView,
    Configuration,
    ConversationState,
    LoadProgress,
    SessionReport,
)
from avatarkit.cli.demo.server_process import ServerProcess
from avatarkit.errors import ErrorCode, error
from avatarkit.types import AudioFormat

if TYPE_CHECKING:
    from avatarkit.render import VideoSurface

CHUNK_MS = 100
IDLE_BEFORE_S = 1.2
IDLE_AFTER_S = 1.8
TOKEN_LIFETIME_S = 600
MAX_CLIP_S = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A finished stage and how long it took."""

    name: str
    ms: float


@dataclass(slots=True)
class DemoRun:
    """What the walk through the stages showed."""

    stages: list[Stage] = field(default_factory=list)
    connection_states: list[str] = field(default_factory=list)
    conversation_states: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    report: SessionReport | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """Mono 16-bit speech."""

    pcm: bytes
    sample_rate: int

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return len(self.pcm) / 2 / self.sample_rate


def read_clip(path: Path) -> Clip:
    """Read a mono 16-bit WAV file of at most a minute; ``AvatarError`` (``invalidAudioInput``) for anything else."""
    try:
        with wave.open(str(path), "rb") as wav:
            if (wav.getnchannels(), wav.getsampwidth()) != (1, 2):
                raise error(ErrorCode.INVALID_AUDIO_INPUT, f"{path} is not mono 16-bit PCM.")
            if wav.getnframes() > MAX_CLIP_S * wav.getframerate():
                raise error(ErrorCode.INVALID_AUDIO_INPUT, f"{path} is longer than {MAX_CLIP_S:.0f} seconds.")
            audio_format = AudioFormat(wav.getframerate())
            return Clip(wav.readframes(wav.getnframes()), audio_format.sample_rate)
    except (OSError, EOFError, ValueError, wave.Error) as exc:
        raise error(ErrorCode.INVALID_AUDIO_INPUT, f"{path} cannot be read as speech: {exc}") from exc


async def walk(
    server: ServerProcess,
    clip: Clip,
    surface: VideoSurface,
    *,
    avatar_id: str,
    cache_dir: Path,
    on_stage: Callable[[Stage], None],
    on_progress: Callable[[LoadProgress], None],
) -> DemoRun:
    """Walk through every stage against a running server; whatever fails, the SDK is cleaned up."""
    run = DemoRun()

    @asynccontextmanager
    async def stage(name: str) -> AsyncIterator[None]:
        started_s = time.perf_counter()
        yield
        run.stages.append(Stage(name, (time.perf_counter() - started_s) * 1000.0))
        on_stage(run.stages[-1])

    try:
        async with stage("initialize"):
            settings = Configuration(
                endpoint=server.url, audio_format=AudioFormat(clip.sample_rate), cache_dir=cache_dir
            )
            await AvatarSDK.initialize(server.app_id, settings)
        async with stage("load"):
            avatar = await AvatarManager.shared().load(avatar_id, on_progress=on_progress)
        async with stage("render"):
            # Always the silent speaker: the clip's sound goes into the file.
            view = AvatarView(avatar, surface, speaker="silent")
            await view.mounted()
        async with stage("authenticate"):
            AvatarSDK.set_session_token(await fetch_token(server))
        async with stage("connect and interact"):
            _watch(view.controller, run)
            await view.controller.start()
            await view.controller.wait_connected()
            await asyncio.sleep(IDLE_BEFORE_S)
            await _speak(view.controller, clip)
            await asyncio.sleep(IDLE_AFTER_S)
            run.report = view.controller.report()
        async with stage("clean up"):
            await view.controller.close()
            await view.dispose()
            await AvatarSDK.cleanup()
    finally:
        await AvatarSDK.cleanup()
    if run.errors:
        raise run.errors[0]
    return run


async def fetch_token(server: ServerProcess) -> str:
    """Exchange the API key for a session token, as an app's backend would."""
    async with httpx.AsyncClient(timeout=10.0) as http:
        reply = await http.post(
            f"{server.url}/v1/console/session-tokens",
            headers={"X-Api-Key": server.api_key},
            json={"expireAt": int(time.time()) + TOKEN_LIFETIME_S},
        )
    if reply.status_code != httpx.codes.OK:
        raise error(ErrorCode.SERVER_ERROR, f"The Console answered {reply.status_code} to the token request.")
    token = reply.json()["sessionToken"]
    assert isinstance(token, str)
    return token


def _watch(controller: AvatarController, run: DemoRun) -> None:
    controller.on_connection_state = lambda state: run.connection_states.append(state.value)
    controller.on_conversation_state = lambda state: run.conversation_states.append(state.value)
    controller.on_error = run.errors.append


async def _speak(controller: AvatarController, clip: Clip) -> None:
    """Send the clip as fast as a synthesiser would, then wait until it has been heard."""
    step = clip.sample_rate * CHUNK_MS // 1000 * 2
    for start in range(0, len(clip.pcm), step):
        controller.send(clip.pcm[start : start + step], end=start + step >= len(clip.pcm))
        await asyncio.sleep(0)
    deadline_s = time.monotonic() + clip.seconds + 20.0
    heard = False
    while not heard or controller.conversation_state is not ConversationState.IDLE:
        heard = heard or controller.conversation_state is ConversationState.PLAYING
        if time.monotonic() > deadline_s:
            raise error(ErrorCode.PLAYBACK_START_FAILED, "The clip did not play to its end in time.")
        await asyncio.sleep(0.02)
