"""The hair of a character, by its style."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avatarkit.studio.character import hair_bun, hair_crop, hair_curls, hair_long
from avatarkit.studio.character.curl_texture import curl_texture
from avatarkit.studio.character.hair import Dye, cap, locks
from avatarkit.studio.character.hair_texture import hair_texture
from avatarkit.studio.character.parts import Part, linear, smooth
from avatarkit.studio.character.person import Person, neck_head_shares
from avatarkit.studio.character.scalp import Scalp
from avatarkit.studio.character.source import Points
from avatarkit.studio.character.spec import CharacterSpec, HairStyle

_LONG = {HairStyle.BOB: hair_long.BOB, HairStyle.WAVY: hair_long.WAVY}
_SHORT = {HairStyle.CROP: hair_crop.make, HairStyle.BUN: hair_bun.make}
_UNDER_CAP_M = 0.024
"""So far within the hairline the cap surely hides the skin."""


def recession_m(spec: CharacterSpec) -> float:
    """How far the hairline of a man has gone back by his age."""
    return 0.013 * spec.gender * float(np.clip((spec.age - 26.0) / 40.0, 0.0, 1.0))


def hair_parts(person: Person, scalp: Scalp, spec: CharacterSpec, texture: int) -> list[Part]:
    """All parts of the hair; none for a bare head. ``texture`` is that of the locks."""
    style = spec.hair_style
    if style is HairStyle.NONE:
        return []
    rng = np.random.default_rng(spec.seed)
    dye = Dye(spec.hair, spec.grey, spec.seed)
    if style is HairStyle.CURLS:
        return hair_curls.make(scalp, dye, texture, rng)
    if style in _SHORT:
        kinds, base = _SHORT[style](scalp, dye, texture, rng)
        return [*locks("hair", kinds, dye, texture, rng), base]
    fall = _LONG[style]
    parts = [
        *locks("hair", hair_long.fall(scalp, fall, spec.seed, rng), dye, texture, rng),
        hair_long.sheet(scalp, fall, dye, texture, spec.seed),
        hair_long.line_of_skin(scalp, linear(spec.skin)),
        cap(scalp, dye, 0.0002, texture, shade=0.75),
    ]
    for part in parts:
        part.neck_head = _hanging(person, part.points)
    return parts


def hair_picture(spec: CharacterSpec) -> npt.NDArray[np.uint8]:
    """The texture of :func:`hair_parts`: sRGB with alpha, uint8 (256, 256, 4)."""
    return curl_texture(spec.seed) if spec.hair_style is HairStyle.CURLS else hair_texture(spec.seed)


def hides(scalp: Scalp, style: HairStyle, points: Points) -> npt.NDArray[np.bool_]:
    """Which places of the skin can never be seen for hair."""
    if style is HairStyle.NONE:
        return np.zeros(len(points), np.bool_)
    under = (scalp.level(points) > _UNDER_CAP_M) & (np.abs(scalp.height(points)) < 0.006)
    return np.asarray(under)


def _hanging(person: Person, points: Points) -> npt.NDArray[np.float64]:
    """Shares that follow neck and head: what lies on the shoulders stays behind when the head turns."""
    own = neck_head_shares(points, person.neck_pivot, person.head_pivot)
    head = smooth(-0.235, -0.085, points[:, 1])
    neck = np.clip(np.maximum(own.sum(axis=1), 0.65) - head, 0.0, 1.0 - head)
    return np.stack([neck, head], axis=1)
