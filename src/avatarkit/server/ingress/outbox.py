"""Sending on a WebSocket from several tasks without mixing or reordering."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

_CLOSE_TIMEOUT_S: Final = 5.0
"""A client that does not read is not waited for any longer when the connection ends."""


class Outbox:
    """The one place that writes to a connection.

    Args:
        websocket: An accepted WebSocket.
    """

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._turn = asyncio.Lock()
        self._is_gone = False

    async def send(self, make: Callable[[], bytes | None]) -> None:
        """Send what ``make`` returns; nothing if it returns ``None`` or the client has left.

        ``make`` runs when it is this message's turn, so it sees everything that was sent before.
        """
        async with self._turn:
            if self._is_gone:
                return
            data = make()
            if data is None:
                return
            try:
                await self._websocket.send_bytes(data)
            except WebSocketDisconnect:
                self._is_gone = True

    async def close(self, last_words: bytes, code: int, reason: str) -> None:
        """Send a last message and close."""
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self.send(lambda: last_words)
                if not self._is_gone:
                    await self._websocket.close(code, reason)
        except (TimeoutError, WebSocketDisconnect):
            pass
        self._is_gone = True
