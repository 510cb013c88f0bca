"""Pictures as an encoder takes them: PyAV's frames, their planes filled by the kernel."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from avatarkit.compiled.kernels import load
from avatarkit.errors import missing_dependency
from avatarkit.render.background import Background
from avatarkit.render.color import linear_table, srgb_table
from avatarkit.render.contract import Image
from avatarkit.render.planes.entries import KERNELS

_NO_ROWS: Final = (0, 0)


class Frames:
    """Makes frames of pictures over one background; BT.709, limited range. Not thread safe."""

    def __init__(self, background: Background) -> None:
        """The background has the pictures' width and height, both even.

        Raises ``AvatarError`` (missingDependency) without PyAV or numba."""
        try:
            import av  # noqa: PLC0415 - loaded when it is used
        except ImportError as failure:
            raise missing_dependency("av", "render") from failure
        self._frame: Any = av.VideoFrame
        self._bind = load(KERNELS).bind
        self._shape = background.pixels.shape
        height, width, _ = self._shape
        self.size = (width, height)
        self.pixels = "yuva420p" if background.is_transparent else "yuv420p"
        """FFmpeg's name of the frames' format."""
        behind = background.pixels.view(np.uint32)[..., 0]
        self._behind = np.zeros(_NO_ROWS, np.uint32) if background.is_transparent else behind
        self._rows = np.empty((2, width + 1), np.uint32)

    def frame(self, image: Image) -> Any:
        """A new ``av.VideoFrame`` of an image, mixed with the background; its alpha is kept when that is transparent.

        Raises ``ValueError`` for an image of another size or type.
        """
        if image.shape != self._shape or image.dtype != np.uint8:
            raise ValueError(f"the image must be uint8 {self._shape}, not {image.dtype} {image.shape}")
        frame = self._frame(*self.size, self.pixels)
        luma, blue, red, *alpha = (_rows_of(plane) for plane in frame.planes)
        # Copied only if it cannot be handed over as it is.
        pixels = np.require(np.ascontiguousarray(image).view(np.uint32)[..., 0], requirements=("C", "A", "W"))
        self._bind(
            "fill_planes", pixels, self._behind, linear_table(), srgb_table(), self._rows, luma, blue, red,
            alpha[0] if alpha else np.zeros(_NO_ROWS, np.uint8),
        )()  # fmt: skip
        return frame


def _rows_of(plane: Any) -> npt.NDArray[np.uint8]:
    """A plane's memory, row by row; rows may be wider than the picture."""
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
