"""Which of MediaPipe's face landmarks lie where. Left and right are the person's own."""

from __future__ import annotations

from typing import Final

FOREHEAD: Final = 10
CHIN: Final = 152
NOSE_TIP: Final = 1
NASION: Final = 168
BETWEEN_BROWS: Final = 9
EYE_CORNERS: Final = (33, 263)
"""Outer corners: right, left."""
MOUTH_CORNERS: Final = (61, 291)
JAW_SIDES: Final = (136, 365)
"""Where the jaw turns from the cheek to the chin: right, left."""

OVAL: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The outline of the face, in order, from the forehead over the person's left."""

UPPER_LIP_INNER: Final = (191, 80, 81, 82, 13, 312, 311, 310, 415)
LOWER_LIP_INNER: Final = (95, 88, 178, 87, 14, 317, 402, 318, 324)
LIP_CORNERS_INNER: Final = (78, 308)
UPPER_LIP_OUTER: Final = (185, 40, 39, 37, 0, 267, 269, 270, 409)
LOWER_LIP_OUTER: Final = (146, 91, 181, 84, 17, 314, 405, 321, 375)

UPPER_LIDS: Final = ((161, 160, 159, 158, 157), (388, 387, 386, 385, 384))
"""Edges of the upper lids between the corners: right eye, left eye; from the outer to the inner corner."""
LOWER_LIDS: Final = ((163, 144, 145, 153, 154), (390, 373, 374, 380, 381))
LID_CORNERS: Final = ((33, 133), (263, 362))
"""Outer and inner corner: right eye, left eye."""
IRISES: Final = ((468, 469, 470, 471, 472), (473, 474, 475, 476, 477))
"""Middle and four points of the rim: right eye, left eye."""
BROWS: Final = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
BROW_EDGES: Final = ((70, 63, 105, 66, 107, 55, 65, 52, 53, 46), (336, 296, 334, 293, 300, 276, 283, 282, 295, 285))
"""Outlines: right brow, left brow."""
CHEEKS: Final = (50, 205, 280, 425, 101, 330)
"""Plain skin, for its colour."""
