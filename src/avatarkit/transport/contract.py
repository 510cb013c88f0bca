"""What a connection to a Motion Server must do. These stubs are the specification."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from avatarkit.errors import AvatarError


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, as whom."""

    endpoint: str
    """Base URL of the server, ``http``, ``https``, ``ws`` or ``wss``, without a query."""
    avatar_id: str
    app_id: str
    session_token: str = field(repr=False)


class ConnectionEnded(Exception):  # noqa: N818 - an end is not always an error
    """The connection is over. ``error`` says why, or is ``None`` after a clean end."""

    def __init__(self, error: AvatarError | None) -> None:
        super().__init__("the connection is over")
        self.error = error


class Connection(Protocol):
    """An open, ordered, message-based connection."""

    async def receive(self) -> bytes | str:
        """The next message. Raises :class:`ConnectionEnded`."""
        ...

    async def send(self, data: bytes) -> None:
        """Send one binary message. Raises :class:`ConnectionEnded`."""
        ...

    async def close(self) -> None:
        """Close cleanly. Idempotent; never raises."""
        ...


class Connect(Protocol):
    """Opens connections."""

    async def __call__(self, target: Target) -> Connection:
        """Connect and authenticate. Raises ``AvatarError``."""
        ...
