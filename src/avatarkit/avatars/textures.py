"""Textures as JPEG or PNG bytes. Needs Pillow, but only when a bundle has textures."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from avatarkit.avatars import limits
from avatarkit.avatars.container import refuse
from avatarkit.errors import missing_dependency

Pixels = npt.NDArray[np.uint8]

_JPEG_QUALITY = 84


def encode(pixels: Pixels) -> tuple[str, bytes]:
    """MIME type and file bytes of a texture (h, w, 3 or 4): JPEG when opaque, PNG when it has alpha."""
    image = _pillow().fromarray(np.ascontiguousarray(pixels))
    out = io.BytesIO()
    if pixels.shape[2] == 3:
        image.save(out, "JPEG", quality=_JPEG_QUALITY, subsampling=0, optimize=True)
        return "image/jpeg", out.getvalue()
    image.save(out, "PNG", optimize=True)
    return "image/png", out.getvalue()


def decode(data: bytes, most_pixels: int = limits.TEXTURE_PIXELS) -> Pixels:
    """Pixels (h, w, 3 or 4), sRGB. The size is checked before the pixels are decoded.

    Raises ``AvatarError``: ``unsupportedAvatarAsset`` when it is no JPEG, PNG or WebP or too large,
    ``missingDependency`` without Pillow.
    """
    pillow = _pillow()
    try:
        with pillow.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
            width, height = image.size
            if not 0 < max(width, height) <= limits.TEXTURE_SIDE:
                raise refuse(f"a texture is larger than {limits.TEXTURE_SIDE} pixels")
            if width * height > most_pixels:
                raise refuse("its textures are too large together")
            alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
            return np.asarray(image.convert("RGBA" if alpha else "RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError, IndexError, KeyError, TypeError):
        raise refuse("a texture is no sound JPEG, PNG or WebP") from None  # what Pillow raises on damage
    except pillow.DecompressionBombError:
        raise refuse(f"a texture is larger than {limits.TEXTURE_SIDE} pixels") from None


def shrink(pixels: Pixels, side: int) -> Pixels:
    """The picture, made smaller where it has more than ``side`` pixels either way; its shape is kept."""
    height, width = pixels.shape[:2]
    factor = side / max(height, width)
    if factor >= 1.0:
        return pixels
    pillow = _pillow()
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    return np.asarray(pillow.fromarray(pixels).resize(size, pillow.Resampling.LANCZOS), np.uint8)


def _pillow() -> Any:
    try:
        from PIL import Image  # noqa: PLC0415 - only bundles with textures need it
    except ImportError:
        raise missing_dependency("pillow", "render") from None
    return Image
