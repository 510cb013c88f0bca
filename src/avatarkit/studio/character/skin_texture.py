"""The skin's colour texture."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.studio.character.complexion import Marks, complexion, hair_roots
from avatarkit.studio.character.parts import Part, Scalars
from avatarkit.studio.character.person import Person
from avatarkit.studio.character.scalp import Scalp
from avatarkit.studio.character.source import load_mask
from avatarkit.studio.character.spec import CharacterSpec
from avatarkit.studio.character.unwrap import Uv, bleed, pack, rasterise

SIDE: Final = 1024
"""Texels each way."""


def paint_skin(
    person: Person, spec: CharacterSpec, folder: Path, *, skin: Part, base_uv: Uv, scalp: Scalp
) -> npt.NDArray[np.uint8]:
    """Give the skin its texture coordinates and return its texture, sRGB uint8 (1024, 1024, 3).

    ``base_uv`` (n, 2) are the base mesh's coordinates of the skin's vertices; ``scalp`` is where hair grows.
    """
    skin.uv = pack(base_uv)
    values = np.column_stack([skin.points, base_uv])
    texels, held = rasterise(skin.uv, skin.triangles, values, SIDE)
    own = texels[held]
    marks = Marks(_look_up(load_mask(folder, "lips"), own[:, 3:5]), _look_up(load_mask(folder, "ears"), own[:, 3:5]))
    color = complexion(person, spec, own[:, :3], marks)
    color = hair_roots(color, spec, scalp, own[:, :3])
    image = np.zeros((SIDE, SIDE, 3))
    image[held] = color
    return np.rint(np.clip(bleed(image, held, 12), 0.0, 1.0) * 255.0).astype(np.uint8)


def _look_up(mask: Scalars, base_uv: Uv) -> Scalars:
    """Nearest texel of a mask at coordinates with their origin at the bottom left."""
    height, width = mask.shape
    column = np.clip((base_uv[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip(((1.0 - base_uv[:, 1]) * height).astype(int), 0, height - 1)
    return np.asarray(mask[row, column])
