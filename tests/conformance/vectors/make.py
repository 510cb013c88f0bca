"""Vectors that hold the players in Python and TypeScript to each other: same motion, seed and times, same pose.

``python tests/conformance/vectors/make.py`` writes the JSON files beside it; run it after a change of playback.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from avatarkit.audio.silent import SilentSpeaker
from avatarkit.frames import HEAD_COUNT, WEIGHT_COUNT, MotionFrames, Pose
from avatarkit.playback.life import Life
from avatarkit.playback.player import Player

HERE: Final = Path(__file__).parent
_RATE: Final = 16000
_FRAME_RATE: Final = 25.0

# What happens to a player, in seconds of its clock; frames are asked for every 40 ms, a little ahead.
_SCRIPT: Final[list[dict[str, Any]]] = [
    {"at": 0.20, "do": "speak", "round": "a", "seconds": 1.2, "end": True},
    {"at": 0.25, "do": "motion", "round": "a", "first": 0, "count": 10},
    {"at": 0.40, "do": "motion", "round": "a", "first": 12, "count": 18},
    {"at": 0.42, "do": "endMotion", "round": "a"},
    {"at": 2.00, "do": "speak", "round": "b", "seconds": 3.0, "end": False},
    {"at": 2.10, "do": "motion", "round": "b", "first": 0, "count": 40},
    {"at": 2.70, "do": "pause"},
    {"at": 3.10, "do": "resume"},
    {"at": 3.55, "do": "interrupt"},
    {"at": 3.60, "do": "motion", "round": "b", "first": 40, "count": 20},
    {"at": 4.00, "do": "speak", "round": "c", "seconds": 0.8, "end": True},
    {"at": 4.30, "do": "speak", "round": "d", "seconds": 0.6, "end": True},
    {"at": 4.90, "do": "motion", "round": "d", "first": 0, "count": 15},
]
_AHEAD_S: Final = 0.012


class _Clock:
    """Time that is set."""

    time_s = 0.0

    def now(self) -> float:
        return self.time_s

    async def sleep_until(self, deadline_s: float) -> None:
        raise NotImplementedError(deadline_s)


def motion(first: int, count: int) -> MotionFrames:
    """Frames that any language can make: byte ``(37 i + 11 k) mod 256`` of 255 in shape k of frame i, and alike."""
    i = np.arange(first, first + count)[:, None]
    weights = ((37 * i + 11 * np.arange(WEIGHT_COUNT)) % 256).astype(np.uint8)
    head = ((53 * i + 29 * np.arange(HEAD_COUNT)) % 401 - 200).astype("<i2")
    return MotionFrames.from_quantised(weights.tobytes(), head.tobytes(), first_frame=first, frame_rate=_FRAME_RATE)


def make_random() -> dict[str, Any]:
    """Draws of NumPy's generator, which the life layer is made of."""
    cases = []
    for entropy in ([0, 1], [7, 3], [2**32 + 5, 2], [123456789, 4]):
        rng = np.random.default_rng(entropy)
        cases.append(
            {
                "entropy": entropy,
                "random": [rng.random() for _ in range(4)],
                "normal_after_20000": [rng.standard_normal(20_000).tolist()[-1], rng.standard_normal()],
                "exponential_after_20000": [rng.exponential(2.0, 20_000).tolist()[-1], rng.exponential(0.8)],
                "lognormal": [rng.lognormal(1.0, 0.6) for _ in range(3)],
                "uniform": [rng.uniform(0.0, 6.0) for _ in range(3)],
            }
        )
    return {"cases": cases}


def make_life() -> dict[str, Any]:
    """Living poses of some seeds, silent and speaking."""
    cases = []
    for seed in (0, 7, 2**32 - 1):
        life = Life(seed)
        for t_s, speaking in itertools.product((0.0, 0.7, 1.9, 3.21, 4.0, 9.87, 30.5, 61.0, 301.3), (0.0, 1.0)):
            cases.append(
                {"seed": seed, "t": t_s, "speaking": speaking, "pose": _numbers(life.pose(t_s, speaking=speaking))}
            )
    return {"cases": cases}


def make_playback() -> dict[str, Any]:
    """What a player shows while the script happens to it."""
    clock, ids = _Clock(), itertools.count()
    speaker = SilentSpeaker(clock)
    speaker.open(_RATE)
    states: list[list[Any]] = []
    player = Player(
        clock=clock,
        speaker=speaker,
        sample_rate=_RATE,
        seed=7,
        new_id=lambda: f"round {next(ids)}",
        on_state=lambda state: states.append([round(clock.time_s, 3), state.value]),
        on_heard=lambda samples, at_s: None,
    )
    rounds: dict[str, str] = {}
    frames = []
    steps = list(_SCRIPT)
    for tick in range(600):
        clock.time_s = tick / 100
        while steps and steps[0]["at"] <= clock.time_s + 1e-9:
            _act(player, rounds, steps.pop(0))
        player.update()
        if tick % 4 == 0:
            frame = player.frame(clock.time_s + _AHEAD_S)
            frames.append({"t": clock.time_s, "position": frame.position_s, "pose": _numbers(frame.pose)})
    return {"seed": 7, "rate": _RATE, "ahead": _AHEAD_S, "script": _SCRIPT, "states": states, "frames": frames}


def _act(player: Player, rounds: dict[str, str], step: dict[str, Any]) -> None:
    match step["do"]:
        case "speak":
            rounds[step["round"]] = player.open_round(expects_motion=True)
            player.push_audio(b"\x01\x00" * round(step["seconds"] * _RATE), end=step["end"])
        case "motion":
            player.push_motion(rounds[step["round"]], motion(step["first"], step["count"]))
        case "endMotion":
            player.end_motion(rounds[step["round"]])
        case verb:
            getattr(player, verb)()


def _numbers(pose: Pose) -> list[float]:
    return [round(float(x), 6) for x in (*pose.weights, *pose.head)]


MAKERS: Final = {"random": make_random, "life": make_life, "playback": make_playback}

if __name__ == "__main__":
    for name, make in MAKERS.items():
        (HERE / f"{name}.json").write_text(json.dumps(make(), separators=(",", ":")).replace('{"', '\n{"') + "\n")
