"""How much one address may ask."""

from __future__ import annotations

import ipaddress
import json
import math
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from avatarkit.clock import Clock
from avatarkit.server.buckets import Buckets
from avatarkit.server.http.problems import Problem, respond

_REFUSALS: Final = {
    "http.response.start": frozenset((401, 403)),
    "websocket.http.response.start": frozenset((400, 401, 403)),  # a bad token is answered with 400
}
_FREE: Final = frozenset(("/healthz", "/readyz"))


class RateLimits:
    """ASGI middleware: refuses addresses that ask too much, or guess keys and tokens, with 429 and ``Retry-After``.

    The machine itself (loopback) is not limited. A reverse proxy must be named in ``trusted_proxies``, or all
    its clients count as one address.

    Args:
        app: What it protects.
        requests_per_minute: For requests and upgrades together; 0 is no limit.
        refusals_per_minute: For those that were refused for a key or token; 0 is no limit.
        clock: Source of time.
    """

    def __init__(self, app: ASGIApp, requests_per_minute: int, refusals_per_minute: int, clock: Clock) -> None:
        self._app = app
        self._requests = Buckets(requests_per_minute / 60.0, requests_per_minute, clock)
        self._refusals = Buckets(refusals_per_minute / 60.0, refusals_per_minute, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or upgrade."""
        name = _address(scope) if scope["type"] in ("http", "websocket") else None
        if name is None or scope["path"] in _FREE:
            await self._app(scope, receive, send)
            return
        wait_s = max(self._requests.wait_s(name), self._refusals.wait_s(name))
        if wait_s > 0:
            await _refuse(scope, receive, send, math.ceil(wait_s))
            return
        self._requests.take(name)

        async def send_and_note(message: Message) -> None:
            if message.get("status") in _REFUSALS.get(message["type"], ()):
                self._refusals.take(name)
            await send(message)

        await self._app(scope, receive, send_and_note)


def _address(scope: Scope) -> str | None:
    """Whose bucket it is: an IPv4 address or the /64 of an IPv6 one; ``None`` for the machine itself."""
    client = scope.get("client")
    try:
        address = ipaddress.ip_address(client[0] if client else "")
    except ValueError:
        return None  # a Unix socket: a proxy of our own machine
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return None if address.is_loopback else str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return None if address.is_loopback else str(address)


async def _refuse(scope: Scope, receive: Receive, send: Send, wait_s: int) -> None:
    if scope["type"] == "http":
        problem = Problem(429, "rateLimited", "Too many requests", f"Wait {wait_s} s.", retry_after_s=wait_s)
        await respond(problem, scope)(scope, receive, send)
        return
    body = json.dumps({"message": "Too many connections"}).encode() + b"\n"
    headers = [(b"content-type", b"application/json"), (b"retry-after", str(wait_s).encode())]
    await send({"type": "websocket.http.response.start", "status": 429, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
