"""A surface in the output of a notebook's cell."""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from avatarkit.errors import missing_dependency
from avatarkit.render.background import Background, BackgroundLike
from avatarkit.render.contract import Image
from avatarkit.render.offscreen import check_surface

_JPEG_QUALITY: Final = 85
_WEBP_QUALITY: Final = 80


class NotebookSurface:
    """Shows frames as one picture that is replaced, in any notebook that speaks Jupyter's protocol.

    The picture appears in the cell that makes the surface. Frames travel as JPEG, or as WebP with alpha when the
    background is ``transparent``.
    """

    def __init__(
        self, size: tuple[int, int] = (384, 384), frame_rate: float = 15.0, *, background: BackgroundLike = None
    ) -> None:
        """``background``: see ``render.background.BackgroundLike``.

        Raises ``AvatarError``: configurationInvalid for a size, rate or background that is none;
        missingDependency without IPython, which every notebook brings, or Pillow.
        """
        check_surface(size, frame_rate)
        self._size, self._frame_rate = size, frame_rate
        self._background = Background(background, size)
        try:
            from IPython import display  # noqa: PLC0415 - loaded when it is used
            from PIL import Image as Pillow  # noqa: PLC0415
        except ImportError as failure:
            raise missing_dependency((failure.name or "IPython").partition(".")[0], "notebook") from failure
        self._pillow: Any = Pillow
        self._wrap: Any = display.Image
        show: Any = display.display
        first = np.zeros((size[1], size[0], 4), np.uint8)
        self._handle: Any = show(self._picture(first), display_id=True)
        self._closed = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._size

    @property
    def frame_rate(self) -> float:
        """Frames a second that are asked for."""
        return self._frame_rate

    def present(self, image: Image, time_s: float) -> None:
        """See :meth:`Surface.present`. Raises ``ValueError`` for an image of another size."""
        del time_s
        if not self._closed and self._handle is not None:
            self._handle.update(self._picture(image))

    def present_audio(self, pcm: npt.NDArray[np.int16], sample_rate: int, time_s: float) -> None:
        """Does nothing: the speaker is heard."""

    def close(self) -> None:
        """Leave the last frame where it is. Idempotent."""
        self._closed = True

    def _picture(self, image: Image) -> Any:
        behind = self._background.behind(image)
        data = io.BytesIO()
        if self._background.is_transparent:
            self._pillow.fromarray(behind, "RGBA").save(data, "WEBP", quality=_WEBP_QUALITY, method=0)
            kind = "webp"
        else:
            self._pillow.fromarray(np.ascontiguousarray(behind[..., :3])).save(data, "JPEG", quality=_JPEG_QUALITY)
            kind = "jpeg"
        return self._wrap(data=data.getvalue(), format=kind, width=self._size[0], height=self._size[1])
