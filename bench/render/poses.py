"""The face that every subject of the comparison draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from avatarkit.frames import ARKIT_INDEX, Pose

BUILTIN = Path(__file__).parents[2] / "src/avatarkit/avatars/builtin/default.glb"
SHAPES = (
    "jawOpen", "mouthFunnel", "mouthSmileLeft", "mouthSmileRight", "browInnerUp", "mouthPucker", "mouthClose",
    "mouthLowerDownLeft", "mouthLowerDownRight", "cheekSquintLeft", "eyeBlinkLeft", "eyeBlinkRight",
)  # fmt: skip


def speaking_pose(frame: int) -> Pose:
    """A face that talks, blinks and sways: the weights of one frame in 25 a second."""
    pose = Pose.neutral()
    time_s = frame / 25.0
    wave = 0.5 + 0.5 * np.sin(time_s * np.array([23.0, 17.0, 11.0, 7.0, 5.0]))
    for name, value in zip(SHAPES[:5], wave, strict=True):
        pose.weights[ARKIT_INDEX[name]] = 0.5 * value
    for name in SHAPES[5:10]:
        pose.weights[ARKIT_INDEX[name]] = 0.2 * wave[0]
    if frame % 75 < 4:
        pose.weights[[ARKIT_INDEX[name] for name in SHAPES[10:]]] = 1.0
    pose.head[:3] = 0.08 * np.sin(time_s * np.array([1.1, 0.7, 0.9]))
    return pose
