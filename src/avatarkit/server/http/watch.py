"""Every HTTP request gets an id, a line in the log, a number in the metrics, and an answer even when it fails."""

from __future__ import annotations

import logging
import re
import secrets
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from avatarkit.errors import ErrorCode
from avatarkit.server.http.problems import Problem, respond
from avatarkit.server.observe.logs import log_context
from avatarkit.server.observe.observer import Observer

_log: Final = logging.getLogger(__name__)
_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_MACHINES: Final = frozenset(("/healthz", "/readyz", "/metrics"))
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class RequestWatch:
    """ASGI middleware. ``X-Request-ID`` of the client is taken over if it is a plain id, and always answered."""

    def __init__(self, app: ASGIApp, observer: Observer) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        name = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = name
        with log_context(request=name):
            await self._serve(scope, receive, send, name)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, name: str) -> None:
        started_s = self._observer.clock.now()
        status = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = name
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception:
            _log.exception("%s %s failed", scope["method"], scope["path"])
            if status:
                raise  # the answer is half sent; the connection must break
            problem = Problem(500, ErrorCode.SERVER_ERROR.value, "Internal error")
            await respond(problem, scope)(scope, receive, send_and_note)
        finally:
            self._note(scope, status, self._observer.clock.now() - started_s)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # The path alone: a query may hold a session token.
        level = logging.DEBUG if status < 400 or scope["path"] in _MACHINES else logging.INFO
        _log.log(level, "%s %s answered %d in %.1f ms", scope["method"], scope["path"], status, seconds * 1000)
        if self._observer.metrics is not None:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = getattr(scope.get("endpoint"), "__name__", "none")
            self._observer.metrics.http.labels(method, route, str(status)).observe(seconds)
