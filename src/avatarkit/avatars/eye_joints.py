"""Gaze shapes for avatars whose eyes hang on joints: what ARKit asks of a shape, a turn of the joint does."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars.bundle import Joint, Mesh, Morph

_WORDS: Final = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_SIDES: Final = {"left": ("Left", 1.0), "l": ("Left", 1.0), "right": ("Right", -1.0), "r": ("Right", -1.0)}
_LEAST_SHARE: Final = 0.05
_TURNS_DEG: Final = {"Out": (0.0, 30.0), "In": (0.0, -30.0), "Up": (-22.0, 0.0), "Down": (26.0, 0.0)}
"""Pitch (down positive) and yaw (outwards positive) at weight 1, as in our own characters."""


def eye_side(name: str) -> str | None:
    """``Left`` or ``Right`` for the joint of an eyeball such as ``mixamorig:LeftEye`` or ``CC_Base_R_Eye``."""
    words = [word.lower() for word in _WORDS.split(name[:200])]
    if not words or not words[-1].endswith("eye"):
        return None
    sides = {_SIDES[word][0] for word in words[:-1] if word in _SIDES}
    return sides.pop() if len(sides) == 1 else None


def with_gaze(meshes: tuple[Mesh, ...], joints: tuple[Joint, ...]) -> tuple[Mesh, ...]:
    """The meshes with ``eyeLook`` shapes for what hangs on the joints of the eyes; +Z is forward.

    The meshes come back as they are when no joint is an eye's, or when they have such shapes.
    """
    if any(name.startswith("eyeLook") for mesh in meshes for name in mesh.morphs):
        return meshes
    eyes = {number: side for number, joint in enumerate(joints) if (side := eye_side(joint.name)) is not None}
    return tuple(_turned(mesh, joints, eyes) for mesh in meshes)


def _turned(mesh: Mesh, joints: tuple[Joint, ...], eyes: dict[int, str]) -> Mesh:
    if mesh.joints is None or mesh.joint_weights is None:
        return mesh
    morphs = dict(mesh.morphs)
    for number, side in eyes.items():
        share = np.where(mesh.joints == number, mesh.joint_weights, 0.0).sum(axis=1)
        where = np.flatnonzero(share > _LEAST_SHARE).astype(np.uint32)
        if len(where) == 0:
            continue
        about = mesh.positions[where] - np.asarray(joints[number].position, np.float32)
        for way, (pitch, yaw) in _TURNS_DEG.items():
            outwards = yaw if side == "Left" else -yaw
            turn = _rotation(np.radians(pitch), np.radians(outwards)) - np.eye(3)
            deltas = (about @ turn.T) * share[where, None]
            morphs[f"eyeLook{way}{side}"] = Morph(where, deltas.astype(np.float32))
    return replace(mesh, morphs=morphs)


def _rotation(pitch: float, yaw: float) -> npt.NDArray[np.float64]:
    cx, sx, cy, sy = np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw)
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]])
    about_y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    return np.asarray(about_y @ about_x)
