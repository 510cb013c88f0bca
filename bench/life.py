"""How alive idle motion is, in figures: ``python -m bench.life [--minutes M] [--seed N]``.

Blinks, gaze, head speed, the spectrum of the head, and how little the motion repeats, for every mood, silent and
with speech that pauses.
"""

from __future__ import annotations

import argparse
import itertools
import time

import numpy as np
import numpy.typing as npt

from avatarkit.frames import ARKIT_INDEX, Pose
from avatarkit.playback.life import FULL_LOOK_DEG, Life
from avatarkit.types import Mood

FPS = 50
SPEECH_S, PAUSE_S = 2.6, 0.5
BANDS_HZ = (0.0, 0.1, 0.3, 1.0, 3.0, 12.0)
Series = npt.NDArray[np.float64]


def live(seed: int, minutes: float, mood: Mood, *, speaking: bool) -> tuple[list[Pose], list[float]]:
    """Poses, and the onsets of speech pauses."""
    life = Life(seed)
    life.set_mood(0.0, mood)
    if speaking:
        life.speak(0.0, active=True)
    poses, pauses, next_pause_s = [], [], SPEECH_S
    for i in range(round(minutes * 60 * FPS)):
        t_s = i / FPS
        if speaking and t_s >= next_pause_s:
            life.pause(t_s)
            pauses.append(t_s)
            next_pause_s += SPEECH_S + PAUSE_S
        poses.append(life.pose(t_s, speaking=float(speaking)))
    return poses, pauses


def gaze_deg(weights: Series, head: Series) -> Series:
    """Yaw and pitch of the gaze in the world: the eyes in the head, and the head."""
    w = {name: weights[:, ARKIT_INDEX[name]] for name in ARKIT_INDEX if name.startswith("eyeLook")}
    yaw = (w["eyeLookOutLeft"] - w["eyeLookInLeft"]) * FULL_LOOK_DEG
    pitch = (w["eyeLookDownLeft"] - w["eyeLookUpLeft"]) * FULL_LOOK_DEG
    return np.stack([yaw + np.degrees(head[:, 1]), pitch + np.degrees(head[:, 0])], axis=1)


def dwells_s(gaze: Series) -> Series:
    """Times between two shifts of the gaze by more than 0.3 degrees in one frame."""
    moving = np.hypot(*np.diff(gaze, axis=0).T) > 0.3
    starts = np.flatnonzero(moving[1:] & ~moving[:-1]) / FPS
    return np.diff(starts)


def repeats(head: Series) -> float:
    """Highest correlation of two different stretches of 10 s of the head's motion."""
    slow = head[:: FPS // 10, :3]
    span = 100
    pieces = np.array([slow[i : i + span].ravel() for i in range(0, len(slow) - span, span // 2)])
    pieces -= pieces.mean(axis=1, keepdims=True)
    pieces /= np.linalg.norm(pieces, axis=1, keepdims=True)
    alike = pieces @ pieces.T
    alike[np.abs(np.subtract.outer(np.arange(len(alike)), np.arange(len(alike)))) < 2] = 0.0
    return float(alike.max())


def show(name: str, poses: list[Pose], pauses: list[float]) -> None:
    weights = np.array([pose.weights for pose in poses], np.float64)
    head = np.array([pose.head for pose in poses], np.float64)
    minutes = len(poses) / FPS / 60
    lid = weights[:, ARKIT_INDEX["eyeBlinkLeft"]]
    shut = lid > 0.7
    blinks = np.flatnonzero(shut[1:] & ~shut[:-1]) / FPS
    gaps = np.diff(blinks)
    gaze = gaze_deg(weights, head)
    away = np.hypot(*gaze.T)
    dwell = dwells_s(gaze)
    speed = np.degrees(np.linalg.norm(np.diff(head[:, :3], axis=0), axis=1)) * FPS
    print(f"{name:22} blinks {len(blinks) / minutes:5.1f}/min (CV {gaps.std() / gaps.mean():.2f})", end="")
    print(f"  gaze dwell {np.median(dwell):.2f} s, within 3 deg {100 * (away < 3.0).mean():3.0f} %", end="")
    print(f"  head speed p50 {np.median(speed):4.1f} p95 {np.percentile(speed, 95):4.1f} deg/s", end="")
    if pauses:
        near = [np.abs(blinks - (p + 0.15)).min() < 0.3 for p in pauses]
        chance = 1.0 - np.exp(-len(blinks) / minutes / 60 * 0.6)
        print(f"  blink at {100 * np.mean(near):.0f} % of pauses (by chance {100 * chance:.0f} %)", end="")
    print()


def show_spectrum(poses: list[Pose]) -> None:
    head = np.array([pose.head for pose in poses], np.float64)
    power = np.abs(np.fft.rfft((head[:, :3] - head[:, :3].mean(axis=0)), axis=0)) ** 2
    hertz = np.fft.rfftfreq(len(head), 1.0 / FPS)
    bands = list(itertools.pairwise(BANDS_HZ))
    shares = [100 * power[(hertz >= low) & (hertz < high)].sum() / power.sum() for low, high in bands]
    text = ", ".join(f"{low:g}-{high:g} Hz {share:.1f} %" for (low, high), share in zip(bands, shares, strict=True))
    print(f"power of the head's rotation: {text}")
    print(f"most alike two stretches of 10 s: correlation {repeats(head):.2f}")
    weights = np.array([pose.weights for pose in poses])
    channels = np.concatenate([weights[:, [ARKIT_INDEX["mouthSmileLeft"], ARKIT_INDEX["browInnerUp"]]], head], axis=1)
    still = max(
        float(np.diff(np.flatnonzero(np.abs(np.diff(c)) > 1e-4 * np.ptp(c)), prepend=0).max()) / FPS
        for c in channels.T
        if np.ptp(c) > 0
    )
    print(f"longest stillness of any of smile, brow, head axes: {still:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began_s = time.process_time()
    neutral: list[Pose] = []
    made = 0
    for mood in Mood:
        for speaking in (False, True):
            poses, pauses = live(arguments.seed, arguments.minutes, mood, speaking=speaking)
            made += len(poses)
            neutral = neutral or poses
            show(f"{mood.value}, {'speaking' if speaking else 'silent'}", poses, pauses)
    show_spectrum(neutral)
    print(f"processor time of one pose, with its statistics: {1e6 * (time.process_time() - began_s) / made:.0f} us")


if __name__ == "__main__":
    main()
