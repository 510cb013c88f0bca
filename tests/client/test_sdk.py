"""Process-wide settings."""

from __future__ import annotations

from pathlib import Path

import pytest

import avatarkit
from avatarkit import AvatarError, AvatarManager, AvatarSDK, Configuration, ErrorCode, LogLevel

ENDPOINT = "http://127.0.0.1:8700"


async def test_initialize_settles_the_settings() -> None:
    assert AvatarSDK.app_id() is None
    assert AvatarSDK.configuration() is None
    wanted = Configuration(endpoint=ENDPOINT, log_level=LogLevel.ERROR)
    await AvatarSDK.initialize("app", wanted)
    assert AvatarSDK.app_id() == "app"
    assert AvatarSDK.configuration() == wanted
    assert AvatarSDK.version() == avatarkit.__version__


@pytest.mark.parametrize("app_id", ["", "  ", "app\nid", "ä", "x" * 300])
async def test_bad_app_ids(app_id: str) -> None:
    with pytest.raises(AvatarError) as caught:
        await AvatarSDK.initialize(app_id, Configuration(endpoint=ENDPOINT))
    assert caught.value.code is ErrorCode.APP_ID_UNRECOGNIZED


@pytest.mark.parametrize(
    "endpoint",
    [None, "", "127.0.0.1:8700", "ftp://host", "http://", "http://host?x=1", "http://u:p@host", "http://host:x"],
)
async def test_bad_endpoints(endpoint: str | None) -> None:
    with pytest.raises(AvatarError) as caught:
        await AvatarSDK.initialize("app", Configuration(endpoint=endpoint))
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID


async def test_the_endpoint_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATARKIT_ENDPOINT", ENDPOINT)
    await AvatarSDK.initialize("app")
    await AvatarSDK.initialize("app", Configuration())


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), 1e9])
async def test_bad_timeouts(seconds: float) -> None:
    with pytest.raises(AvatarError) as caught:
        await AvatarSDK.initialize("app", Configuration(endpoint=ENDPOINT, connect_timeout_s=seconds))
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID


async def test_twice_with_the_same_settings_and_never_with_others() -> None:
    await AvatarSDK.initialize("app", Configuration(endpoint=ENDPOINT))
    await AvatarSDK.initialize("app", Configuration(endpoint=ENDPOINT))
    for app_id, configuration in [
        ("other", Configuration(endpoint=ENDPOINT)),
        ("app", Configuration(endpoint="http://127.0.0.1:1")),
    ]:
        with pytest.raises(AvatarError, match="cleanup") as caught:
            await AvatarSDK.initialize(app_id, configuration)
        assert caught.value.code is ErrorCode.ILLEGAL_STATE
    await AvatarSDK.cleanup()
    await AvatarSDK.initialize("other", Configuration(endpoint=ENDPOINT))


async def test_the_token_may_come_first_and_ends_with_cleanup() -> None:
    AvatarSDK.set_session_token(" early ")
    await AvatarSDK.initialize("app", Configuration(endpoint=ENDPOINT))
    assert AvatarSDK.session_token() == "early"
    AvatarSDK.set_session_token("later")
    assert AvatarSDK.session_token() == "later"
    await AvatarSDK.cleanup()
    await AvatarSDK.cleanup()
    assert AvatarSDK.session_token() is None


@pytest.mark.parametrize("token", ["", " ", "a\r\nX-Other: b", "ä", "x" * 9000])
def test_bad_tokens_are_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(AvatarError) as caught:
        AvatarSDK.set_session_token(token)
    assert caught.value.code is ErrorCode.SESSION_TOKEN_INVALID
    if token.strip():
        assert token not in str(caught.value)


async def test_nothing_works_before_initialize(tmp_path: Path) -> None:
    manager = AvatarManager.shared()
    with pytest.raises(AvatarError, match=r"AvatarSDK\.initialize") as caught:
        await manager.load("someone")
    assert caught.value.code is ErrorCode.ILLEGAL_STATE
    with pytest.raises(AvatarError):
        manager.retrieve("someone")


def test_there_are_no_instances() -> None:
    with pytest.raises(TypeError):
        AvatarSDK()
