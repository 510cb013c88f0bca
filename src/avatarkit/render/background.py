"""What lies behind an avatar: a colour, a picture, or nothing."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.errors import ErrorCode, error, missing_dependency
from avatarkit.render.color import linear_table, srgb_table, srgb_to_linear
from avatarkit.render.contract import Image

DEFAULT_COLOR: Final = (0.86, 0.88, 0.91)
"""sRGB; that of :class:`avatarkit.avatars.bundle.BundleInfo`."""

TRANSPARENT: Final = "transparent"
LARGEST_FILE: Final = 64 * 2**20
MOST_PIXELS: Final = 8192 * 8192
_OPAQUE_STEP: Final = np.uint32(1 << 24)
"""The least alpha, in a pixel taken as one number: its highest byte."""

BackgroundLike = str | os.PathLike[str] | Sequence[float] | npt.NDArray[np.uint8] | None
"""How a background may be given: ``None`` (the default colour), three numbers 0..1 (sRGB), ``#rgb`` or ``#rrggbb``,
``transparent``, the path of a picture file, or an sRGB array uint8 (height, width, 3)."""


class Background:
    """Lies behind frames of one size. Pictures are scaled to cover it and cut around the middle."""

    def __init__(self, background: BackgroundLike, size: tuple[int, int]) -> None:
        """Make it for ``size`` (width, height).

        Raises ``AvatarError``: configurationInvalid for what is no background, or a file that is no picture or too
        large; missingDependency for a file without Pillow.
        """
        self.is_transparent = isinstance(background, str) and background == TRANSPARENT
        self._size = size
        pixels = np.zeros((size[1], size[0], 4), np.uint8)
        if not self.is_transparent:
            pixels[..., :3] = _pixels(background, size)
            pixels[..., 3] = 255
        self.pixels: Image = pixels
        """What lies behind: opaque, or nothing but zeros when it is transparent."""
        self._packed = pixels.view("<u4").reshape(-1)

    def behind(self, image: Image) -> Image:
        """The image over the background: opaque, or the image itself when that is transparent.

        Mixed in linear light. Raises ``ValueError`` for an image of another size.
        """
        if image.shape != self.pixels.shape:
            raise ValueError(f"the image must be {self._size[1]} x {self._size[0]} x 4, not {image.shape}")
        if self.is_transparent:
            return image
        packed = np.ascontiguousarray(image).view("<u4").reshape(-1)
        mixed = np.where(packed < _OPAQUE_STEP, self._packed, packed)
        # Only edges are mixed; there are few of them. What is opaque or transparent falls out of the range below.
        edge = np.flatnonzero(packed - _OPAQUE_STEP < np.uint32(254 << 24))
        result: Image = mixed.view(np.uint8).reshape(image.shape)
        if len(edge):
            encode, light, flat = srgb_table(), linear_table(), result.reshape(-1, 4)
            own = flat[edge]
            share = own[:, 3:].astype(np.float32) * np.float32(1 / 255)
            behind = light[self.pixels.reshape(-1, 4)[edge, :3]]
            both = behind + (light[own[:, :3]] - behind) * share
            own[:, :3] = encode[(both * np.float32(len(encode) - 1) + np.float32(0.5)).astype(np.int32)]
            own[:, 3] = 255
            flat[edge] = own
        return result


def _pixels(background: BackgroundLike, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    if background is None:
        return _of_color(DEFAULT_COLOR)
    if isinstance(background, np.ndarray) and background.ndim == 3:
        if background.dtype != np.uint8 or background.shape[2] != 3 or 0 in background.shape:
            raise error(ErrorCode.CONFIGURATION_INVALID, "A picture behind an avatar is uint8 (height, width, 3).")
        return _cover(background, size)
    if isinstance(background, str) and background.startswith("#"):
        return _of_color(_from_hex(background))
    if isinstance(background, str | os.PathLike):
        return _cover(_read(Path(background)), size)
    color = tuple(float(value) for value in background)
    if len(color) != 3 or not all(0.0 <= value <= 1.0 for value in color):
        raise error(ErrorCode.CONFIGURATION_INVALID, "A background's colour is three numbers 0..1.")
    return _of_color(color)


def _of_color(color: Sequence[float]) -> npt.NDArray[np.uint8]:
    encode = srgb_table()
    linear = srgb_to_linear(color)
    pixel: npt.NDArray[np.uint8] = encode[np.rint(linear * (len(encode) - 1)).astype(np.int32)]
    return pixel


def _from_hex(text: str) -> tuple[float, ...]:
    digits = text[1:]
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    try:
        if len(digits) != 6:
            raise ValueError(digits)
        return tuple(byte / 255.0 for byte in bytes.fromhex(digits))
    except ValueError:
        raise error(ErrorCode.CONFIGURATION_INVALID, f"'{text}' is no colour; give one such as '#1e90ff'.") from None


def _read(path: Path) -> npt.NDArray[np.uint8]:
    try:
        from PIL import Image as Pillow  # noqa: PLC0415 - loaded when it is used
    except ImportError as failure:
        raise missing_dependency("pillow", "render") from failure
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise error(ErrorCode.CONFIGURATION_INVALID, f"The background '{path}' is larger than 64 MiB.")
        with Pillow.open(io.BytesIO(path.read_bytes()), formats=("PNG", "JPEG", "WEBP")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise error(ErrorCode.CONFIGURATION_INVALID, f"The background '{path}' has too many pixels.")
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as failure:
        raise error(
            ErrorCode.CONFIGURATION_INVALID, f"The background '{path}' cannot be read: {failure}",
            hint="Give a colour such as '#1e90ff', 'transparent', or a PNG, JPEG or WebP file.",
        ) from failure  # fmt: skip


def _cover(picture: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """The picture scaled, its shape kept, to cover ``size`` and cut around the middle."""
    if picture.shape[1::-1] == size:
        return picture
    try:
        from PIL import Image as Pillow  # noqa: PLC0415 - loaded when it is used
    except ImportError as failure:
        raise missing_dependency("pillow", "render") from failure
    height, width = picture.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    across, down = size[0] / scale, size[1] / scale
    box = ((width - across) / 2, (height - down) / 2, (width + across) / 2, (height + down) / 2)
    scaled = Pillow.fromarray(np.ascontiguousarray(picture)).resize(size, Pillow.Resampling.LANCZOS, box=box)
    return np.asarray(scaled)
