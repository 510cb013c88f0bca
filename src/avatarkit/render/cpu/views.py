"""The views of the camera and of the light, as matrices."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.render.cpu.arrays import F32
from avatarkit.types import Camera

NEAREST_M: Final = 0.01
"""Triangles with a corner nearer to the camera than this, or behind it, are left out whole."""


def camera_matrix(camera: Camera, size: tuple[int, int]) -> F32:
    """Row by row the camera's right, down and forward axes with their offsets; then fx, fy, cx, cy: (4, 4).

    Pinhole camera with square pixels; the vertical field of view spans the image's height.
    Raises ``ValueError`` for a camera that looks nowhere.
    """
    position, target = np.array(camera.position, np.float64), np.array(camera.target, np.float64)
    forward = target - position
    distance = float(np.linalg.norm(forward))
    if not math.isfinite(distance) or distance < 1e-6:
        raise ValueError("the camera's position and target must differ")
    if not 0.5 <= camera.vertical_fov_deg <= 170.0:
        raise ValueError("the camera's vertical field of view must be 0.5..170 degrees")
    forward /= distance
    up = np.array([0.0, 1.0, 0.0]) if abs(forward[1]) < 0.999 else np.array([0.0, 0.0, -math.copysign(1, forward[1])])
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    axes = np.stack([right, down, forward])
    width, height = size
    focal = 0.5 * height / math.tan(math.radians(camera.vertical_fov_deg) / 2)
    result = np.zeros((4, 4))
    result[:3, :3] = axes
    result[:3, 3] = -axes @ position
    result[3] = focal, focal, width / 2, height / 2
    return result.astype(np.float32)


def light_matrix(direction: npt.NDArray[np.float64], positions: F32, margin_m: float, texels: int) -> F32:
    """Orthographic view from a light onto points (n, 3) and a margin around them, for moving.

    Rows (3, 4): texel x, texel y, and depth in metres, growing away from the light.
    """
    forward = -direction / np.linalg.norm(direction)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(forward, right), forward])
    seen = positions.astype(np.float64) @ axes.T
    low, high = seen.min(axis=0), seen.max(axis=0)
    scale = texels / (float((high - low)[:2].max()) + 2.0 * margin_m)
    rows = axes * np.array([[scale], [scale], [1.0]])
    middle = (low + high) / 2 * np.array([scale, scale, 1.0])
    return np.column_stack([rows, np.array([texels / 2, texels / 2, 0.0]) - middle]).astype(np.float32)
