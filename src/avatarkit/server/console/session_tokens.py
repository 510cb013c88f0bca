"""``POST .../session-tokens``: an API key buys a session token."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from avatarkit.server.console import open_shapes as shapes
from avatarkit.server.console.claims import MAX_LIFETIME_S, TokenOptions
from avatarkit.server.http.operations import Call, Operation, routes_of
from avatarkit.server.http.problems import Problem
from avatarkit.server.services import services_of
from avatarkit.server.store.records import KeyInfo, Scope

PATHS: Final = ("/v1/console/session-tokens", "/session-tokens", "/v1/auth/session-token")
"""The path of our own, and those that the published clients ask."""


async def _admit(request: Request, operation: Operation) -> KeyInfo:
    services = services_of(request)
    store, now = await services.store(), services.unix_time()
    key = await store.keys.check(request.headers.get("x-api-key", ""), now=int(now))
    if key is None:
        raise Problem(401, "invalidApiKey", "Invalid API key", "Send the app's API key in the X-Api-Key header.")
    if Scope(operation.needs) not in key.scopes:
        raise Problem(403, "forbidden", "The API key is not for session tokens")
    return key


async def create_session_token(call: Call) -> Response:
    """Answer with the token under both names that clients look for."""
    services, key = services_of(call.request), call.who
    store, now = await services.store(), services.unix_time()
    if _named(call.body, "appId", "app_id") not in (None, "", key.app_id):
        raise Problem(403, "appIDUnrecognized", "App ID unrecognized", "The API key belongs to another app.")
    expires_at = _expiry(call.body, now=int(now), default_s=services.settings.token_lifetime_s)
    if not await store.apps.has_credits(key.app_id, now_ms=int(now * 1000)):
        raise Problem(402, "creditsExhausted", "Session denied: no credits are left")
    await services.refresh_keys()
    token = (await services.signer()).issue(
        key.app_id, expires_at=expires_at, now=now, options=_options(call.body, key.prefix)
    )
    answer = {"sessionToken": token, "session_token": token, "expireAt": expires_at, "appId": key.app_id}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def _options(body: dict[str, Any], key_prefix: str) -> TokenOptions:
    return TokenOptions(
        single_use=bool(_named(body, "singleUse", "single_use")),
        avatar_id=_named(body, "avatarId", "avatar_id"),
        max_seconds=_named(body, "maxSeconds", "max_seconds"),
        key_prefix=key_prefix,
    )


def _named(body: dict[str, Any], *names: str) -> Any:
    return next((body[name] for name in names if body.get(name) is not None), None)


def _expiry(body: dict[str, Any], *, now: int, default_s: int) -> int:
    value: int | None = _named(body, "expireAt", "expire_at")
    if value is None:
        return now + min(default_s, MAX_LIFETIME_S)
    if value <= now:
        raise Problem(400, "invalidRequest", "expireAt lies in the past")
    if value > now + MAX_LIFETIME_S:
        raise Problem(400, "invalidRequest", "expireAt is more than 24 hours ahead")
    return value


OPERATIONS: Final = tuple(
    Operation(
        method="POST",
        path=path,
        name=f"create_session_token_{number}" if number else "create_session_token",
        summary="Trade an API key for a session token",
        handler=create_session_token,
        returns={200: shapes.TOKEN},
        refusals={
            402: "The app has no credits left",
            403: "The key is for another app, or not for session tokens",
            413: "Too large",
        },
        body=shapes.TOKEN_REQUEST,
        needs=Scope.TOKENS.value,
    )
    for number, path in enumerate(PATHS)
)
"""The same on each of the paths."""

routes = routes_of(OPERATIONS, _admit)
"""For the app."""
