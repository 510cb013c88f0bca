"""What a speaker must do: play mono PCM and tell what has been *heard*. That count is the master clock."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class Speaker(Protocol):
    """One output stream. Methods are called from one thread; none of them blocks."""

    def open(self, sample_rate: int) -> None:
        """Start the stream, silent and running. Raises ``AvatarError`` (``playbackInitFailed``)."""
        ...

    def write(self, pcm: bytes) -> None:
        """Queue signed 16-bit little-endian mono samples behind those already queued."""
        ...

    def heard_samples(self) -> float:
        """Samples of written audio that have left the speaker since :meth:`open` or :meth:`flush`.

        Counts only written audio: it stands still when the queue is empty or the speaker is paused. It is
        corrected for the output latency and interpolated between device callbacks, so it is a float that
        never goes back.
        """
        ...

    def queued_samples(self) -> int:
        """Written samples that have not been heard yet."""
        ...

    def pause(self) -> None:
        """Fall silent at once; keep the queue."""
        ...

    def resume(self) -> None:
        """Go on from where :meth:`pause` stopped."""
        ...

    def flush(self) -> None:
        """Fall silent at once, drop the queue, and count heard samples from zero again."""
        ...

    def set_volume(self, volume: float) -> None:
        """Gain 0..1."""
        ...

    def trouble(self) -> str | None:
        """Why nothing is to be heard any more though time goes on: a lost device. Told once, else ``None``."""
        ...

    def close(self) -> None:
        """Release the device. Idempotent."""
        ...


@runtime_checkable
class Recoverable(Protocol):
    """A speaker that can get a lost device back."""

    def recover(self) -> bool:
        """Try once to have sound again; true when there is. Called in a thread of its own, since it may take long.

        What was to be heard meanwhile counts as heard; the rest of the queue is played.
        """
        ...
