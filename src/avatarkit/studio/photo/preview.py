"""Pictures of a photo avatar: the sheet to judge it by, and its cover."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.avatars.bundle import Bundle
from avatarkit.frames import ARKIT_INDEX, Pose
from avatarkit.render import contact_sheet, open_renderer
from avatarkit.render.contract import Image

TURNED: Final = 0.42
"""Radians, about 24 degrees: as far as photo avatars are meant to turn."""
LOOKS: Final[tuple[tuple[str, dict[str, float], float], ...]] = (
    ("neutral", {}, 0.0),
    ("jaw open", {"jawOpen": 0.6}, 0.0),
    ("pucker", {"mouthPucker": 0.9}, 0.0),
    ("funnel", {"mouthFunnel": 0.8, "jawOpen": 0.2}, 0.0),
    ("smile", {"mouthSmile": 0.8, "cheekSquint": 0.4}, 0.0),
    ("blink", {"eyeBlink": 1.0}, 0.0),
    ("wide", {"eyeWide": 1.0, "browInnerUp": 0.8, "browOuterUp": 0.6}, 0.0),
    ("frown", {"browDown": 0.8, "mouthFrown": 0.6}, 0.0),
    ("left", {}, TURNED),
    ("right", {}, -TURNED),
    ("talking, left", {"jawOpen": 0.3, "mouthSmile": 0.3}, TURNED / 2),
    ("talking, right", {"jawOpen": 0.2, "mouthFunnel": 0.5}, -TURNED / 2),
)
"""What a sheet shows: name, weights (both sides where a shape has two), yaw in radians."""


def pose_of(weights: dict[str, float], yaw: float = 0.0) -> Pose:
    """A pose; a name without a side sets both."""
    pose = Pose.neutral()
    for name, weight in weights.items():
        for side in [name] if name in ARKIT_INDEX else [f"{name}Left", f"{name}Right"]:
            pose.weights[ARKIT_INDEX[side]] = weight
    pose.head[1] = yaw
    return pose


def draw_preview(bundle: Bundle, tile_px: int = 400) -> Image:
    """A sheet of twelve looks, four in a row: uint8 (h, w, 4)."""
    renderer = open_renderer()
    renderer.load(bundle)
    tiles = [_opaque(renderer.draw(pose_of(w, yaw), bundle.info.camera, (tile_px, tile_px))) for _, w, yaw in LOOKS]
    return contact_sheet(tiles, 4)


def draw_cover(bundle: Bundle, side_px: int = 512) -> Image:
    """The avatar at rest with a transparent background: uint8 (h, w, 4)."""
    renderer = open_renderer()
    renderer.load(bundle)
    return renderer.draw(Pose.neutral(), bundle.info.camera, (side_px, side_px))


def _opaque(image: Image) -> Image:
    share = image[..., 3:].astype(np.float64) / 255.0
    ground = np.array([212.0, 216.0, 222.0])
    out = image.copy()
    out[..., :3] = np.rint(image[..., :3] * share + ground * (1.0 - share)).astype(np.uint8)
    out[..., 3] = 255
    return out
