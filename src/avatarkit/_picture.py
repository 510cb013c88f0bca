"""How a view draws its avatar: camera, transform, resolution, and whether it draws at all."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.frames import FloatArray
from avatarkit.render.contract import Image
from avatarkit.types import Camera, Rect, RenderQuality, Transform

_SHARES: Final = {RenderQuality.STANDARD: 0.5, RenderQuality.HIGH: 0.75, RenderQuality.ULTRA: 1.0}
DEFAULT_CAP_LINES: Final = 1440


@dataclass(slots=True)
class Resolution:
    """Settings of the whole process, read for every frame."""

    quality: RenderQuality = RenderQuality.ULTRA
    cap_lines: int | None = None
    """Most lines that are drawn; ``None``: as many as the surface has."""

    def size(self, surface: tuple[int, int]) -> tuple[int, int]:
        """Pixels to draw, width and height, for a surface; its shape is kept. None for a surface without any."""
        if not has_area(surface):
            return 0, 0
        share = _SHARES[self.quality]
        if self.cap_lines is not None:
            share = min(share, self.cap_lines / surface[1])
        width, height = (max(1, round(side * min(share, 1.0))) for side in surface)
        return width, height


class Picture:
    """The picture of one view."""

    def __init__(self, resolution: Resolution) -> None:
        self._resolution = resolution
        self._rendering = asyncio.Event()
        self._rendering.set()
        self.shown: Image | None = None
        """The frame that was shown last, before it was fitted to the surface."""

        self.base_camera = Camera()
        """The camera before the transform moves it."""
        self.transform = Transform()

    def camera(self, surface: tuple[int, int]) -> Camera:
        """The camera with the transform applied, for a surface."""
        return transformed(self.base_camera, self.transform, surface[0] / surface[1])

    @property
    def is_rendering(self) -> bool:
        """Whether frames are drawn."""
        return self._rendering.is_set()

    def pause(self) -> None:
        """Draw nothing from the next frame on."""
        self._rendering.clear()

    def resume(self) -> None:
        """Draw again."""
        self._rendering.set()

    async def wait_until_rendering(self) -> None:
        """Return when frames shall be drawn."""
        await self._rendering.wait()

    def size(self, surface: tuple[int, int]) -> tuple[int, int]:
        """Pixels to draw for a surface."""
        return self._resolution.size(surface)

    def bounding_rect(self, surface: tuple[int, int]) -> Rect | None:
        """Where the avatar is on the surface, in its pixels, or ``None`` while nothing of it was drawn."""
        if self.shown is None or not has_area(surface):
            return None
        opaque = self.shown[..., 3] > 0
        rows, columns = np.flatnonzero(opaque.any(axis=1)), np.flatnonzero(opaque.any(axis=0))
        if not len(rows):
            return None
        across, down = surface[0] / opaque.shape[1], surface[1] / opaque.shape[0]
        left, top = math.floor(columns[0] * across), math.floor(rows[0] * down)
        right, bottom = math.ceil((columns[-1] + 1) * across), math.ceil((rows[-1] + 1) * down)
        return Rect(left, top, right - left, bottom - top)

    @staticmethod
    def fit(image: Image, surface: tuple[int, int]) -> Image:
        """The image at the surface's size."""
        return image if image.shape[1::-1] == surface else enlarge(image, surface)


def has_area(surface: tuple[int, int]) -> bool:
    """Whether a surface has pixels at all; one that is folded away or minimised has none."""
    return min(surface) > 0


def transformed(camera: Camera, transform: Transform, aspect: float) -> Camera:
    """The camera that shows the avatar moved and scaled: exact in the plane through the camera's target.

    ``aspect`` is the picture's width over its height.
    """
    if transform == Transform():
        return camera
    position, target = np.array(camera.position), np.array(camera.target)
    view = target - position
    distance = float(np.linalg.norm(view))
    forward = view / distance
    right = np.cross(forward, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    half = math.tan(math.radians(camera.vertical_fov_deg) / 2.0) / transform.scale
    shift = -(right * transform.x * aspect + up * transform.y) * half * distance
    return replace(
        camera,
        position=_triple(position + shift),
        target=_triple(target + shift),
        vertical_fov_deg=math.degrees(2.0 * math.atan(half)),
    )


def enlarge(image: Image, size: tuple[int, int]) -> Image:
    """Scale an image to ``size`` (width, height), bilinear, so that edges take no colour from what is clear."""
    alpha = image[..., 3:].astype(np.float32) / np.float32(255)
    source: FloatArray = np.concatenate(
        [image[..., :3].astype(np.float32) * alpha, image[..., 3:].astype(np.float32)], axis=2
    )
    for axis, length in ((0, size[1]), (1, size[0])):
        source = _resample(source, axis, length)
    clear = source[..., 3:] == 0
    colour = source[..., :3] / np.where(clear, np.float32(1), source[..., 3:] / np.float32(255))
    result: Image = np.rint(np.concatenate([np.clip(colour, 0, 255), source[..., 3:]], axis=2)).astype(np.uint8)
    return result


def _resample(source: FloatArray, axis: int, length: int) -> FloatArray:
    there = source.shape[axis]
    place = np.clip((np.arange(length) + 0.5) * there / length - 0.5, 0.0, there - 1.0)
    low = np.floor(place).astype(np.intp)
    high = np.minimum(low + 1, there - 1)
    share = (place - low).astype(np.float32)
    share = share.reshape([-1 if i == axis else 1 for i in range(source.ndim)])
    mixed: FloatArray = source.take(low, axis) * (1 - share) + source.take(high, axis) * share
    return mixed


def _triple(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
