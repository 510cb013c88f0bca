"""What a bundle may hold at most. Everything that comes from outside is measured against these."""

from __future__ import annotations

from typing import Final

FILE_BYTES: Final = 64 * 1024 * 1024
"""Largest file that is read or written."""
JSON_BYTES: Final = 8 * 1024 * 1024
"""Largest JSON chunk."""
JSON_ITEMS: Final = 65_536
"""Longest top-level list of the JSON (accessors, buffer views, nodes ...)."""
NODE_DEPTH: Final = 128
MESHES: Final = 256
JOINTS: Final = 512
VERTICES: Final = 1_000_000
"""Over all meshes."""
TRIANGLES: Final = 2_000_000
"""Over all meshes."""
MORPHS_PER_MESH: Final = 512
SHAPE_NAMES: Final = 16_384
"""Over all meshes."""
TEXTURES: Final = 16
TEXTURE_SIDE: Final = 4096
"""Pixels."""
TEXTURE_PIXELS: Final = 32 * 1024 * 1024
"""Over all textures."""
DECODED_BYTES: Final = 512 * 1024 * 1024
"""Memory for the numbers of one file once decoded: a small file may name the same bytes many times."""
DECODED_LEAST_BYTES: Final = 32 * 1024 * 1024
DECODED_FACTOR: Final = 64
"""A file may decode to that many bytes and so many times its own size, and never to more than the above."""
COORDINATE_M: Final = 1000.0
"""Largest coordinate of a position or delta, metres."""
TEXT_LENGTH: Final = 1000
PROVENANCE_LENGTH: Final = 4096
"""Longest name, licence or author."""
