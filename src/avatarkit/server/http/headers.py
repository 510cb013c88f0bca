"""Security headers on every answer, and which web pages may use the client routes and open sessions."""

from __future__ import annotations

import json
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CLIENT_PREFIX: Final = "/v1/client/"
"""Routes that web pages may read: they take no cookie and give no secret."""

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_TLS: Final = {"Strict-Transport-Security": "max-age=31536000"}
_CROSS_ORIGIN: Final = {
    "Access-Control-Expose-Headers": "ETag, Content-Length, Content-Range, Accept-Ranges",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "X-App-ID, X-Session-Key, Range, If-None-Match",
    "Access-Control-Max-Age": "86400",
}


class SecurityHeaders:
    """ASGI middleware; a route's own header wins over the default.

    Args:
        app: What it protects.
        origins: Origins whose pages may use the client routes and open sessions; ``*`` is any.
        tls: Whether the server speaks TLS itself.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...] = ("*",), *, tls: bool = False) -> None:
        self._app = app
        self._origins = origins
        self._always = _ALWAYS | (_TLS if tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or upgrade."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        origin = Headers(scope=scope).get("origin", "")
        if scope["type"] == "websocket":
            # Programs send no Origin; browsers always do.
            if origin and not self._allowed(origin):
                await _refuse_origin(send)
            else:
                await self._app(scope, receive, send)
            return
        is_client_route = scope["path"].startswith(CLIENT_PREFIX)
        added = self._always | (
            _CROSS_ORIGIN | self._allowance(origin)
            if is_client_route
            else {"Cross-Origin-Resource-Policy": "same-origin"}
        )
        if is_client_route and scope["method"] == "OPTIONS":
            await _answer_preflight(send, added | _PREFLIGHT)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in added.items():
                    if name == "Vary":
                        headers.add_vary_header(value)
                    else:
                        headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _allowed(self, origin: str) -> bool:
        return "*" in self._origins or origin in self._origins

    def _allowance(self, origin: str) -> dict[str, str]:
        if "*" in self._origins:
            return {"Access-Control-Allow-Origin": "*"}
        allowance = {"Vary": "Origin"}
        return allowance | ({"Access-Control-Allow-Origin": origin} if self._allowed(origin) else {})


async def _refuse_origin(send: Send) -> None:
    body = json.dumps({"message": "Origin not allowed"}).encode() + b"\n"
    headers = [(b"content-type", b"application/json")]
    await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def _answer_preflight(send: Send, headers: dict[str, str]) -> None:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 204, "headers": raw})
    await send({"type": "http.response.body", "body": b""})
