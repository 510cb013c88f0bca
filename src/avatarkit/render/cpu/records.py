"""What is kept of every vertex of a frame: one cache line, as wide as a vector."""

from __future__ import annotations

from typing import Final

X: Final = 0
Y: Final = 1
NEARNESS: Final = 2
NORMAL: Final = 3
COLOR: Final = 6
ALPHA: Final = 9
U: Final = 10
V: Final = 11
TANGENT: Final = 12
SIDE: Final = 15
RECORD: Final = 16
"""Columns: place on the screen, pixels; 1/depth, 1/m; unit normal; linear colour and alpha; texture coordinate;
tangent and the sign of its side; and how many there are."""
