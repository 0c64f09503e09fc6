"""Units that keep their bit on a domain, proved: outward rounding first, then whole numbers.

Every bound of `bounding` holds in real arithmetic, all roundings charged. What these charges hide
is a unit whose extreme value is 0 or next to it: there the least and the largest value of its row,
over the box of the values below, are computed again as rational numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from cpwl_milp.bounding.interval import activation_bounds
from cpwl_milp.core.affine import Affine, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Network

# A bound this close to 0, against the largest values of the row's terms, may be 0 in truth.
_NEAR = 1e-9


@dataclass(frozen=True)
class ProvedFates:
    """Which units keep their bit, and how that was decided.

    Attributes
    ----------
    bounds : Bounds
    floats, rationals : int
        Units fixed by bounds in float64, rounded outward; units asked about in rationals.
    """

    bounds: Bounds
    floats: int
    rationals: int


def proved_fates(network: Network, domain: Domain, bounds: Bounds) -> ProvedFates:
    """Settle the units that sound bounds leave open by rounding alone.

    Parameters
    ----------
    network : Network
    domain : Domain
    bounds : Bounds
        Sound, each side with its roundings charged.
    """
    lows, highs = [], []
    floats = rationals = 0
    below = domain.box.lower, domain.box.upper
    for layer, low, high in zip(network.layers, bounds.lower, bounds.upper, strict=True):
        low, high = low.copy(), high.copy()
        fixed = (low > 0) | (high <= 0)
        floats += int(np.count_nonzero(fixed[layer.units]))
        reach = np.maximum(np.abs(below[0]), np.abs(below[1]))
        with np.errstate(over="ignore", invalid="ignore"):
            size = layer.affine.magnitude() @ reach + np.abs(layer.affine.bias)
            near = ~fixed & (np.minimum(np.abs(low), np.abs(high)) <= _NEAR * size)
        for row in layer.units[near[layer.units]]:
            rationals += 1
            least, most = _extremes(layer.affine, int(row), *below)
            if most <= 0:
                high[row] = min(high[row], 0.0)
            elif least > 0:
                # Some float above 0 that is no more than the least value.
                low[row] = max(low[row], np.nextafter(float(least), 0.0))
        lows.append(low)
        highs.append(high)
        below = activation_bounds(layer, low, high)
    return ProvedFates(Bounds(tuple(lows), tuple(highs)), floats, rationals)


def _extremes(affine: Affine, row: int, low: Vector, high: Vector) -> tuple[Fraction, Fraction]:
    """The least and the largest ``W[row] a + b`` for a in a box of floats, exactly."""
    weight = affine.weight
    if isinstance(weight, np.ndarray):
        entries = weight[row]
    else:
        entries = np.asarray(weight[[row]].toarray()).ravel()
    used = np.flatnonzero(entries)
    if not (np.all(np.isfinite(low[used])) and np.all(np.isfinite(high[used]))):
        return Fraction(-1), Fraction(1)
    least = most = Fraction(float(affine.bias[row]))
    for k in used.tolist():
        factor = Fraction(float(entries[k]))
        ends = factor * Fraction(float(low[k])), factor * Fraction(float(high[k]))
        least += min(ends)
        most += max(ends)
    return least, most
