"""Still pictures: compositing, contact sheets, PNG."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.render.background import Background
from avatarkit.render.contract import Image

RgbImage = npt.NDArray[np.uint8]
"""uint8 (height, width, 3), sRGB, top row first."""

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_UP_FILTER: Final = 2


def composite(image: Image, background_rgb: Sequence[float]) -> RgbImage:
    """Lay an image over one colour (sRGB, three numbers 0..1); mixed in linear light."""
    if len(background_rgb) != 3:
        raise ValueError("a background has three values")
    over: RgbImage = Background(np.clip(background_rgb, 0.0, 1.0).tolist(), image.shape[1::-1]).behind(image)[..., :3]
    return over


def contact_sheet(images: Sequence[Image], columns: int) -> Image:
    """Tile images of one size from the top left, row by row; missing ones at the end stay transparent."""
    if not images or columns < 1:
        raise ValueError("a contact sheet needs at least one image and one column")
    if len({image.shape for image in images}) != 1:
        raise ValueError("the images of a contact sheet must have one size")
    height, width, channels = images[0].shape
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    sheet = np.zeros((rows * height, columns * width, channels), np.uint8)
    for number, image in enumerate(images):
        y, x = divmod(number, columns)
        sheet[y * height : (y + 1) * height, x * width : (x + 1) * width] = image
    return sheet


def encode_png(image: npt.NDArray[np.uint8]) -> bytes:
    """A PNG file (RFC 2083) of an sRGB image, uint8 (h, w, 3) or (h, w, 4) with straight alpha."""
    if image.ndim != 3 or image.shape[2] not in (3, 4) or 0 in image.shape or image.dtype != np.uint8:
        raise ValueError("a PNG is made of a uint8 array (height, width, 3 or 4)")
    height, width, channels = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 6 if channels == 4 else 2, 0, 0, 0)
    rows = image.reshape(height, width * channels)
    above = np.vstack([np.zeros((1, rows.shape[1]), np.uint8), rows[:-1]])
    lines = np.column_stack([np.full(height, _UP_FILTER, np.uint8), rows - above])
    return b"".join(
        [
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"sRGB", b"\0"),
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
