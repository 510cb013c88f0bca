"""Fragments: pieces of surface within a pixel that are lit once, and where their numbers lie.

A chunk of fragments is one float32 array, field after field, ``CHUNK`` values each. One array with constant
distances, not one per field, lets the compiler see that stores to one field leave the others alone, which is what
makes it vectorise the lighting.
"""

from __future__ import annotations

from typing import Final

from avatarkit.render.cpu.materials import RESPONSES

CHUNK: Final = 256
"""Fragments in a chunk; its fields then fit the innermost cache."""

ALBEDO: Final = 0
NORMAL: Final = 3 * CHUNK
POSITION: Final = 6 * CHUNK
TANGENT: Final = 9 * CHUNK
SIDE: Final = 12 * CHUNK
U: Final = 13 * CHUNK
V: Final = 14 * CHUNK
UV_AREA: Final = 15 * CHUNK
AREA: Final = 16 * CHUNK
LIT: Final = 17 * CHUNK
RESPONSE: Final = 18 * CHUNK
FIELDS: Final = 18 + RESPONSES
"""Offsets of the fields: linear RGB; unit normal; metres; unit tangent and the sign of its side; texture
coordinates; areas of the triangle in texture space and in pixels; share of key light; the material's response."""

PIXEL: Final = 0
SHARE: Final = CHUNK
MATERIAL: Final = 2 * CHUNK
MARKS: Final = 3
"""Offsets in the int32 array beside: column of the image; samples covered; row of the material tables."""
