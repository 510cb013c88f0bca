"""The calls of a player as bytes: ``Player.tap`` in, the same call on another player out."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from avatarkit.frames import HEAD_COUNT, WEIGHT_COUNT, MotionFrames
from avatarkit.playback.player import Player
from avatarkit.types import SAMPLE_RATES_HZ, FrameStarvationMode, Mood

_HEAD: Final = struct.Struct("<Bdd")
_TIME: Final = struct.Struct("<d")
_PLACE: Final = struct.Struct("<dd")
_MOTION: Final = struct.Struct("<Bqdi")


class Call(NamedTuple):
    """A call with the readings it went by."""

    name: str
    now_s: float
    heard: float
    arguments: bytes


def pack_call(name: str, now_s: float, heard: float, arguments: tuple[Any, ...]) -> bytes:
    """A call as bytes."""
    return _HEAD.pack(_NUMBER[name], now_s, heard) + _CALLS[name][0](*arguments)


def unpack_call(payload: bytes) -> Call:
    """Inverse of :func:`pack_call`. Raises ``ValueError`` for what is none."""
    if len(payload) < _HEAD.size or payload[0] >= len(CALLS):
        raise ValueError("an unknown call")
    number, now_s, heard = _HEAD.unpack_from(payload)
    return Call(CALLS[number], now_s, heard, payload[_HEAD.size :])


def do(player: Player, call: Call) -> Any:
    """Make the call on another player, and return what it returns.

    ``open_round`` gives the round the recorded id only if the player's ``new_id`` does. Raises ``ValueError`` for
    arguments that no call ever had.
    """
    return _CALLS[call.name][1](player, call.arguments)


def round_id_of(call: Call) -> str:
    """The id that an ``open_round`` gave."""
    return call.arguments[1:].decode()


# --- arguments to bytes -----------------------------------------------------------------------------------


def _nothing() -> bytes:
    return b""


def _pack_enum(value: FrameStarvationMode | Mood) -> bytes:
    return value.value.encode()


def _pack_motion(round_id: str, frames: MotionFrames) -> bytes:
    text = round_id.encode()
    head = _MOTION.pack(len(text), frames.first_frame, frames.frame_rate, len(frames))
    return head + text + frames.weights.astype("<f4").tobytes() + frames.head.astype("<f4").tobytes()


# --- bytes to calls ---------------------------------------------------------------------------------------


def _plainly(name: str) -> tuple[Callable[..., bytes], Callable[[Player, bytes], Any]]:
    return _nothing, lambda player, data: getattr(player, name)()


def _push_audio(player: Player, data: bytes) -> None:
    if not player.input_open or not data:
        raise ValueError("audio without a round")
    player.push_audio(data[1:], end=bool(data[0]))


def _change_rate(player: Player, data: bytes) -> None:
    rate = _one(data)
    if rate not in SAMPLE_RATES_HZ:
        raise ValueError("an unknown sample rate")
    player.change_rate(int(rate))


def _push_motion(player: Player, data: bytes) -> None:
    id_size, first_frame, frame_rate, count = _unpack(_MOTION, data[: _MOTION.size])
    start = _MOTION.size + id_size
    size = 4 * count * WEIGHT_COUNT
    if count < 0 or len(data) != start + size + 4 * count * HEAD_COUNT:
        raise ValueError("motion of another length")
    weights = np.frombuffer(data[start : start + size], "<f4").astype(np.float32).reshape(count, WEIGHT_COUNT)
    head = np.frombuffer(data[start + size :], "<f4").astype(np.float32).reshape(count, HEAD_COUNT)
    frames = MotionFrames(weights, head, first_frame, frame_rate)
    with contextlib.suppress(ValueError):  # it was refused then, too
        player.push_motion(data[_MOTION.size : start].decode(), frames)


def _one(data: bytes) -> float:
    return float(_unpack(_TIME, data)[0])


def _unpack(layout: struct.Struct, data: bytes) -> tuple[Any, ...]:
    try:
        return layout.unpack(data)
    except struct.error:
        raise ValueError("a call with arguments of another length") from None


_CALLS: Final[dict[str, tuple[Callable[..., bytes], Callable[[Player, bytes], Any]]]] = {
    "update": _plainly("update"),
    "frame": (_TIME.pack, lambda player, data: player.frame(_one(data))),
    "open_round": (
        lambda round_id, expects_motion: bytes([expects_motion]) + round_id.encode(),
        lambda player, data: player.open_round(expects_motion=bool(data[0])),
    ),
    "push_audio": (lambda pcm, end: bytes([end]) + pcm, _push_audio),
    "push_motion": (_pack_motion, _push_motion),
    "end_motion": (str.encode, lambda player, data: player.end_motion(data.decode())),
    "refuse_motion": (str.encode, lambda player, data: player.refuse_motion(data.decode())),
    "lose_connection": _plainly("lose_connection"),
    "interrupt": _plainly("interrupt"),
    "pause": _plainly("pause"),
    "resume": _plainly("resume"),
    "volume": (_TIME.pack, lambda player, data: setattr(player, "volume", _one(data))),
    "starvation_mode": (
        _pack_enum,
        lambda player, data: setattr(player, "starvation_mode", FrameStarvationMode(data.decode())),
    ),
    "change_rate": (_TIME.pack, _change_rate),
    "set_mood": (_pack_enum, lambda player, data: player.set_mood(Mood(data.decode()))),
    "look_at": (_PLACE.pack, lambda player, data: player.look_at(*_unpack(_PLACE, data))),
}

CALLS: Final = tuple(_CALLS)
"""Their numbers in a file are their places here: new ones go to the end."""

_NUMBER: Final = {name: i for i, name in enumerate(CALLS)}
