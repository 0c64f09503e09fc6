"""Floats as integers over a common power of two: no rounding from here on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

# An affine function of the coordinates: constant first, then one coefficient a coordinate.
Row: TypeAlias = tuple[int, ...]

_MANTISSA = 53


def common_exponent(values: NDArray[np.float64]) -> int:
    """The least k >= 0 such that ``values * 2^k`` are integers. Cost: O(size), vectorised."""
    nonzero = values[values != 0.0]
    if nonzero.size == 0:
        return 0
    mantissa, exponent = np.frexp(nonzero)
    whole = np.ldexp(mantissa, _MANTISSA).astype(np.int64)
    trailing = np.log2((whole & -whole).astype(np.float64)).astype(np.int64)
    return max(0, int((_MANTISSA - exponent - trailing).max()))


def scaled(values: NDArray[np.float64], exponent: int) -> list[int]:
    """``values * 2^exponent`` as integers; `exponent` at least `common_exponent`."""
    found = []
    for value in values.tolist():
        numerator, denominator = value.as_integer_ratio()
        found.append((numerator << exponent) // denominator)
    return found


def primitive(row: Sequence[int]) -> Row:
    """The row divided by the greatest common divisor of its entries: the same signs everywhere."""
    divisor = math.gcd(*row)
    return tuple(row) if divisor <= 1 else tuple(value // divisor for value in row)


def quotient(numerator: int, denominator: int) -> float:
    """The quotient, rounded to float64 once, however large both are; inf beyond its range."""
    try:
        return numerator / denominator
    except OverflowError:
        return math.inf if Fraction(numerator, denominator) > 0 else -math.inf
