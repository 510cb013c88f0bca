"""Fragments: pieces of surface within a pixel that are lit once, and where their numbers lie.

A chunk holds fragments of one material. It is one float32 array, field after field, ``CHUNK`` values each. One array
with constant distances, not one per field, lets the compiler see that stores to one field leave the others alone,
which is what makes it vectorise the lighting.
"""

from __future__ import annotations

from typing import Final

CHUNK: Final = 272
"""Fragments in a chunk; its fields then fit the innermost cache."""

LANES: Final = 16
"""Fragments that are worked on at once."""

ALBEDO: Final = 0
NORMAL: Final = 3 * CHUNK
POSITION: Final = 6 * CHUNK
TANGENT: Final = 9 * CHUNK
SIDE: Final = 12 * CHUNK
U: Final = 13 * CHUNK
V: Final = 14 * CHUNK
GRADIENT: Final = 15 * CHUNK
LIT: Final = 19 * CHUNK
FIELDS: Final = 20
"""Offsets of the fields: linear RGB; normal; metres; tangent and the sign of its side; texture coordinates; what u
grows by to the right and down, then v, by pixel; share of key light."""

ROWS: Final = 8
"""Rows of the image whose fragments are gathered at once: the more, the fuller the chunks."""

MASK_BITS: Final = 4
COLUMN_BITS: Final = 12
"""Where a fragment lies, as a whole number: from the lowest bits up the samples covered, the column of the image, and
the row."""
