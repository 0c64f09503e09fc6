"""Regions proved to exist by sampled inputs: a lower bound of their number.

An input strictly inside the domain at which no pre-activation is 0 lies in the interior of its
region. So does one at which some are, if their functions are 0 on all of the region.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.bounding.rounding import UNDERFLOW, gamma
from cpwl_milp.core.affine import Dense
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.exact.integers import common_exponent, scaled
from cpwl_milp.engines.exact.maps import ExactMaps
from cpwl_milp.engines.exact.space import ExactSpace
from cpwl_milp.engines.sampling import SamplingEngine
from cpwl_milp.enumeration.listing import ListedRegions
from cpwl_milp.enumeration.loop import enumerate_regions


@dataclass(frozen=True)
class ProvedSamples:
    """Regions that samples prove.

    Attributes
    ----------
    regions : int
    floats, rationals : int
        Samples settled in float64, all errors charged, and in whole numbers; those that turned
        out to prove nothing included.
    """

    regions: int
    floats: int
    rationals: int


def proved_samples(problem: Problem, bounds: Bounds, n_samples: int, seed: int) -> ProvedSamples:
    """Draw samples, and prove one for each pattern that they show.

    Parameters
    ----------
    problem : Problem
    bounds : Bounds
        Of the problem's network on its domain.
    n_samples, seed : int
    """
    network, domain = problem.network, problem.domain
    listed = ListedRegions(network.n_units, domain.dim)
    engine = SamplingEngine(problem, bounds, n_samples=n_samples, seed=seed)
    enumerate_regions(engine, n_layers=len(network.layers), sinks=[listed])
    regions = listed.regions
    bits = unpack(regions.patterns, network.n_units)
    clear = _inside(domain, regions.points) & clearly(network, regions.points, bits)
    exact = _ExactSamples(network, domain)
    asked = np.flatnonzero(~clear).tolist()
    more = sum(exact.proves(regions.points[row], bits[row]) for row in asked)
    settled = int(np.count_nonzero(clear))
    return ProvedSamples(settled + more, settled, len(asked))


def clearly(network: Network, x: Dense, bits: Bits) -> NDArray[np.bool_]:
    """At which inputs every pre-activation has the sign of its bit, beyond all rounding errors.

    Beside the values of a layer runs a bound of their errors: ``e' = |W| e + gamma (|W| (|a| + e)
    + |b|)`` with twice the roundings of a dot product (Higham 2002, section 3.1; the factor covers
    the roundings of the bound itself), then ``max(1, |s|) e`` through a unit.

    Parameters
    ----------
    network : Network
    x : ndarray, shape (n, n_inputs)
    bits : ndarray of bool, shape (n, n_units)
    """
    proved = np.ones(len(x), dtype=np.bool_)
    values, errors = x, np.zeros_like(x)
    with np.errstate(over="ignore", invalid="ignore"):
        for index, layer in enumerate(network.layers):
            affine = layer.affine
            size = np.asarray(affine.magnitude() @ (np.abs(values) + errors).T).T
            size = size + np.abs(affine.bias)
            carried = np.asarray(affine.magnitude() @ errors.T).T
            share = gamma(2.0 * affine.n_in + 16)
            z = affine(values)
            error = (carried + share * size) * (1.0 + share) + UNDERFLOW * (affine.n_in + 4)
            own, doubt = z[:, layer.units], error[:, layer.units]
            bit = bits[:, network.layer_bits(index)]
            # A NaN is no proof.
            proved &= np.all(np.where(bit, own > doubt, -own > doubt), axis=1)
            values = layer.activate(z)
            steep = np.maximum(1.0, np.abs(layer.slope))
            errors = (error * steep + gamma(4.0) * np.abs(values)) * (1.0 + gamma(8.0)) + UNDERFLOW
    return proved


def _inside(domain: Domain, x: Dense) -> NDArray[np.bool_]:
    """Which points are strictly inside a domain, beyond rounding."""
    box = domain.box
    inside = np.all((x > box.lower) & (x < box.upper), axis=1)
    A, b = domain.inequalities()
    size = np.abs(x) @ np.abs(A).T + np.abs(b)
    inside &= np.all(b - x @ A.T > gamma(2.0 * domain.dim + 8) * size + UNDERFLOW, axis=1)
    if isinstance(domain, Ball):
        away = x - domain.centre
        share = 1.0 + gamma(4.0 * domain.dim + 32)
        inside &= np.sum(away * away, axis=1) * share + UNDERFLOW * domain.dim < domain.radius**2
    return np.asarray(inside)


class _ExactSamples:
    """Samples decided in rational numbers."""

    def __init__(self, network: Network, domain: Domain) -> None:
        self._network, self._domain = network, domain
        self._space = ExactSpace(domain)
        self._maps = ExactMaps(network, self._space)

    def proves(self, x: NDArray[np.float64], bits: NDArray[np.bool_]) -> bool:
        """Whether a point lies in the interior of the region of its pattern, in the domain."""
        space = self._space
        unit = 1 << space.exponent
        y = [Fraction(value) * unit - low for value, low in zip(x.tolist(), space.low, strict=True)]
        if not all(0 < a < width for a, width in zip(y, space.width, strict=True)):
            return False
        if any(_at(row, y) <= 0 for row in space.inequalities) or not self._in_ball(x):
            return False
        own = bits.astype(np.uint8)
        for index in range(self._network.n_units):
            row = self._maps.row(index, own)
            value = _at(row, y)
            if own[index] and not value > 0:
                return False
            if not own[index] and not (value < 0 or not any(row)):
                return False
        return True

    def _in_ball(self, x: NDArray[np.float64]) -> bool:
        domain = self._domain
        if not isinstance(domain, Ball):
            return True
        numbers = np.concatenate([x, domain.centre, [domain.radius]])
        *whole, radius = scaled(numbers, common_exponent(numbers))
        away = (a - c for a, c in zip(whole[: x.size], whole[x.size :], strict=True))
        return sum(value * value for value in away) < radius * radius


def _at(row: tuple[int, ...], y: list[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(row[1:], y, strict=True)), Fraction(row[0]))
