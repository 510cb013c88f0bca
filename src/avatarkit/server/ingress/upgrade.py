"""From uvicorn's WebSocket handshake to a socket of our own.

uvicorn reads the request, the app admits or refuses it as it would any other. Once it is accepted the app takes the
transport over with :func:`take_over`, and everything that served the handshake is let go: an idle connection then
costs a few kilobytes, and a message passes through no queue and no task.
"""

from __future__ import annotations

import logging
from typing import Any, Final, cast

from starlette.websockets import WebSocket
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from avatarkit.server.ingress.socket import MotionSocket, SocketOwner, transport_of

_EXTENSION: Final = "avatarkit.take_over"
_MAX_EARLY_BYTES: Final = 64 * 1024
_log: Final = logging.getLogger(__name__)


class UpgradeProtocol(WebSocketsSansIOProtocol):
    """uvicorn's handshake. Bytes that come behind the request are kept for whoever takes the connection over."""

    _is_taken = False
    _early = b""

    def handle_connect(self, event: Request) -> None:
        """Start the app; it finds :func:`take_over`'s other half in its scope."""
        super().handle_connect(event)
        if self.handshake_initiated and not self.handshake_complete:
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions[_EXTENSION] = self

    def data_received(self, data: bytes) -> None:
        """Parse the request, and nothing behind it."""
        if not self.handshake_initiated:
            super().data_received(data)
            return
        self._early += data
        if len(self._early) > _MAX_EARLY_BYTES:
            self.transport.abort()

    async def run_asgi(self) -> None:
        """Run the app; the connection ends with it unless it was taken over."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except Exception:
            _log.exception("a WebSocket upgrade failed")
            self.send_500_response()
        else:
            if not self.handshake_complete and self.initial_response is None and not self.disconnected:
                self.send_500_response()
        if not self._is_taken:
            self.transport.close()

    def hand_over(self, owner: SocketOwner, max_bytes: int) -> MotionSocket | None:
        """See :func:`take_over`."""
        if self.disconnected or self.transport.is_closing() or not self.handshake_complete:
            return None
        self._is_taken = True
        self.stop_keepalive()
        self.connections.discard(self)
        socket = MotionSocket(transport_of(self.transport), owner, max_bytes)
        early, self._early = self._early, b""
        if early:
            self.loop.call_soon(socket.data_received, early)
        return socket


def take_over(websocket: WebSocket, owner: SocketOwner, max_bytes: int) -> MotionSocket | None:
    """The socket of an accepted WebSocket; the app does nothing with the WebSocket afterwards.

    Args:
        websocket: Accepted.
        owner: Is told of messages, not before this function has returned.
        max_bytes: Longest message of the client.

    Returns:
        ``None`` when the client has left already.
    """
    protocol = websocket.scope["extensions"][_EXTENSION]
    assert isinstance(protocol, UpgradeProtocol)
    return protocol.hand_over(owner, max_bytes)
