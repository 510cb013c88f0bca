"""The state of a player as JSON and byte strings, so that a recording may begin at any moment.

Numbers survive exactly: JSON keeps the shortest decimal that gives a float back. Most of a life's state is its
seed and the events it was told of; what else there is follows from them. Audio and motion that wait are bytes:
they may be long.
"""

from __future__ import annotations

from collections import deque
from dataclasses import astuple
from typing import Any, Final

import numpy as np

from avatarkit.frames import HEAD_COUNT, WEIGHT_COUNT, Pose
from avatarkit.playback.face import Face
from avatarkit.playback.gaze import Attention, Look
from avatarkit.playback.heard import HeardAudio
from avatarkit.playback.life import Life
from avatarkit.playback.mood import Style
from avatarkit.playback.pauses import PauseFinder
from avatarkit.playback.player import Player
from avatarkit.playback.round import Round
from avatarkit.playback.timeline import MotionTimeline
from avatarkit.playback.transitions import Fade, SpeechLayer
from avatarkit.types import ConversationState, FrameStarvationMode

BLOBS_OF_A_ROUND: Final = 4
"""Byte strings beside the JSON while there is a round: audio held, audio unheard, motion, and where motion is."""

_MOST_ROWS: Final = 1 << 18
_ROW: Final = WEIGHT_COUNT + HEAD_COUNT


def take(player: Player) -> tuple[dict[str, Any], list[bytes]]:
    """The state of a player between two of its calls: JSON, and :data:`BLOBS_OF_A_ROUND` strings or none."""
    current: dict[str, Any] | None = None
    blobs: list[bytes] = []
    if player._round is not None:
        current, blobs = _round(player._round, player.voice.unheard)
    state = {
        "rate": player.voice.rate,
        "born": player.face.born_s,
        "now": player._now_s,
        "lastId": player._last_id,
        "volume": player.volume,
        "starvation": player._starvation_mode.value,
        "conversation": player._state.value,
        "paused": player._paused,
        "generation": player._generation,
        "frames": player._frames,
        "heardUntil": player.voice.unheard._run_end_s,
        "life": _life(player.face.life),
        "layer": _layer(player.face.speech),
        "round": current,
    }
    return state, blobs


def restore(player: Player, state: dict[str, Any], blobs: list[bytes]) -> None:
    """Put a new player of the same seed into a state. ``KeyError``, ``TypeError`` or ``ValueError``: it is broken."""
    player._now_s = float(state["now"])
    player._last_id = state["lastId"]
    player.voice.restore_volume(float(state["volume"]))
    player._starvation_mode = FrameStarvationMode(state["starvation"])
    player._state, player._paused = ConversationState(state["conversation"]), bool(state["paused"])
    player._generation, player._frames = int(state["generation"]), int(state["frames"])
    player.voice.unheard._run_end_s = float(state["heardUntil"])
    _restore_face(player.face, state)
    if state["round"] is not None:
        player._round = _restore_round(state["round"], blobs, player.voice.rate, player.voice.unheard)


# --- the round --------------------------------------------------------------------------------------------


def _round(current: Round, unheard: HeardAudio) -> tuple[dict[str, Any], list[bytes]]:
    last = current.last_motion
    state = {
        "id": current.id,
        "opened": current.opened_s,
        **{name: getattr(current, name) for name in _FLAGS},
        "samples": current.samples,
        "written": current.written,
        "taken": unheard._taken,
        "told": current.told_s,
        "moved": list(current.moved),
        "lastMotion": None if last is None else [[*last[0].weights.tolist(), *last[0].head.tolist()], last[1]],
        "pauses": _pauses(current.pauses),
        "timeline": None,
    }
    rows = present = b""
    if current.timeline is not None:
        timeline = current.timeline
        state["timeline"] = [timeline.frame_rate, timeline._base, len(timeline._present)]
        used = np.flatnonzero(timeline._present)
        rows = timeline._rows[used].astype("<f4").tobytes()
        present = np.packbits(timeline._present).tobytes()
    audio = b"".join(samples.astype("<i2").tobytes() for samples in unheard._queue)
    return state, [b"".join(current.held), audio, rows, present]


_FLAGS: Final = (
    "expects_motion",
    "strict",
    "started",
    "was_heard",
    "stalled",
    "starved",
    "input_ended",
    "input_lost",
    "motion_ended",
    "refuses_motion",
)


def _restore_round(state: dict[str, Any], blobs: list[bytes], rate: int, unheard: HeardAudio) -> Round:
    held, audio, rows, present = blobs
    made = Round(str(state["id"]), float(state["opened"]), rate, expects_motion=True, strict=False)
    for name in _FLAGS:
        setattr(made, name, bool(state[name]))
    if len(held) % 2 or len(audio) % 2:
        raise ValueError("half a sample")
    if held:
        made.held.append(held)
    unheard.queue(audio)
    unheard._taken = int(state["taken"])
    made.samples, made.written = int(state["samples"]), int(state["written"])
    made.told_s = float(state["told"])
    made.moved = (float(state["moved"][0]), float(state["moved"][1]))
    _restore_pauses(made.pauses, state["pauses"])
    if state["timeline"] is not None:
        made.timeline = _timeline(state["timeline"], rows, present)
    if state["lastMotion"] is not None:
        row, at_s = state["lastMotion"]
        made.last_motion = (_pose(row), float(at_s))
    return made


def _timeline(state: list[Any], rows: bytes, present: bytes) -> MotionTimeline:
    frame_rate, base, size = float(state[0]), int(state[1]), int(state[2])
    if not 0 < size <= _MOST_ROWS:
        raise ValueError("motion of an impossible length")
    made = MotionTimeline(frame_rate)
    made._base = base
    made._present = np.unpackbits(np.frombuffer(present, np.uint8), count=size).astype(np.bool_)
    made._rows = np.zeros((size, _ROW), np.float32)
    made._rows[made._present] = np.frombuffer(rows, "<f4").reshape(-1, _ROW)
    return made


def _pose(row: list[float]) -> Pose:
    if len(row) != _ROW:
        raise ValueError("a pose of another width")
    return Pose(np.array(row[:WEIGHT_COUNT], np.float32), np.array(row[WEIGHT_COUNT:], np.float32))


def _pauses(pauses: PauseFinder) -> dict[str, Any]:
    return {
        "rest": pauses._rest.hex(),
        "position": pauses._position,
        "peak": pauses._peak,
        "quiet": pauses._quiet,
        "spoke": pauses._spoke,
        "onsets": list(pauses._onsets),
    }


def _restore_pauses(pauses: PauseFinder, state: dict[str, Any]) -> None:
    pauses._rest = bytes.fromhex(state["rest"])
    pauses._position, pauses._quiet = int(state["position"]), int(state["quiet"])
    pauses._peak, pauses._spoke = float(state["peak"]), bool(state["spoke"])
    pauses._onsets = deque(int(onset) for onset in state["onsets"])


# --- the face ---------------------------------------------------------------------------------------------


def _restore_face(face: Face, state: dict[str, Any]) -> None:
    face.born_s = float(state["born"])
    _restore_life(face.life, state["life"])
    _restore_layer(face.speech, state["layer"])


def _life(life: Life) -> dict[str, Any]:
    return {
        "sampled": life.sampled_s,
        "speaking": life.cues.speaking.changes(),
        "pauses": [t_s for t_s, _ in life.cues.pauses.changes()],
        "moods": [[t_s, astuple(a), astuple(b)] for t_s, (a, b) in life.cues.moods.changes()],
        "attention": [[t_s, *value] for t_s, value in life.gaze.attention.changes()],
    }


def _restore_life(life: Life, state: dict[str, Any]) -> None:
    life.sampled_s = float(state["sampled"])
    life.cues.speaking.replace([(float(t_s), bool(value)) for t_s, value in state["speaking"]])
    life.cues.pauses.replace([(float(t_s), None) for t_s in state["pauses"]])
    life.cues.moods.replace([(float(t_s), (Style(*a), Style(*b))) for t_s, a, b in state["moods"]])
    life.gaze.attention.replace(
        [(float(t_s), Attention(*(Look(*look) for look in looks))) for t_s, *looks in state["attention"]]
    )


def _layer(layer: SpeechLayer) -> dict[str, Any]:
    return {
        "from": layer._from.tolist(),
        "shown": layer._shown.tolist(),
        "shownAt": layer._shown_at_s,
        "before": layer._before[0].tolist(),
        "beforeAt": layer._before[1],
        "fade": astuple(layer._fade),
        "fadeStart": layer._fade_start_s,
        "speaking": layer._speaking,
    }


def _restore_layer(layer: SpeechLayer, state: dict[str, Any]) -> None:
    def row(values: list[float]) -> Any:
        if len(values) != len(layer._shown):
            raise ValueError("a pose of another width")
        return np.array(values, np.float32)

    layer._from, layer._shown = row(state["from"]), row(state["shown"])
    layer._shown_at_s = float(state["shownAt"])
    layer._before = (row(state["before"]), float(state["beforeAt"]))
    layer._fade = Fade(*map(float, state["fade"]))
    layer._fade_start_s = float(state["fadeStart"])
    layer._speaking = bool(state["speaking"])
