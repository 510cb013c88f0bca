"""How each kind of surface answers light, as one row of numbers per material for the shading kernel."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Final

import numpy as np

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.render.cpu.arrays import F32, I32


@dataclass(frozen=True, slots=True)
class Response:
    """Light response of a material kind. All strengths are factors on linear light."""

    wrap_r: float = 0.0
    """How far diffuse light reaches past the terminator, by channel: light that scattered under the surface."""
    wrap_g: float = 0.0
    wrap_b: float = 0.0
    soften: float = 0.0
    """0 = straight falloff at the terminator, 1 = squared (no visible band where light ends)."""
    penumbra: float = 0.0
    """Extra red light in half shadow."""
    ambient: float = 1.0
    """Share of the sky, ground and fill light that reaches the surface."""
    broad: float = 0.0
    """Highlight strength, exponent 8."""
    middle: float = 0.0
    """Highlight strength, exponent 48."""
    sharp: float = 0.0
    """Highlight strength, exponent 384: a wet film."""
    sheen: float = 0.0
    """Fresnel reflection of the surroundings at grazing angles."""
    rim: float = 1.0
    """Share of the rim light."""
    strand: float = 0.0
    """Share of the strand (anisotropic) highlight; above 0 the surface is lit as hair."""
    shadow: float = 1.0
    """How dark a cast shadow is on it."""


_RESPONSES: Final[dict[MaterialKind, Response]] = {
    MaterialKind.SKIN: Response(0.38, 0.24, 0.19, 0.55, 0.40, 1.0, 0.055, 0.05, 0.0, 0.22, 0.8),
    MaterialKind.EYE: Response(0.30, 0.22, 0.20, 0.3, 0.1, 0.9, 0.0, 0.10, 1.6, 0.10, 0.0, 0.0, 0.75),
    MaterialKind.TEETH: Response(0.25, 0.18, 0.14, 0.3, 0.1, 0.85, 0.0, 0.16, 0.22, 0.05, 0.0, 0.0, 0.3),
    MaterialKind.MOUTH: Response(0.30, 0.12, 0.10, 0.3, 0.3, 0.42, 0.02, 0.14, 0.10, 0.04, 0.0),
    MaterialKind.HAIR: Response(0.35, 0.32, 0.30, 0.4, 0.0, 0.9, 0.0, 0.0, 0.0, 0.06, 1.0, 1.0),
    MaterialKind.LASH: Response(0.3, 0.3, 0.3, 0.0, 0.0, 0.8, 0.0, 0.02, 0.0, 0.0, 0.2),
    MaterialKind.CLOTH: Response(0.12, 0.12, 0.12, 0.2, 0.0, 1.0, 0.02, 0.0, 0.0, 0.30, 0.8),
    MaterialKind.MATTE: Response(0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.08, 0.04, 0.0, 0.05, 0.8),
    MaterialKind.PHOTO: Response(),
}

WRAP: Final = 0
SOFTEN: Final = 3
PENUMBRA: Final = 4
AMBIENT: Final = 5
BROAD: Final = 6
MIDDLE: Final = 7
SHARP: Final = 8
SHEEN: Final = 9
RIM: Final = 10
STRAND: Final = 11
SHADOW: Final = 12
BASE: Final = 13
CUTOFF: Final = 17
FACTORS: Final = 18
RESPONSES: Final = 13
"""Columns of the factor table, the first ``RESPONSES`` being the response; ``BASE`` is the base colour (r, g, b, a),
``CUTOFF`` the alpha cutoff or -1."""

TEXTURE: Final = 0
NORMAL_TEXTURE: Final = 1
DOUBLE_SIDED: Final = 2
DIRECTED: Final = 3
UNLIT: Final = 4
SOFT: Final = 5
FLAGS: Final = 6
"""Columns of the flag table; a texture that is absent is -1; ``DIRECTED`` surfaces have tangents."""


def material_tables(materials: list[Material]) -> tuple[F32, I32]:
    """One row per material: factors float32 (m, FACTORS) and flags int32 (m, FLAGS)."""
    factors = np.zeros((len(materials), FACTORS), np.float32)
    flags = np.zeros((len(materials), FLAGS), np.int32)
    for row, material in enumerate(materials):
        response = _RESPONSES[material.kind]
        factors[row, :BASE] = astuple(response)
        if material.kind in (MaterialKind.MATTE, MaterialKind.CLOTH):
            # Only these take roughness from the file: the other kinds are looks, tuned as a whole.
            factors[row, BROAD : SHARP + 1] *= 2.0 * (1.0 - min(max(material.roughness, 0.0), 1.0))
        factors[row, BASE : BASE + 4] = material.base_color
        factors[row, CUTOFF] = -1.0 if material.alpha_cutoff is None else material.alpha_cutoff
        flags[row, TEXTURE] = -1 if material.texture is None else material.texture
        flags[row, NORMAL_TEXTURE] = -1 if material.normal_texture is None else material.normal_texture
        flags[row, DOUBLE_SIDED] = material.double_sided
        flags[row, UNLIT] = flags[row, SOFT] = material.kind is MaterialKind.PHOTO
        flags[row, DIRECTED] = material.kind is MaterialKind.HAIR or material.normal_texture is not None
    return factors, flags
