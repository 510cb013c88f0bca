"""What the page asks of its own server: credentials of the demo app for guests, and speech."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from avatarkit.server.buckets import Buckets
from avatarkit.server.console.claims import TokenClaims, TokenOptions
from avatarkit.server.http.bodies import json_object
from avatarkit.server.http.problems import Problem
from avatarkit.server.http.schemas import check, record, text
from avatarkit.server.library.metadata import describe
from avatarkit.server.page.speech import MAX_CHARACTERS, SpeechFailedError, Synthesisers
from avatarkit.server.page.visitors import check_guest, check_origin, demo_app, is_guest, take_turn
from avatarkit.server.services import Services

_TOKEN_S: Final = 900
_SESSION_S: Final = 3600
_SESSIONS_PER_MINUTE: Final = 30
_SPEECHES_PER_MINUTE: Final = 120
_NO_STORE: Final = {"Cache-Control": "no-store"}
_SPEECH: Final = record(("text", "voice"), text=text(1, MAX_CHARACTERS), voice=text(1, 64))


class PageDesk:
    """Serves visitors of the page.

    Args:
        services: The server's.
        synthesisers: For speech; default those of this machine.
    """

    def __init__(self, services: Services, synthesisers: Synthesisers | None = None) -> None:
        self._services = services
        self.synthesisers = synthesisers or Synthesisers()
        self._sessions = Buckets(_SESSIONS_PER_MINUTE / 60, _SESSIONS_PER_MINUTE, services.clock)
        self._speeches = Buckets(_SPEECHES_PER_MINUTE / 60, _SPEECHES_PER_MINUTE, services.clock)

    async def open_session(self, request: Request) -> dict[str, Any]:
        """App ID, a short-lived token and the avatars of the demo app. :class:`Problem` 403 or 429 for others."""
        services = self._services
        check_guest(request, services.settings)
        take_turn(self._sessions, request)
        store, now = await services.store(), services.unix_time()
        app = demo_app(await store.apps.list())
        await services.refresh_keys()
        expires_at = int(now) + _TOKEN_S
        token = (await services.signer()).issue(
            app.id, expires_at=expires_at, now=now, options=TokenOptions(max_seconds=_SESSION_S)
        )
        avatars = [describe(avatar) for avatar in await store.avatars.list_visible(app.id)]
        return {"appId": app.id, "sessionToken": token, "expireAt": expires_at, "avatars": avatars}

    async def speak(self, request: Request) -> bytes:
        """A WAV file of ``{"text", "voice"}``, for guests and for holders of a session token. :class:`Problem`."""
        check_origin(request)
        if not is_guest(request, self._services.settings) and not await self._has_token(request):
            raise Problem(403, "signInNeeded", "Sign in with an App ID and a session token")
        body = await json_object(request)
        check(body, _SPEECH)
        if all(voice.id != body["voice"] for voice in self.synthesisers.voices):
            raise Problem(400, "invalidRequest", "There is no such voice on this server")
        words = "".join(character if character.isprintable() else " " for character in body["text"]).strip()
        if not words:
            raise Problem(400, "invalidRequest", "There is nothing to say")
        take_turn(self._speeches, request)
        try:
            return await self.synthesisers.speak(words, body["voice"])
        except SpeechFailedError as exc:
            raise Problem(503, "unavailable", "There is no speech", str(exc)) from None

    async def _has_token(self, request: Request) -> bool:
        claims = await self._services.check_token(request.headers.get("x-session-key", ""))
        return isinstance(claims, TokenClaims) and claims.app_id == request.headers.get("x-app-id", "")


async def open_session(request: Request) -> JSONResponse:
    """``POST /v1/page/session``."""
    return JSONResponse(await _desk(request).open_session(request), headers=_NO_STORE)


async def list_voices(request: Request) -> JSONResponse:
    """``GET /v1/page/voices``: none where no synthesiser is installed."""
    voices = [
        {"id": voice.id, "language": voice.language, "name": voice.name}
        for voice in _desk(request).synthesisers.voices
    ]
    return JSONResponse({"voices": voices, "maxCharacters": MAX_CHARACTERS}, headers=_NO_STORE)


async def make_speech(request: Request) -> Response:
    """``POST /v1/page/speech``."""
    return Response(await _desk(request).speak(request), media_type="audio/wav", headers=_NO_STORE)


def _desk(request: Request) -> PageDesk:
    desk = request.app.state.page
    assert isinstance(desk, PageDesk)
    return desk
