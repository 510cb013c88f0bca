"""Sixteen Fourier transforms of 512 points at once, for kernels."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.compiled.vector_code import WIDTH
from avatarkit.compiled.vectors import load, store
from avatarkit.frames import FloatArray
from avatarkit.motion.kernels.jit import kernel
from avatarkit.motion.melspec import TRANSFORM_SIZE

SIZE: Final = TRANSFORM_SIZE
LANES: Final = WIDTH
"""Transforms side by side."""

_ANGLES: Final = -2.0 * np.pi * np.arange(SIZE) / SIZE
_COS: Final = np.cos(_ANGLES).astype(np.float32)
_SIN: Final = np.sin(_ANGLES).astype(np.float32)


@kernel
def transform(re: FloatArray, im: FloatArray) -> None:
    """Fourier transforms in place: number ``n`` of transform ``l`` lies at ``n * LANES + l``; see :data:`PLACE`.

    Decimation in frequency with radix 4, then 2.
    """
    span = SIZE
    while span >= 4:
        quarter = span // 4
        stride = SIZE // span
        for j in range(quarter):
            c1, s1 = _COS[j * stride], _SIN[j * stride]
            c2, s2 = _COS[2 * j * stride], _SIN[2 * j * stride]
            c3, s3 = _COS[3 * j * stride], _SIN[3 * j * stride]
            for start in range(j, SIZE, span):
                a, b = start * LANES, (start + quarter) * LANES
                c, d = (start + 2 * quarter) * LANES, (start + 3 * quarter) * LANES
                ar, ai, br, bi = load(re, a), load(im, a), load(re, b), load(im, b)
                cr, ci, dr, di = load(re, c), load(im, c), load(re, d), load(im, d)
                er, ei, fr, fi = ar + cr, ai + ci, ar - cr, ai - ci
                gr, gi, hr, hi = br + dr, bi + di, br - dr, bi - di
                store(re, a, er + gr)
                store(im, a, ei + gi)
                ur, ui = fr + hi, fi - hr
                store(re, b, ur * c1 - ui * s1)
                store(im, b, ur * s1 + ui * c1)
                ur, ui = er - gr, ei - gi
                store(re, c, ur * c2 - ui * s2)
                store(im, c, ur * s2 + ui * c2)
                ur, ui = fr - hi, fi + hr
                store(re, d, ur * c3 - ui * s3)
                store(im, d, ur * s3 + ui * c3)
        span = quarter
    for start in range(0, SIZE, 2):
        a, b = start * LANES, (start + 1) * LANES
        ar, ai, br, bi = load(re, a), load(im, a), load(re, b), load(im, b)
        store(re, a, ar + br)
        store(im, a, ai + bi)
        store(re, b, ar - br)
        store(im, b, ai - bi)


def _place_of() -> npt.NDArray[np.int64]:
    """Where :func:`transform` leaves each frequency: its digits (to base 4, the last to base 2) turned round."""
    places = np.zeros(SIZE, np.int64)
    for frequency in range(SIZE):
        rest, span = frequency, SIZE
        while span >= 4:
            rest, digit = divmod(rest, 4)
            span //= 4
            places[frequency] += digit * span
        places[frequency] += rest
    return places


PLACE: Final = _place_of()
