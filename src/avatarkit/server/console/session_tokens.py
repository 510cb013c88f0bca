"""``POST .../session-tokens``: an API key buys a session token."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from avatarkit.server.console.claims import MAX_LIFETIME_S, MAX_SECONDS, TokenOptions
from avatarkit.server.http.bodies import json_object
from avatarkit.server.http.problems import Problem
from avatarkit.server.services import services_of
from avatarkit.server.store.records import Scope

PATHS: Final = ("/v1/console/session-tokens", "/session-tokens", "/v1/auth/session-token")
"""The path of our own, and those that the published clients ask."""

_MAX_AVATAR_ID: Final = 64


async def create_session_token(request: Request) -> JSONResponse:
    """Answer with the token under both names that clients look for."""
    services = services_of(request)
    store = await services.store()
    now = services.unix_time()
    key = await store.keys.check(request.headers.get("x-api-key", ""), now=int(now))
    if key is None:
        raise Problem(401, "invalidApiKey", "Invalid API key", "Send the app's API key in the X-Api-Key header.")
    if Scope.TOKENS not in key.scopes:
        raise Problem(403, "forbidden", "The API key is not for session tokens")
    body = await json_object(request)
    _check_app(body, key.app_id)
    expires_at = _expiry(body, now=int(now), default_s=services.settings.token_lifetime_s)
    options = token_options(body, key.prefix)
    await services.refresh_keys()
    token = (await services.signer()).issue(key.app_id, expires_at=expires_at, now=now, options=options)
    answer = {"sessionToken": token, "session_token": token, "expireAt": expires_at, "appId": key.app_id}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def token_options(body: dict[str, Any], key_prefix: str) -> TokenOptions:
    """The options of ours: ``singleUse``, ``avatarId``, ``maxSeconds``, in either spelling.

    Raises :class:`Problem` 400.
    """
    single_use = _named(body, "singleUse", "single_use")
    avatar_id = _named(body, "avatarId", "avatar_id")
    max_seconds = _named(body, "maxSeconds", "max_seconds")
    if single_use is not None and not isinstance(single_use, bool):
        raise Problem(400, "invalidRequest", "singleUse must be true or false")
    if avatar_id is not None and (not isinstance(avatar_id, str) or not 1 <= len(avatar_id) <= _MAX_AVATAR_ID):
        raise Problem(400, "invalidRequest", f"avatarId must be a text of 1 to {_MAX_AVATAR_ID} characters")
    is_number = isinstance(max_seconds, int) and not isinstance(max_seconds, bool)
    if max_seconds is not None and not (is_number and 1 <= max_seconds <= MAX_SECONDS):
        raise Problem(400, "invalidRequest", f"maxSeconds must be a whole number from 1 to {MAX_SECONDS}")
    return TokenOptions(
        single_use=bool(single_use), avatar_id=avatar_id, max_seconds=max_seconds, key_prefix=key_prefix
    )


def _named(body: dict[str, Any], *names: str) -> Any:
    return next((body[name] for name in names if body.get(name) is not None), None)


def _check_app(body: dict[str, Any], app_id: str) -> None:
    if _named(body, "appId", "app_id") not in (None, "", app_id):
        raise Problem(403, "appIDUnrecognized", "App ID unrecognized", "The API key belongs to another app.")


def _expiry(body: dict[str, Any], *, now: int, default_s: int) -> int:
    value = _named(body, "expireAt", "expire_at")
    if value is None:
        return now + min(default_s, MAX_LIFETIME_S)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Problem(400, "invalidRequest", "expireAt must be a whole number of Unix seconds")
    if value <= now:
        raise Problem(400, "invalidRequest", "expireAt lies in the past")
    if value > now + MAX_LIFETIME_S:
        raise Problem(400, "invalidRequest", "expireAt is more than 24 hours ahead")
    return value


routes = [Route(path, create_session_token, methods=["POST"]) for path in PATHS]
