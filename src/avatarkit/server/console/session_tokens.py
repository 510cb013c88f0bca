"""``POST .../session-tokens``: an API key buys a session token."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from avatarkit.server.console.tokens import MAX_LIFETIME_S
from avatarkit.server.http.bodies import json_object
from avatarkit.server.http.problems import Problem
from avatarkit.server.services import services_of

PATHS: Final = ("/v1/console/session-tokens", "/session-tokens", "/v1/auth/session-token")
"""The path of our own, and those that the published clients ask."""

_MAX_KEY_CHARACTERS: Final = 256


async def create_session_token(request: Request) -> JSONResponse:
    """Answer with the token under both names that clients look for."""
    services = services_of(request)
    store = await services.store()
    key = request.headers.get("x-api-key", "")
    app_id = await store.keys.app_of(key) if len(key) <= _MAX_KEY_CHARACTERS else None
    if app_id is None:
        raise Problem(401, "invalidApiKey", "Invalid API key", "Send the app's API key in the X-Api-Key header.")
    body = await json_object(request)
    _check_app(body, app_id)
    now = int(services.unix_time())
    expires_at = _expiry(body, now=now, default_s=services.settings.token_lifetime_s)
    token = (await services.signer()).issue(app_id, expires_at=expires_at, now=now)
    answer = {"sessionToken": token, "session_token": token, "expireAt": expires_at, "appId": app_id}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def _check_app(body: dict[str, Any], app_id: str) -> None:
    named = body.get("appId", body.get("app_id"))
    if named not in (None, "", app_id):
        raise Problem(403, "appIDUnrecognized", "App ID unrecognized", "The API key belongs to another app.")


def _expiry(body: dict[str, Any], *, now: int, default_s: int) -> int:
    value = body.get("expireAt", body.get("expire_at"))
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
