"""From nothing to a confirmed session: token, connection, configuration, confirmation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from avatarkit.backend.deadline import within
from avatarkit.backend.tokens import SessionTokens
from avatarkit.clock import Clock
from avatarkit.errors import AuthenticationError, AvatarError, ErrorCode, Phase, error
from avatarkit.protocol import ProtocolError, ServerErrorReceived, SessionConfirmed
from avatarkit.protocol.client_session import ClientSession
from avatarkit.protocol.limits import HANDSHAKE_TIMEOUT_S
from avatarkit.transport.contract import Connection, ConnectionEnded
from avatarkit.transport.errors import server_error


async def open_connection(
    tokens: SessionTokens, connect: Callable[[str], Awaitable[Connection]], clock: Clock
) -> Connection:
    """Connect with a session token, which ``connect`` is given; a kept token that the server refuses is replaced
    and tried once more. Raises ``AvatarError`` in the phase ``authenticate`` or ``connect``."""
    token = await tokens.get()
    try:
        return await _connect_in_time(connect, token, clock)
    except AuthenticationError:
        tokens.forget(token)
    return await _connect_in_time(connect, await tokens.get(), clock)


async def confirm(
    connection: Connection, wire: ClientSession, configuration: bytes, clock: Clock
) -> SessionConfirmed:
    """Send the configuration and wait for the server's answer. Raises ``AvatarError`` in the phase ``connect``."""
    try:
        await connection.send(configuration)
        return await within(clock, HANDSHAKE_TIMEOUT_S, _answer(connection, wire))
    except TimeoutError:
        raise _too_late("confirm the session") from None
    except ConnectionEnded as exc:
        raise exc.error or error(
            ErrorCode.WEBSOCKET_CLOSED_UNEXPECTED,
            "The server closed the connection instead of confirming the session.",
            phase=Phase.CONNECT,
        ) from None
    except ProtocolError as exc:
        raise error(
            ErrorCode.SERVER_ERROR,
            f"The server broke the protocol in its first message: {exc}.",
            phase=Phase.CONNECT,
            retryable=False,
        ) from None


async def _connect_in_time(connect: Callable[[str], Awaitable[Connection]], token: str, clock: Clock) -> Connection:
    async def work() -> Connection:
        return await connect(token)

    try:
        return await within(clock, HANDSHAKE_TIMEOUT_S, work())
    except TimeoutError:
        raise _too_late("accept the connection") from None


async def _answer(connection: Connection, wire: ClientSession) -> SessionConfirmed:
    data = await connection.receive()
    # The wire session lets nothing but a confirmation or an error through as the first message.
    (event,) = wire.receive_text(data) if isinstance(data, str) else wire.receive_bytes(data)
    if isinstance(event, ServerErrorReceived):
        failure = server_error(event.code, event.message)
        failure.phase = Phase.CONNECT
        raise failure
    assert isinstance(event, SessionConfirmed)
    return event


def _too_late(what: str) -> AvatarError:
    return error(
        ErrorCode.SESSION_TIMEOUT, f"The server did not {what} within {HANDSHAKE_TIMEOUT_S:g} s.", phase=Phase.CONNECT
    )
