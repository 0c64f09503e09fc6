"""Two lines around every unit: the linear relaxation that CROWN and the triangle LP share.

On ``l < 0 < u`` the unit ``f(z) = max(z, 0) + s min(z, 0)`` is convex for s < 1 and concave for
s > 1. Its chord through (l, s l) and (u, u) lies on one side, any line through the kink with a
slope between s and 1 on the other (Ehlers 2017; Singh et al. 2019, DeepPoly; Zhang et al. 2018,
CROWN: there for s = 0). Units that the bounds make one-sided are lines themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.bounding.rounding import UNDERFLOW, UNIT_ROUNDOFF
from cpwl_milp.core.affine import Vector
from cpwl_milp.core.network import Layer

# Relative difference below which both sides of 0 count as equally wide.
_TIE = 1e-6


@dataclass(frozen=True, eq=False)
class UnitLines:
    """Lines with ``lower_slope z + lower_offset <= f(z) <= upper_slope z + upper_offset``.

    They hold exactly, in real arithmetic, for the stored float64 numbers and every z between the
    bounds that they were made for.

    Attributes
    ----------
    lower_slope, lower_offset, upper_slope, upper_offset : ndarray, shape (n_out,)
    kinked : ndarray of bool, shape (n_out,)
        Units with a kink strictly inside their bounds; all others are lines (both the same).
    """

    lower_slope: Vector
    lower_offset: Vector
    upper_slope: Vector
    upper_offset: Vector
    kinked: NDArray[np.bool_]


def unit_lines(layer: Layer, low: Vector, high: Vector) -> UnitLines:
    """The lines around the units of one layer for pre-activations in ``[low, high]``.

    The supporting line through the kink takes the slope 1 or s, whichever side of 0 is wider
    (DeepPoly's least-area choice, for any s). Symmetric boxes and zero biases make ties common:
    they go to s, whatever the last digits say.
    """
    slope = layer.slope
    kinked = (low < 0) & (high > 0) & (slope != 1)
    one_sided = np.where((low >= 0) | (slope == 1), 1.0, slope)
    chord, offset = _chord(slope, low, high, kinked)
    with np.errstate(over="ignore"):
        support = np.where(high > -low * (1 + _TIE), 1.0, slope)
    convex = slope < 1
    none = np.zeros_like(slope)
    return UnitLines(
        lower_slope=np.where(kinked, np.where(convex, support, chord), one_sided),
        lower_offset=np.where(kinked & ~convex, offset, none),
        upper_slope=np.where(kinked, np.where(convex, chord, support), one_sided),
        upper_offset=np.where(kinked & convex, offset, none),
        kinked=kinked,
    )


def _chord(
    slope: Vector, low: Vector, high: Vector, kinked: NDArray[np.bool_]
) -> tuple[Vector, Vector]:
    """A slope m near the chord's, and an offset that makes ``m z + t`` sound for just that m.

    f(z) - m z is convex (concave for s > 1), so t need only cover its ends (s - m) l and
    (1 - m) u. Each is a difference and a product without cancellation between the two: four unit
    roundoffs of relative error cover it, `UNDERFLOW` the loss of a tiny product.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        # Halves, so that neither sum nor difference of large bounds overflows.
        rise = 0.5 * high - slope * (0.5 * low)
        width = 0.5 * high - 0.5 * low
        m = rise / width
        m = np.where(np.isfinite(m), m, 1.0)
        m = np.clip(m, np.minimum(slope, 1.0), np.maximum(slope, 1.0))
        at_low, at_high = (slope - m) * low, (1.0 - m) * high
        # An unbounded pre-activation (overflow) has no line on the chord's side.
        at_low = np.where(np.isnan(at_low), np.where(slope < 1, np.inf, -np.inf), at_low)
        at_high = np.where(np.isnan(at_high), np.where(slope < 1, np.inf, -np.inf), at_high)
        grown = 1.0 + 8 * UNIT_ROUNDOFF
        above = np.maximum(at_low, at_high) * grown + UNDERFLOW
        below = np.minimum(at_low, at_high) * grown - UNDERFLOW
    offset = np.where(slope < 1, above, below)
    return m, np.where(kinked, offset, 0.0)
