"""Replaying: the same calls, with the same readings of clock and speaker, on a new player."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from avatarkit.frames import Pose
from avatarkit.playback import snapshot
from avatarkit.playback.heard import Samples
from avatarkit.playback.player import Frame, Player
from avatarkit.recording.calls import do, round_id_of, unpack_call
from avatarkit.recording.recorder import SHOWN, VERSION, check
from avatarkit.recording.tape import Entry, Kind, broken, read_entries
from avatarkit.types import SAMPLE_RATES_HZ

_FRAMES_KEPT: Final = 1000


class ShownFrame(NamedTuple):
    """A frame as it was shown."""

    time_s: float
    """On the surface."""
    pose: Pose
    position_s: float | None
    is_same: bool
    """Whether the pose is that of the recorded session, bit for bit."""


class HeardSound(NamedTuple):
    """Sound as it was heard: int16 samples, volume applied."""

    samples: Samples
    sample_rate: int
    at_s: float
    """Clock time of the first."""


class ToldEvent(NamedTuple):
    """What the app was told."""

    at_s: float
    """Clock time."""
    event: dict[str, Any]


@dataclass(frozen=True)
class About:
    """The header of a recording."""

    seed: int
    avatar_id: str
    avatar_sha256: str
    frame_rate: float
    surface_size: tuple[int, int]
    software: str
    start_s: float
    """Clock time at which time began on the surface; events and sound are placed by it."""


class _Readings:
    """Clock and speaker of the replay: they tell what was read then."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.heard = 0.0

    def now(self) -> float:
        return self.now_s

    async def sleep_until(self, deadline_s: float) -> None:
        raise NotImplementedError(deadline_s)

    def heard_samples(self) -> float:
        return self.heard

    def queued_samples(self) -> int:
        return 0

    def open(self, sample_rate: int) -> None:
        pass

    def write(self, pcm: bytes) -> None:
        pass

    def set_volume(self, volume: float) -> None:
        pass

    def trouble(self) -> str | None:
        return None

    def pause(self) -> None:
        pass

    resume = flush = close = pause


class Replay:
    """One recording, played again as fast as it is iterated."""

    def __init__(self, path: Path) -> None:
        """Read the header. Raises ``AvatarError`` (``configurationInvalid``) and ``OSError`` as ``read_entries``."""
        self._entries = read_entries(path)
        first = next(self._entries, None)
        if first is None or first.kind != Kind.HEADER:
            raise broken("it has no header")
        try:
            header = json.loads(first.payload)
            if header["version"] != VERSION:
                raise broken(f"it is of version {header['version']}")
            self.about = About(
                seed=int(header["seed"]),
                avatar_id=str(header["avatar"]["id"]),
                avatar_sha256=str(header["avatar"]["sha256"]),
                frame_rate=float(header["surface"]["frameRate"]),
                surface_size=(int(header["surface"]["width"]), int(header["surface"]["height"])),
                software=str(header.get("software", "")),
                start_s=float(header["surface"]["start"]),
            )
            self._state = header["player"]
            self._blobs = self._read_blobs(int(header["blobs"]))
            self._rate = int(self._state["rate"])
            if self._rate not in SAMPLE_RATES_HZ:
                raise ValueError(self._rate)
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise broken(f"its header is damaged ({type(exc).__name__})") from None

    def __iter__(self) -> Iterator[ShownFrame | HeardSound | ToldEvent]:
        """What was shown, heard and told, in order; once. Raises ``AvatarError`` for a broken file."""
        readings = _Readings()
        readings.now_s = float(self._state["now"])
        sound: list[HeardSound] = []
        ids: list[str] = []
        player = Player(
            clock=readings,
            speaker=readings,
            sample_rate=self._rate,
            seed=self.about.seed,
            new_id=ids.pop,
            on_heard=lambda samples, at_s: sound.append(HeardSound(samples, self._rate, at_s)),
        )
        frames: dict[int, Frame] = {}
        try:
            snapshot.restore(player, self._state, self._blobs)
            for entry in self._entries:
                if entry.kind == Kind.CALL:
                    self._do(player, readings, ids, frames, entry)
                    yield from sound
                    sound.clear()
                elif entry.kind == Kind.SHOWN:
                    yield _shown(frames, entry)
                elif entry.kind == Kind.EVENT:
                    told = json.loads(entry.payload)
                    yield ToldEvent(float(told.pop("at")), told)
        except (ValueError, LookupError, TypeError, ArithmeticError, AssertionError) as exc:
            raise broken(f"an entry makes no sense ({type(exc).__name__}: {exc})") from exc

    def _read_blobs(self, count: int) -> list[bytes]:
        if count not in (0, snapshot.BLOBS_OF_A_ROUND):
            raise ValueError(count)
        blobs = list(itertools.islice(self._entries, count))
        if len(blobs) < count or any(entry.kind != Kind.BLOB for entry in blobs):
            raise ValueError("blobs are missing")
        return [entry.payload for entry in blobs]

    def _do(
        self, player: Player, readings: _Readings, ids: list[str], frames: dict[int, Frame], entry: Entry
    ) -> None:
        call = unpack_call(entry.payload)
        readings.now_s, readings.heard = call.now_s, call.heard
        if call.name == "open_round":
            ids.append(round_id_of(call))
        made = do(player, call)
        self._rate = player.sample_rate
        if isinstance(made, Frame):
            frames[made.number] = made
            for old in list(itertools.islice(frames, max(0, len(frames) - _FRAMES_KEPT))):
                del frames[old]


def _shown(frames: dict[int, Frame], entry: Entry) -> ShownFrame:
    if len(entry.payload) != SHOWN.size:
        raise ValueError("a frame of another length")
    number, time_s, wanted = SHOWN.unpack(entry.payload)
    frame = frames[number]
    return ShownFrame(time_s, frame.pose, frame.position_s, check(frame.pose) == wanted)
