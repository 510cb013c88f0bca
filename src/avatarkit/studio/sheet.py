"""A sheet of one avatar's faces: every shape at full weight, pairs that pull at the same skin, visemes, moods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars import Bundle
from avatarkit.avatars.expressions import MOODS, PAIRS, VISEMES, pose_of
from avatarkit.errors import missing_dependency
from avatarkit.frames import ARKIT_NAMES, Pose
from avatarkit.render import composite, open_renderer
from avatarkit.render.png import RgbImage
from avatarkit.types import Camera

Progress = Callable[[float, str], None]
"""Called with the share done, 0..1, and what is being drawn."""

_COLUMNS: Final = 8
_LABEL_SHARE: Final = 0.085
_HEADING_SHARE: Final = 0.16
_INK: Final = (42, 46, 54)
_PAPER: Final = (247, 247, 245)
_MARGIN: Final = 1.16


def draw_sheet(
    bundle: Bundle, *, tile_px: int = 280, renderer: str = "auto", progress: Progress | None = None
) -> RgbImage:
    """Draw the sheet: uint8 (height, width, 3), sRGB; 8 tiles of ``tile_px`` pixels a row, each with its name.

    The camera looks at the part of the face that moves. Raises ``AvatarError`` (``missingDependency``) without
    Pillow, and ``ValueError`` for tiles that are not 64 to 1024 pixels.
    """
    if not 64 <= tile_px <= 1024:
        raise ValueError("tile_px is 64 to 1024")
    _pillow()
    sections = _sections()
    total = sum(len(faces) for _, faces in sections)
    camera = face_camera(bundle)
    drawer = open_renderer(renderer)
    done = 0
    rows: list[RgbImage] = []
    try:
        drawer.load(bundle)
        for title, faces in sections:
            rows.append(_heading(title, tile_px))
            tiles = []
            for name, pose in faces:
                if progress is not None:
                    progress(done / total, name)
                picture = composite(drawer.draw(pose, camera, (tile_px, tile_px)), bundle.info.background)
                tiles.append(_labelled(picture, name))
                done += 1
            rows += list(_rows(tiles))
    finally:
        drawer.close()
    if progress is not None:
        progress(1.0, "done")
    return np.concatenate(rows)


def face_camera(bundle: Bundle) -> Camera:
    """A camera straight in front of what the shapes move, filling the picture with it."""
    moved = [mesh.positions[shape.indices] for mesh in bundle.meshes for shape in mesh.morphs.values()]
    points = np.concatenate(moved if moved else [mesh.positions for mesh in bundle.meshes])
    low, high = np.percentile(points, 0.5, axis=0), np.percentile(points, 99.5, axis=0)
    x, y, _ = (float(value) for value in (low + high) / 2)
    front = float(high[2])
    half = float(max(high[1] - low[1], high[0] - low[0])) / 2 * _MARGIN
    distance = 8.0 * half
    return Camera((x, y, front + distance), (x, y, front), 2.0 * float(np.degrees(np.arctan(half / distance))))


def _sections() -> list[tuple[str, list[tuple[str, Pose]]]]:
    shapes = [("rest", Pose.neutral())] + [(name, pose_of(((name, 1.0),))) for name in ARKIT_NAMES]
    return [
        ("ARKit shapes at full weight", shapes),
        ("Shapes together", [(name, pose_of(face)) for name, face in PAIRS.items()]),
        ("Visemes", [(name, pose_of(face)) for name, face in VISEMES.items()]),
        ("Moods", [(name, pose_of(face)) for name, face in MOODS.items()]),
    ]


def _rows(tiles: list[RgbImage]) -> Iterator[RgbImage]:
    for start in range(0, len(tiles), _COLUMNS):
        row = tiles[start : start + _COLUMNS]
        blank = np.full_like(row[0], _PAPER)
        yield np.concatenate([*row, *[blank] * (_COLUMNS - len(row))], axis=1)


def _labelled(picture: RgbImage, name: str) -> RgbImage:
    width = picture.shape[1]
    band = _text(name, (width, round(width * _LABEL_SHARE)), centred=True)
    return np.concatenate([picture, band])


def _heading(title: str, tile_px: int) -> RgbImage:
    return _text(title, (tile_px * _COLUMNS, round(tile_px * _HEADING_SHARE)), centred=False)


def _text(text: str, size: tuple[int, int], *, centred: bool) -> RgbImage:
    image_kind, draw_kind, font_kind = _pillow()
    image = image_kind.new("RGB", size, _PAPER)
    width, height = size
    where = (width / 2, height / 2) if centred else (height * 0.3, height / 2)
    font = font_kind.load_default(size=height * (0.78 if centred else 0.6))
    draw_kind.Draw(image).text(where, text, fill=_INK, font=font, anchor="mm" if centred else "lm")
    pixels: npt.NDArray[np.uint8] = np.asarray(image, np.uint8)
    return pixels


def _pillow() -> tuple[Any, Any, Any]:
    try:
        from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - part of the render extra
    except ImportError:
        raise missing_dependency("pillow", "render") from None
    return Image, ImageDraw, ImageFont
