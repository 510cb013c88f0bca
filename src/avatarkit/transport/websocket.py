"""The Motion Server over a WebSocket."""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import quote_plus, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from avatarkit.errors import AvatarError, ErrorCode, Phase, error
from avatarkit.protocol.codes import CloseCode
from avatarkit.protocol.limits import MAX_SERVER_MESSAGE_BYTES
from avatarkit.transport.contract import ConnectionEnded, Target
from avatarkit.transport.errors import close_error, rejection_error

_log = logging.getLogger(__name__)
_PATH: Final = "/v2/driveningress/websocket"
_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_CLOSE_TIMEOUT_S: Final = 2.0
PING_S: Final = 10.0
"""Seconds between pings, and without an answer after which the connection counts as lost."""
_ABNORMAL: Final = 1006


def websocket_url(endpoint: str, avatar_id: str) -> str:
    """The Motion Server's address below a base URL.

    Raises:
        AvatarError: ``configurationInvalid`` for a scheme other than http(s) and ws(s), a missing host, or a
            query.
    """
    parts = urlsplit(endpoint)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname or parts.query or parts.fragment:
        raise error(
            ErrorCode.CONFIGURATION_INVALID,
            "The endpoint must look like http://host:port or https://host, without a query.",
            phase=Phase.CONNECT,
        )
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + _PATH, f"id={quote_plus(avatar_id)}", ""))


class WebSocketConnection:
    """One WebSocket. Implements ``transport.contract.Connection``."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def receive(self) -> bytes | str:
        """The next message."""
        try:
            return await self._socket.recv()
        except ConnectionClosed as exc:
            raise ConnectionEnded(_closing(exc)) from exc

    async def send(self, data: bytes) -> None:
        """Send one binary message."""
        try:
            await self._socket.send(data)
        except ConnectionClosed as exc:
            raise ConnectionEnded(_closing(exc)) from exc

    async def close(self) -> None:
        """Close with code 1000."""
        await self._socket.close()


async def open_websocket(target: Target) -> WebSocketConnection:
    """Connect with the App ID and the session token in headers. Implements ``transport.contract.Connect``.

    Raises:
        AvatarError: By what the server answered, or ``websocketError`` when it could not be reached.
    """
    headers = {"X-App-ID": target.app_id, "X-Session-Key": target.session_token}
    url = websocket_url(target.endpoint, target.avatar_id)
    try:
        socket = await _Connect(
            url,
            additional_headers=headers,
            max_size=MAX_SERVER_MESSAGE_BYTES,
            open_timeout=None,  # the caller's clock decides
            close_timeout=_CLOSE_TIMEOUT_S,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            compression=None,  # motion is quantised already; latency matters more
            logger=_quiet,
        )
    except InvalidStatus as exc:
        body = (exc.response.body or b"")[:2000].decode("utf-8", "replace")
        raise rejection_error(exc.response.status_code, body) from None
    except ConnectionClosed as exc:
        raise _closing(exc) or _unreachable("it closed at once") from None
    except (InvalidHandshake, InvalidURI, OSError, EOFError, ValueError) as exc:
        # The exception itself may quote headers, so only its kind is told.
        raise _unreachable(_reason(exc)) from None
    return WebSocketConnection(socket)


class _Connect(connect):
    """Follows no redirect: another host must never see the session token."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Hand the redirect back as the refusal that it is."""
        return exc


def _closing(exc: ConnectionClosed) -> AvatarError | None:
    if exc.rcvd is not None:
        return close_error(exc.rcvd.code, exc.rcvd.reason)
    closed_by_us = exc.sent is not None and exc.sent.code == CloseCode.NORMAL
    return None if closed_by_us else close_error(_ABNORMAL, "")


def _reason(exc: Exception) -> str:
    return exc.strerror or type(exc).__name__ if isinstance(exc, OSError) else type(exc).__name__


def _unreachable(reason: str) -> AvatarError:
    return error(ErrorCode.WEBSOCKET_ERROR, f"The server could not be reached: {reason}.")


# The library logs handshakes with their headers at debug level; a token must never get into a log.
_quiet = logging.getLogger(f"{__name__}.library")
_quiet.setLevel(logging.WARNING)
_quiet.propagate = False
_quiet.addHandler(logging.NullHandler())
