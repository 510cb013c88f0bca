"""Exponential, logarithm and logistic function of sixteen numbers at once, for kernels.

Built from additions, multiplications and divisions alone, which every processor rounds alike: the same bits anywhere.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from avatarkit.compiled.vector_code import WIDTH
from avatarkit.compiled.vectors import (
    Vector,
    as_floats,
    exponent,
    least,
    most,
    rounded,
    to_floats,
    to_wholes,
    wholes_of,
)
from avatarkit.motion.kernels.jit import inlined

LANES: Final = WIDTH

_F = np.float32
_LOG2_E: Final = _F(math.log2(math.e))
_LN2_HIGH: Final = _F(0.693359375)
"""355/512: its product with a whole number below 2**15 is exact."""
_LN2_LOW: Final = _F(math.log(2.0) - 0.693359375)
_LEAST_EXP, _MOST_EXP = _F(-87.0), _F(88.0)
_C2, _C3, _C4, _C5, _C6, _C7 = (_F(1.0 / math.factorial(n)) for n in range(2, 8))
_A3, _A5, _A7, _A9 = (_F(2.0 / n) for n in (3, 5, 7, 9))
_LN2: Final = _F(math.log(2.0))
_ROOT_2: Final = _F(math.sqrt(2.0))

_ONE: Final = _F(1.0)


@inlined
def exp(x: Vector) -> Vector:
    """e**x for -87..88, beyond held there; relative error below 2e-7 (Taylor's series after Cody and Waite 1980)."""
    x = least(most(x, _LEAST_EXP), _MOST_EXP)
    n = rounded(x * _LOG2_E)
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    p = r * _C7 + _C6
    p = p * r + _C5
    p = p * r + _C4
    p = p * r + _C3
    p = p * r + _C2
    p = p * (r * r) + r + _ONE
    return p * as_floats((to_wholes(n) + np.int32(127)) << np.int32(23))


@inlined
def logistic(x: Vector) -> Vector:
    """1 / (1 + e**-x)."""
    return _ONE / (exp(x * _F(-1.0)) + _ONE)


@inlined
def log(x: Vector) -> Vector:
    """Natural logarithm of numbers above 1e-37, by the series of the inverse hyperbolic tangent.

    Relative error below 2e-7, near 1 absolute.
    """
    n = exponent(x * _ROOT_2)
    m = x * as_floats((wholes_of(np.int32(127)) - n) << np.int32(23))
    s = (m - _ONE) / (m + _ONE)
    q = s * s
    p = q * _A9 + _A7
    p = p * q + _A5
    p = p * q + _A3
    return to_floats(n) * _LN2 + (s * _F(2.0) + p * q * s)
