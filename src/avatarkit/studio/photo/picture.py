"""The picture as it comes: decoded within limits, upright, as RGB."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from avatarkit.studio.photo.refusal import refuse

if TYPE_CHECKING:
    from PIL import Image

Rgb = npt.NDArray[np.uint8]
"""uint8 (h, w, 3), sRGB, top row first."""

FORMATS: Final = ("JPEG", "PNG", "WEBP")
SHORTEST_SIDE_PX: Final = 340
MOST_PIXELS: Final = 20_000_000
MOST_BYTES: Final = 20 * 1024 * 1024


def read_picture(source: Path | bytes) -> Rgb:
    """Read a portrait from a file or from its bytes, turned upright as its EXIF orientation says.

    Transparent parts become a neutral grey. Raises ``InputError`` (``imageQualityRejected``) for what is no JPEG,
    PNG or WebP, is damaged, has less than 340 pixels on its short side or more than 20 megapixels or 20 MiB.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 - part of the studio extra

    data = picture_bytes(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                _check_size(*opened.size)  # before anything is decoded
                upright = ImageOps.exif_transpose(opened)
                flat = _flatten(upright)
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as problem:
        raise refuse("unreadable", "This is no picture that can be read.") from problem
    except (OSError, SyntaxError, ValueError, MemoryError) as problem:
        raise refuse("unreadable", "The picture's file is damaged.") from problem
    return np.asarray(flat, np.uint8)


def picture_bytes(source: Path | bytes) -> bytes:
    """The file's content. Raises ``InputError`` (``imageQualityRejected``) above 20 MiB, ``OSError`` for the file."""
    if isinstance(source, bytes):
        data = source
    else:
        with source.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise refuse("too_large", f"The picture's file is larger than {MOST_BYTES // 2**20} MiB.")
    return data


def _check_size(width: int, height: int) -> None:
    if min(width, height) < SHORTEST_SIDE_PX:
        raise refuse(
            "too_small", f"The picture has {width} x {height} pixels; its short side needs {SHORTEST_SIDE_PX}."
        )
    if width * height > MOST_PIXELS:
        raise refuse("too_large", f"The picture has {width} x {height} pixels; at most 20 megapixels are read.")


def _flatten(image: Image.Image) -> Image.Image:
    """RGB on a neutral grey."""
    from PIL import Image  # noqa: PLC0415 - part of the studio extra

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        ground = Image.new("RGBA", image.size, (150, 152, 156, 255))
        ground.alpha_composite(image.convert("RGBA"))
        return ground.convert("RGB")
    return image.convert("RGB")
