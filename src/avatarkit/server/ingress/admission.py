"""Who may open a Motion Server connection, and what the others are told before the upgrade."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from avatarkit.server.console.tokens import TokenClaims, TokenFault
from avatarkit.server.services import Services
from avatarkit.server.store.meter import SessionLease, SessionRefused
from avatarkit.server.store.metering import Refusal

_MAX_ID_CHARACTERS: Final = 128
_REJECTIONS: Final = {
    Refusal.APP_UNKNOWN: (404, "App ID unrecognized"),
    Refusal.TOKEN_REVOKED: (400, "Invalid session token"),
    Refusal.TOKEN_USED: (400, "Invalid session token"),
    Refusal.CREDITS_EXHAUSTED: (402, "Session denied: no credits are left"),
}


@dataclass(frozen=True, slots=True)
class Admission:
    """A connection that may be opened."""

    avatar_id: str
    claims: TokenClaims

    @property
    def app_id(self) -> str:
        """Whose it is."""
        return self.claims.app_id


class Rejection(Exception):  # noqa: N818 - an answer, not a fault of the program
    """The upgrade is refused with a plain HTTP answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def response(self) -> Response:
        """``{"message": ...}`` and a newline: published tests compare the bytes."""
        body = json.dumps({"message": self.message}, separators=(",", ":")) + "\n"
        headers = {"Cache-Control": "no-store"} | ({"Retry-After": "2"} if self.status == 503 else {})
        return Response(body, self.status, media_type="application/json", headers=headers)


async def admit(connection: HTTPConnection, services: Services) -> Admission:
    """Check the credentials and the avatar of an upgrade request.

    Credentials come in the headers ``X-App-ID`` and ``X-Session-Key`` or, from browsers, in the query as
    ``appId`` and ``sessionKey``; the avatar is the query's ``id``.

    Raises:
        Rejection: With the status and text that clients tell causes by.
    """
    query = connection.query_params
    app_id = connection.headers.get("x-app-id") or query.get("appId", "")
    token = connection.headers.get("x-session-key") or query.get("sessionKey", "")
    claims = await services.check_token(token)
    if claims is TokenFault.EXPIRED:
        raise Rejection(401, "Session token expired")
    if isinstance(claims, TokenFault):
        raise Rejection(400, "Invalid session token")
    if claims.app_id != app_id:
        raise Rejection(400, "App ID mismatch")
    store = await services.store()
    if not await store.apps.exists(app_id):
        raise Rejection(404, "App ID unrecognized")
    avatar_id = query.get("id", "")
    if len(avatar_id) > _MAX_ID_CHARACTERS or await store.avatars.visible(avatar_id, app_id) is None:
        raise Rejection(404, "Avatar not found")
    if claims.options.avatar_id not in (None, avatar_id):
        raise Rejection(400, "Invalid session token")
    return Admission(avatar_id, claims)


async def reserve(admission: Admission, services: Services, connection_id: str) -> SessionLease | None:
    """Take a place for an admitted connection, using up its token if that is for single use.

    Returns:
        ``None`` when the app has no place left: one client family learns that best from an open connection.

    Raises:
        Rejection: With the status and text that clients tell causes by.
    """
    meter = await services.meter()
    try:
        return await meter.open(admission.claims.session(connection_id, admission.avatar_id))
    except SessionRefused as refused:
        if refused.reason is Refusal.CONCURRENCY_LIMIT:
            return None
        raise Rejection(*_REJECTIONS[refused.reason]) from None
