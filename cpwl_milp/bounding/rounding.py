"""A-priori bounds on the error of float64 sums of products.

All bounds of this room are moved outward by the error that their own computation can have made.
A dot product of k terms, evaluated in any order and with or without fused multiply-add, differs
from its exact value by at most ``gamma(k) * sum |w_i| |a_i|`` with
``gamma(k) = k u / (1 - k u)``, ``u = 2^-53`` (Higham, Accuracy and Stability of Numerical
Algorithms, 2002, section 3.1). More finely, k may be the largest number of roundings that any
one term passes through. The sum on the right is itself computed, with the same relative error;
every use here doubles k, which covers that and the product with gamma (k u is far below 1/4).

Products below the normal range lose up to `UNDERFLOW` each, absolutely instead of relatively;
where that can happen it is charged too.
"""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Vector

UNIT_ROUNDOFF = 2.0**-53
# The smallest normal number: above the loss of one underflow, gradual or flushed to zero.
UNDERFLOW = 2.0**-1022


@overload
def gamma(roundings: float) -> float: ...
@overload
def gamma(roundings: Vector) -> Vector: ...
def gamma(roundings: float | Vector) -> float | Vector:
    """Higham's ``k u / (1 - k u)`` for k roundings, rounded upward.

    0 for k = 0: what is not rounded has no error.
    """
    share = roundings * UNIT_ROUNDOFF
    return share / (1.0 - share) * (1.0 + 8 * UNIT_ROUNDOFF)


def below(value: Vector, margin: Vector) -> Vector:
    """A float vector at most ``value - margin``; `value` itself where the margin is 0."""
    with np.errstate(over="ignore", invalid="ignore"):
        moved = np.nextafter(value - margin, -np.inf)
    # Infinite margins on infinite values leave NaN: nothing is known there.
    return np.where(margin == 0, value, np.where(np.isnan(moved), -np.inf, moved))


def above(value: Vector, margin: Vector) -> Vector:
    """A float vector at least ``value + margin``; `value` itself where the margin is 0."""
    return -below(-value, margin)


def is_power_of_two(values: Vector) -> NDArray[np.bool_]:
    """Which values are 0 or plus or minus a power of two: products with them are exact."""
    mantissa, _ = np.frexp(values)
    return np.asarray((mantissa == 0) | (np.abs(mantissa) == 0.5))
