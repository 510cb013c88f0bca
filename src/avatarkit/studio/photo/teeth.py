"""Teeth in the light of the photo, and with their own picture where the photo shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.studio.character import mouth
from avatarkit.studio.character.parts import Part, linear
from avatarkit.studio.character.person import Person
from avatarkit.studio.photo import indices, regions
from avatarkit.studio.photo.framing import LUMA
from avatarkit.studio.photo.landmarks import Landmarks
from avatarkit.studio.photo.matte import fill
from avatarkit.studio.photo.view import View

_ENOUGH: Final = 0.003
"""Teeth are taken from the photo when they cover this share of the face."""
_MARGIN_PX: Final = 6
_TINT: Final = np.array([1.03, 0.99, 0.91])
"""Enamel against the white of an eye of the same lightness."""
_OF_CHEEK: Final = 0.95
_EYE_PX: Final = 60
_LEVELS: Final = (0.42, 0.86)
"""Between these, sRGB, lies the lightness that teeth may have."""
_LOWER: Final = 0.92
_OWN_FORM: Final = 0.45
"""How much of the built teeth's own shading shows over a picture of real ones."""


@dataclass(frozen=True, slots=True)
class Teeth:
    """What the photo says about teeth."""

    tone: npt.NDArray[np.float64]
    """sRGB 0..1 of a front tooth in this light."""
    picture: npt.NDArray[np.uint8] | None
    """The upper teeth, uint8 (h, w, 3), where the photo shows them."""
    corner: tuple[float, float] = (0.0, 0.0)
    """Left and top of the picture in pixels of the frame."""


def look_at_teeth(person: Person, view: View, rgb: npt.NDArray[np.float64], marks: Landmarks) -> Teeth:
    """The teeth of a portrait (h, w, 3), sRGB 0..1, or their likely tone where none are seen."""
    shown = _seen(rgb, marks)
    if shown.sum() < _ENOUGH * regions.face(marks).sum():
        return Teeth(_likely(rgb, marks), None)
    pixels = view.project(mouth.teeth(person, upper=True).points)
    left, top = np.floor(pixels.min(axis=0)).astype(int) - _MARGIN_PX
    right, bottom = np.ceil(pixels.max(axis=0)).astype(int) + _MARGIN_PX
    left, top = max(left, 0), max(top, 0)
    crop = (slice(top, bottom), slice(left, right))
    whole = fill(rgb[crop], ndimage.binary_erosion(shown)[crop])
    tone = np.median(rgb[shown], axis=0)
    return Teeth(tone, np.asarray(np.rint(whole * 255.0), np.uint8), (float(left), float(top)))


def make_teeth(person: Person, view: View, seen: Teeth, texture: int) -> tuple[Part, Part]:
    """Upper and lower teeth; ``texture`` is the place of the picture, if there is one."""
    upper, lower = mouth.teeth(person, upper=True), mouth.teeth(person, upper=False)
    tone = linear(seen.tone)
    for part, share in ((upper, 1.0), (lower, _LOWER)):
        plain = part.colors / part.colors.max(axis=0)
        part.colors = plain * tone * share
        part.material = Material("teeth", MaterialKind.PHOTO, double_sided=True)
    if seen.picture is not None:
        height, width = seen.picture.shape[:2]
        plain = upper.colors / upper.colors.max(axis=0)
        is_gum = plain[:, 1] < 0.6 * plain[:, 0]
        upper.colors = np.where(is_gum[:, None], plain, plain**_OWN_FORM)
        upper.uv = np.clip((view.project(upper.points) - np.array(seen.corner)) / [width, height], 0.0, 1.0)
        upper.material = Material("teeth", MaterialKind.PHOTO, texture=texture, double_sided=True)
    return upper, lower


def _seen(rgb: npt.NDArray[np.float64], marks: Landmarks) -> npt.NDArray[np.bool_]:
    """Pixels between the lips that are light and nearly grey, and the thin gaps between them."""
    opening = regions.mouth_opening(marks)
    if not opening.any():
        return opening
    light = rgb.max(axis=2)
    grey = (light - rgb.min(axis=2)) / np.maximum(light, 1e-3)
    tooth = opening & (light > 0.6 * np.percentile(light[opening], 95)) & (light > 0.35) & (grey < 0.36)
    return np.asarray(opening & ndimage.binary_closing(tooth, iterations=4))


def _likely(rgb: npt.NDArray[np.float64], marks: Landmarks) -> npt.NDArray[np.float64]:
    """As light as the white of the eyes, or nearly as the cheeks where that is more: lids and glasses throw shade."""
    light = rgb @ LUMA
    eyes = ndimage.binary_erosion(regions.eye_openings(marks), iterations=2)
    level = _OF_CHEEK * float(np.median([light[int(y), int(x)] for x, y in marks[list(indices.CHEEKS), :2]]))
    if eyes.sum() > _EYE_PX:
        level = max(level, float(np.percentile(light[eyes], 85)))
    return np.asarray(np.clip(np.clip(level, *_LEVELS) * _TINT, 0.0, 1.0))
