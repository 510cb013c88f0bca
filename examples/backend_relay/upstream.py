"""What the relay needs of a server SDK: the seam at which one takes another's place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from examples.backend_relay.packets import Packet

Deliver = Callable[[Packet], Awaitable[None]]
"""Takes packets for the client, in order."""


class Upstream(Protocol):
    """One session with the Motion Server."""

    codec: str
    """``pcm`` or ``opus``: what the client is given."""
    sample_rate: int
    """Hertz of the PCM that goes in and, unless it is Opus, out."""

    async def open(self, deliver: Deliver) -> None:
        """Start the session; audio and motion go to ``deliver`` from now on. Raises what the SDK raises."""
        ...

    async def send(self, pcm: bytes, *, end: bool) -> str:
        """Send speech; the round's id."""
        ...

    async def interrupt(self) -> None:
        """Stop the newest round. Nothing happens where there is none."""
        ...

    async def close(self) -> None:
        """End the session. Idempotent."""
        ...

    async def wait_closed(self) -> Packet | None:
        """Wait until the session is over; a packet that tells why, or ``None`` after a clean end."""
        ...
