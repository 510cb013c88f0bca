"""What every speaker must do, as functions of a rig: a speaker, and a way to let its time pass."""

from __future__ import annotations

from typing import Protocol

from avatarkit.audio.speaker import Speaker

RATE = 16000


class Rig(Protocol):
    speaker: Speaker
    latency_s: float

    def run(self, seconds: float) -> None:
        """Let time pass, the device pulling as it goes."""
        ...


def tone(seconds: float) -> bytes:
    return b"\x00\x10" * round(seconds * RATE)


def heard_s(rig: Rig) -> float:
    return rig.speaker.heard_samples() / RATE


def close(a: float, b: float, tolerance: float = 0.012) -> bool:
    return abs(a - b) <= tolerance


def counts_what_was_heard(rig: Rig) -> None:
    rig.speaker.write(tone(1.0))
    assert heard_s(rig) == 0.0
    rig.run(rig.latency_s + 0.5)
    assert close(heard_s(rig), 0.5)
    assert close(rig.speaker.queued_samples() / RATE, 0.5)
    rig.run(1.0)
    assert heard_s(rig) == 1.0
    assert rig.speaker.queued_samples() == 0


def stands_still_without_audio(rig: Rig) -> None:
    rig.run(1.0)
    assert heard_s(rig) == 0.0
    rig.speaker.write(tone(0.2))
    rig.run(rig.latency_s + 0.5)
    assert heard_s(rig) == 0.2
    rig.speaker.write(tone(0.2))
    rig.run(rig.latency_s + 0.1)
    assert close(heard_s(rig), 0.3)


def never_goes_back(rig: Rig) -> None:
    rig.speaker.write(tone(0.5))
    last = 0.0
    for step in range(200):
        rig.run(0.005)
        now = heard_s(rig)
        assert now >= last
        last = now
        if step == 60:
            rig.speaker.pause()
        if step == 90:
            rig.speaker.resume()
        if step == 110:
            rig.speaker.write(tone(0.1))
    assert last == 0.6


def pause_keeps_the_queue(rig: Rig) -> None:
    rig.speaker.write(tone(1.0))
    rig.run(rig.latency_s + 0.3)
    rig.speaker.pause()
    rig.run(rig.latency_s + 0.1)  # what the device holds is still heard
    at = heard_s(rig)
    rig.run(2.0)
    assert heard_s(rig) == at
    assert at <= 0.3 + rig.latency_s + 0.012
    assert close(rig.speaker.queued_samples() / RATE, 1.0 - at)
    rig.speaker.resume()
    rig.run(rig.latency_s + 0.2)
    assert close(heard_s(rig), at + 0.2, 0.025)


def flush_drops_and_counts_from_zero(rig: Rig) -> None:
    rig.speaker.write(tone(5.0))
    rig.run(rig.latency_s + 0.3)
    rig.speaker.flush()
    assert heard_s(rig) == 0.0
    assert rig.speaker.queued_samples() == 0
    rig.run(1.0)
    assert heard_s(rig) == 0.0
    rig.speaker.write(tone(0.5))
    rig.run(rig.latency_s + 0.2)
    assert close(heard_s(rig), 0.2)


def flush_while_paused(rig: Rig) -> None:
    rig.speaker.write(tone(1.0))
    rig.run(rig.latency_s + 0.2)
    rig.speaker.pause()
    rig.speaker.flush()
    rig.speaker.resume()
    rig.speaker.write(tone(0.1))
    rig.run(rig.latency_s + 0.3)
    assert heard_s(rig) == 0.1


def empty_writes_are_nothing(rig: Rig) -> None:
    rig.speaker.write(b"")
    rig.run(0.1)
    assert rig.speaker.queued_samples() == 0


def closes_twice(rig: Rig) -> None:
    rig.speaker.write(tone(1.0))
    rig.speaker.close()
    rig.speaker.close()


SUITE = [
    counts_what_was_heard,
    stands_still_without_audio,
    never_goes_back,
    pause_keeps_the_queue,
    flush_drops_and_counts_from_zero,
    flush_while_paused,
    empty_writes_are_nothing,
    closes_twice,
]
