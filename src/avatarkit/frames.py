"""Motion as numbers: the currency between a motion engine, the wire, the playback and the rig.

Nothing engine-specific crosses this line: 52 ARKit weights and a head pose, 25 times a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

ARKIT_NAMES: Final[tuple[str, ...]] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft",
    "eyeSquintLeft", "eyeWideLeft",
    "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight",
    "jawForward", "jawLeft", "jawRight", "jawOpen",
    "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight",
    "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthUpperUpLeft", "mouthUpperUpRight",
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "noseSneerLeft", "noseSneerRight",
    "tongueOut",
)  # fmt: skip
"""The 52 ARKit shapes in ARKit's own order. Left and right are the avatar's."""

ARKIT_INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(ARKIT_NAMES)}
"""Column of each shape."""

WEIGHT_COUNT: Final = len(ARKIT_NAMES)
HEAD_COUNT: Final = 6
_ANGLE_STEP_RAD: Final = 1.0 / 8192.0
_OFFSET_STEP_M: Final = 1e-4
_HEAD_STEPS: Final = np.array([_ANGLE_STEP_RAD] * 3 + [_OFFSET_STEP_M] * 3, np.float32)


@dataclass(frozen=True, slots=True)
class Pose:
    """The face at one instant.

    ``weights`` is float32 (52,), each 0..1, in :data:`ARKIT_NAMES` order. ``head`` is float32 (6,): pitch,
    yaw, roll in radians, then x, y, z in metres. Rotations are right-handed about the avatar's +X (its left),
    +Y (up) and +Z (forward): positive pitch nods down, positive yaw turns to the avatar's left, positive roll
    tips the crown to its right.
    """

    weights: FloatArray
    head: FloatArray

    @classmethod
    def neutral(cls) -> Pose:
        """The face at rest: all weights and the head pose zero."""
        return cls(np.zeros(WEIGHT_COUNT, np.float32), np.zeros(HEAD_COUNT, np.float32))


@dataclass(frozen=True, slots=True)
class MotionFrames:
    """A run of consecutive motion frames.

    ``weights`` is float32 (n, 52), ``head`` float32 (n, 6); units as in :class:`Pose`. Row ``i`` is frame
    ``first_frame + i``, which covers the audio of its round from ``(first_frame + i) / frame_rate`` seconds.
    """

    NAMES: ClassVar[tuple[str, ...]] = ARKIT_NAMES

    weights: FloatArray
    head: FloatArray
    first_frame: int = 0
    frame_rate: float = 25.0

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or self.weights.shape[1] != WEIGHT_COUNT:
            raise ValueError(f"weights must be (n, {WEIGHT_COUNT}), not {self.weights.shape}")
        if self.head.shape != (len(self.weights), HEAD_COUNT):
            raise ValueError(f"head must be ({len(self.weights)}, {HEAD_COUNT}), not {self.head.shape}")

    def __len__(self) -> int:
        return len(self.weights)

    def quantised(self) -> tuple[bytes, bytes]:
        """The two byte strings of a ``MotionChunk``: uint8 weights (1/255) and int16 head pose.

        Head angles are in 1/8192 rad and offsets in 0.1 mm, little endian; what exceeds the range is clipped.
        """
        weights = np.rint(np.clip(self.weights, 0.0, 1.0) * 255.0).astype(np.uint8)
        head = np.clip(np.rint(self.head / _HEAD_STEPS), -32768, 32767).astype("<i2")
        return weights.tobytes(), head.tobytes()

    @classmethod
    def from_quantised(cls, weights: bytes, head: bytes, *, first_frame: int, frame_rate: float) -> MotionFrames:
        """Inverse of :meth:`quantised`. Raises ``ValueError`` when the lengths do not fit."""
        count, rest = divmod(len(weights), WEIGHT_COUNT)
        if rest or len(head) != count * HEAD_COUNT * 2:
            raise ValueError(f"motion of {len(weights)} weight bytes and {len(head)} head bytes does not fit")
        return cls(
            np.frombuffer(weights, np.uint8).reshape(count, WEIGHT_COUNT).astype(np.float32) / np.float32(255),
            np.frombuffer(head, "<i2").reshape(count, HEAD_COUNT).astype(np.float32) * _HEAD_STEPS,
            first_frame,
            frame_rate,
        )
