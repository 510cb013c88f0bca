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
from avatarkit.playback.chance import Chance, Wander
from avatarkit.playback.life import Life
from avatarkit.playback.news import News
from avatarkit.playback.player import Player
from avatarkit.types import FrameStarvationMode, Mood

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
    {"at": 5.60, "do": "starvation", "mode": "strictSync"},
    {"at": 5.62, "do": "speak", "round": "e", "seconds": 1.0, "end": True},
    {"at": 5.70, "do": "motion", "round": "e", "first": 0, "count": 10},
    {"at": 6.60, "do": "motion", "round": "e", "first": 10, "count": 4},
    {"at": 7.00, "do": "endMotion", "round": "e"},
    {"at": 7.40, "do": "mood", "mood": "cheerful"},
    {"at": 7.50, "do": "lookAt", "x": 0.4, "y": 0.2},
]
_AHEAD_S: Final = 0.012
_HEAD: Final = np.array([0.05, -0.1, 0.02, 0.001, 0.0, 0.0], np.float32)


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


def sound(seconds: float) -> bytes:
    """Samples that any language can make: 400 ms of a square wave of 4000, then 200 ms of silence, and so on."""
    i = np.arange(round(seconds * _RATE))
    loud = (i // (_RATE // 10)) % 6 < 4
    return np.where(loud, np.where(i % 80 < 40, 4000, -4000), 0).astype("<i2").tobytes()


def make_random() -> dict[str, Any]:
    """Draws of the hash that the life layer is made of."""
    cases = []
    for seed in (0, 7, 2**32 + 5, 123456789):
        chance = Chance(seed)
        places = [[0, 0], [0, 1], [3, 17], [300, 2**31], [100, 4096 * 1440]]
        cases.append(
            {
                "seed": seed,
                "places": places,
                "bits": [chance.bits(*place) for place in places],
                "uniform": [chance.uniform(*place) for place in places],
                "normal": [chance.normal(*place) for place in places],
                "exponential": [chance.exponential(*place, 2.0) for place in places],
                "lognormal": [chance.lognormal(*place, 1.9, 0.6) for place in places],
                "wander": [Wander(chance, 5, 3.5).at(t_s) for t_s in (0.0, 1.0, 3.5, 1234.5)],
            }
        )
    return {"wanderStream": 5, "wanderSpacing": 3.5, "wanderTimes": [0.0, 1.0, 3.5, 1234.5], "cases": cases}


# What happens to a life, in seconds of it; poses are asked for in between, in order.
_LIFE: Final[list[dict[str, Any]]] = [
    {"at": 2.0, "do": "speak", "active": True},
    {"at": 3.1, "do": "pause"},
    {"at": 4.0, "do": "lookAt", "x": 0.8, "y": -0.4},
    {"at": 4.03, "do": "lookAt", "x": -0.5, "y": 0.9},
    {"at": 5.5, "do": "mood", "mood": "cheerful"},
    {"at": 6.2, "do": "mood", "mood": "tired"},
    {"at": 8.0, "do": "speak", "active": False},
    {"at": 9.0, "do": "lookAt", "x": 0.0, "y": 0.0},
    {"at": 12.0, "do": "mood", "mood": "attentive"},
]


def make_life() -> dict[str, Any]:
    """Living poses of some seeds: at scattered times, speaking or not; and in order, while things happen."""
    cases = []
    for seed in (0, 7, 2**32 - 1):
        life = Life(seed)
        for t_s, speaking in itertools.product((0.0, 0.7, 1.9, 3.21, 4.0, 9.87, 30.5, 61.0, 59.7, 301.3), (0.0, 1.0)):
            cases.append(
                {"seed": seed, "t": t_s, "speaking": speaking, "pose": _numbers(life.pose(t_s, speaking=speaking))}
            )
    return {"cases": cases, "script": _LIFE, "seed": 11, "head": _HEAD.tolist(), "poses": _scripted_life(Life(11))}


def _scripted_life(life: Life) -> list[dict[str, Any]]:
    steps, poses = list(_LIFE), []
    for tick in range(200):
        t_s = tick / 10
        while steps and steps[0]["at"] <= t_s:
            _happen(life, steps.pop(0))
        poses.append({"t": t_s, "pose": _numbers(life.pose(t_s, speaking=0.5, head=_HEAD))})
    return poses


def _happen(life: Life, step: dict[str, Any]) -> None:
    match step["do"]:
        case "speak":
            life.speak(step["at"], active=step["active"])
        case "pause":
            life.pause(step["at"])
        case "lookAt":
            life.look_at(step["at"], step["x"], step["y"])
        case "mood":
            life.set_mood(step["at"], Mood(step["mood"]))


def make_playback() -> dict[str, Any]:
    """What a player shows while the script happens to it."""
    clock, ids = _Clock(), itertools.count()
    speaker = SilentSpeaker(clock)
    speaker.open(_RATE)
    states: list[list[Any]] = []
    told: list[list[Any]] = []

    def tell(*what: Any) -> None:
        told.append([round(clock.time_s, 3), *(round(x, 6) if isinstance(x, float) else x for x in what)])

    player = Player(
        clock=clock,
        speaker=speaker,
        sample_rate=_RATE,
        seed=7,
        new_id=lambda: f"round {next(ids)}",
        on_heard=lambda samples, at_s: None,
        news=News(
            on_state=lambda state: states.append([round(clock.time_s, 3), state.value]),
            on_started=lambda id_: tell("started", id_),
            on_progress=lambda id_, position_s: tell("progress", id_, position_s),
            on_finished=lambda id_, position_s, interrupted: tell("finished", id_, position_s, interrupted),
            on_stall=lambda stalled: tell("stall", stalled),
        ),
    )
    rounds: dict[str, str] = {}
    frames = []
    steps = list(_SCRIPT)
    for tick in range(900):
        clock.time_s = tick / 100
        while steps and steps[0]["at"] <= clock.time_s + 1e-9:
            _act(player, rounds, steps.pop(0))
        player.update()
        if tick % 4 == 0:
            frame = player.frame(clock.time_s + _AHEAD_S)
            frames.append({"t": clock.time_s, "position": frame.position_s, "pose": _numbers(frame.pose)})
    return {
        "seed": 7,
        "rate": _RATE,
        "ahead": _AHEAD_S,
        "script": _SCRIPT,
        "states": states,
        "told": told,
        "frames": frames,
    }


def _act(player: Player, rounds: dict[str, str], step: dict[str, Any]) -> None:
    match step["do"]:
        case "speak":
            rounds[step["round"]] = player.open_round(expects_motion=True)
            player.push_audio(sound(step["seconds"]), end=step["end"])
        case "motion":
            player.push_motion(rounds[step["round"]], motion(step["first"], step["count"]))
        case "endMotion":
            player.end_motion(rounds[step["round"]])
        case "starvation":
            player.starvation_mode = FrameStarvationMode(step["mode"])
        case "mood":
            player.set_mood(Mood(step["mood"]))
        case "lookAt":
            player.look_at(step["x"], step["y"])
        case verb:
            getattr(player, verb)()


def _numbers(pose: Pose) -> list[float]:
    return [round(float(x), 6) for x in (*pose.weights, *pose.head)]


MAKERS: Final = {"random": make_random, "life": make_life, "playback": make_playback}

if __name__ == "__main__":
    for name, make in MAKERS.items():
        (HERE / f"{name}.json").write_text(json.dumps(make(), separators=(",", ":")).replace('{"', '\n{"') + "\n")
