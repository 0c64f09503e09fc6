"""Interval arithmetic through the chain: the floor under every other method.

Moore, Interval Analysis, 1966. Each affine row is minimised and maximised over the box of the
values before it, each unit over the interval of its pre-activation. The rows of the first layer
are minimised over the domain itself where that has a closed form.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from cpwl_milp.bounding.rounding import UNDERFLOW, above, below, gamma, is_power_of_two
from cpwl_milp.bounding.support import Support, least, signed_parts, supports_within_box
from cpwl_milp.core.affine import Affine, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Layer, Network


def interval_bounds(network: Network, domain: Domain) -> Bounds:
    """Bounds of all pre-activations over the domain's bounding box, exact first over a ball.

    Parameters
    ----------
    network : Network
    domain : Domain
        Of dimension ``network.n_inputs``; its box is used, and its own minima of the first rows.

    Returns
    -------
    Bounds
        Sound for the exact real-arithmetic network with the stored float64 weights.
    """
    lows, highs = [], []
    low, high = domain.box.lower, domain.box.upper
    for index, layer in enumerate(network.layers):
        z_low, z_high = affine_bounds(layer.affine, low, high)
        if index == 0:
            z_low, z_high = _within(supports_within_box(domain), layer.affine, z_low, z_high)
        lows.append(z_low)
        highs.append(z_high)
        low, high = activation_bounds(layer, z_low, z_high)
    return Bounds(tuple(lows), tuple(highs))


def affine_bounds(affine: Affine, low: Vector, high: Vector) -> tuple[Vector, Vector]:
    """Bounds of ``W a + b`` over the box ``low <= a <= high``.

    Each bound is the sum of the row's extreme terms, moved outward by ``gamma(2 k)`` times the
    sum of their magnitudes, k being the number of roundings that a term of this row meets: one
    for its product unless all weights of the row are powers of two, and one for each addition of
    two non-zero terms. So copies, sign changes and sums that vanish termwise stay exact, and an
    upper bound of exactly 0 is not lost to a margin.
    """
    positive, negative = signed_parts(affine.weight)
    ends = np.stack([low, high, np.abs(low), np.abs(high)], axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        from_positive, from_negative = positive @ ends, negative @ ends
        lower = from_positive[:, 0] + from_negative[:, 1] + affine.bias
        upper = from_positive[:, 1] + from_negative[:, 0] + affine.bias
        offset = np.abs(affine.bias)
        lower_size = from_positive[:, 2] - from_negative[:, 3] + offset
        upper_size = from_positive[:, 3] - from_negative[:, 2] + offset
        share = gamma(2.0 * _roundings(affine))
        lost = _underflow(affine, low, high)
        return _clean(
            below(lower, share * lower_size + lost), above(upper, share * upper_size + lost)
        )


def activation_bounds(layer: Layer, low: Vector, high: Vector) -> tuple[Vector, Vector]:
    """Bounds of ``max(z, 0) + s min(z, 0)`` for ``low <= z <= high``, any slopes s.

    A piecewise-linear function of one variable takes its extremes at the ends or at the kink.
    """
    slope = layer.slope
    below_zero = np.minimum(np.stack([low, high]), 0)
    with np.errstate(over="ignore", invalid="ignore"):
        # 0 * inf: a ReLU of an unbounded pre-activation is 0 below zero all the same.
        negative = np.where(slope == 0, 0.0, slope * below_zero)
    exact = is_power_of_two(slope) & (np.abs(negative) >= UNDERFLOW)
    exact |= (slope == 0) | (below_zero == 0)
    positive = np.maximum(np.stack([low, high]), 0)
    moved_down = np.where(exact, negative, np.nextafter(negative, -np.inf))
    moved_up = np.where(exact, negative, np.nextafter(negative, np.inf))
    lower = np.min(np.where(positive > 0, positive, moved_down), axis=0)
    upper = np.max(np.where(positive > 0, positive, moved_up), axis=0)
    kink_inside = (low <= 0) & (high >= 0)
    return (
        np.where(kink_inside, np.minimum(lower, 0), lower),
        np.where(kink_inside, np.maximum(upper, 0), upper),
    )


def value_magnitudes(low: Vector, high: Vector) -> Vector:
    """The largest absolute value of each interval."""
    return np.maximum(np.abs(low), np.abs(high))


def _within(
    supports: tuple[Support, ...], affine: Affine, low: Vector, high: Vector
) -> tuple[Vector, Vector]:
    """Bounds of ``W x + b``, tightened by sets that contain x."""
    if not supports:
        return low, high
    with np.errstate(over="ignore", invalid="ignore"):
        least_z = least(supports, affine.weight, affine.bias)
        most_z = -least(supports, -affine.weight, -affine.bias)
    # Where overflow leaves NaN nothing is known.
    return np.fmax(low, least_z), np.fmin(high, most_z)


def _roundings(affine: Affine) -> Vector:
    """How many roundings one term of each row can meet."""
    weight = affine.weight
    if isinstance(weight, np.ndarray):
        terms = np.count_nonzero(weight, axis=1)
        inexact = ~np.all(is_power_of_two(weight), axis=1)
    else:
        terms = np.diff(weight.indptr)
        odd = ~is_power_of_two(weight.data)
        rows = np.repeat(np.arange(weight.shape[0]), terms)
        inexact = np.bincount(rows[odd], minlength=weight.shape[0]) > 0
    additions = np.maximum(terms + (affine.bias != 0) - 1, 0)
    return np.asarray(additions + inexact, dtype=np.float64)


def _underflow(affine: Affine, low: Vector, high: Vector) -> float:
    """What products below the normal range can lose in one row; 0 where there are none."""
    weight = affine.weight
    factors = np.abs(weight.data if sp.issparse(weight) else weight)
    values = np.abs(np.concatenate([low, high]))
    smallest = np.min(factors, where=factors > 0, initial=np.inf)
    least = np.min(values, where=values > 0, initial=np.inf)
    return 0.0 if smallest * least >= UNDERFLOW else UNDERFLOW * (affine.n_in + 1)


def _clean(lower: Vector, upper: Vector) -> tuple[Vector, Vector]:
    """Overflow leaves NaN where nothing is known."""
    return (
        np.where(np.isnan(lower), -np.inf, lower),
        np.where(np.isnan(upper), np.inf, upper),
    )
