"""How far pre-activations can move from a point: products of norms along the layers.

For ``||x - c||_p <= r`` the values of layer l move by at most ``r g_l`` in the p-norm, where
``g_0 = 1`` and ``g_l = ||D_l W_l||_p g_{l-1}``; D_l holds each unit's Lipschitz constant
(Szegedy et al., Intriguing properties of neural networks, 2014, section 4.3). A pre-activation
moves by at most ``r ||w_i||_q g_{l-1}``, q the dual norm; in the first layer that is exact.

Two forms. The *plain* one takes ``max(1, |slope|)`` for every unit. The *local* one knows where the
ball already fixes a unit's sign: a unit with z >= 0 has the constant 1, one with z <= 0 its
slope, and a ReLU that is never active drops out of the next matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.bounding.interval import interval_bounds
from cpwl_milp.bounding.rounding import UNIT_ROUNDOFF, above, below
from cpwl_milp.core.affine import Matrix, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.local.norms import DUAL, operator_norm, row_norms

# Entries of the widest matrix whose norm is taken anew for every ball.
_LOCAL_ENTRIES = 1 << 20
# Side length up to which that norm is the proved singular value, not a cheaper one above it.
_LOCAL_SIDE = 64
_UP = 1.0 + 8 * UNIT_ROUNDOFF


@dataclass(frozen=True, eq=False)
class LipschitzConstants:
    """What the plain form needs of a network, once for all balls of one norm.

    Attributes
    ----------
    norm : str
        Of the balls.
    rows : tuple of ndarray
        Dual norms of the rows of each layer, shape (n_out,).
    gains : tuple of float
        ``g_{l-1}``: how much a distance grows before layer l.
    """

    norm: str
    rows: tuple[Vector, ...]
    gains: tuple[float, ...]

    @staticmethod
    def of(network: Network, norm: str) -> LipschitzConstants:
        """Take the norms of all layers."""
        rows, gains, gain = [], [], 1.0
        for layer in network.layers:
            rows.append(row_norms(layer.affine.weight, DUAL[norm]))
            gains.append(gain)
            steepest = np.maximum(1.0, np.abs(layer.slope))
            gain *= operator_norm(_scaled_rows(layer.affine.weight, steepest), norm) * _UP
        return LipschitzConstants(norm, tuple(rows), tuple(gains))


@dataclass(frozen=True, eq=False)
class LipschitzBounds:
    """Bounds on a ball, in both forms.

    Attributes
    ----------
    at_centre : Bounds
        The pre-activations at the centre, within rounding.
    plain : Bounds
        Of the product form alone.
    local : Bounds
        Of the local form and interval arithmetic together, nowhere looser than `plain`.
    """

    at_centre: Bounds
    plain: Bounds
    local: Bounds


def lipschitz_bounds(
    network: Network, ball: Ball, constants: LipschitzConstants
) -> LipschitzBounds:
    """Bound all pre-activations on a ball.

    Parameters
    ----------
    network : Network
    ball : Ball
        Of the norm of `constants`.
    constants : LipschitzConstants

    Returns
    -------
    LipschitzBounds
        Sound for the stored float64 weights.
    """
    at_centre = interval_bounds(network, Box(ball.centre, ball.centre))
    plain = _around(
        at_centre,
        [
            _product(ball.radius, rows, gain)
            for rows, gain in zip(constants.rows, constants.gains, strict=True)
        ],
    )
    known = plain.intersected(interval_bounds(network, ball))
    lows, highs = [], []
    alive: Vector | None = None
    gain = 1.0
    for index, layer in enumerate(network.layers):
        low, high = known.lower[index], known.upper[index]
        weight = layer.affine.weight
        worthwhile = weight.shape[0] * weight.shape[1] <= _LOCAL_ENTRIES
        if alive is not None and worthwhile:
            rows = row_norms(_masked_columns(weight, alive), DUAL[ball.norm])
            move = _product(ball.radius, rows, gain)
            low = np.maximum(low, below(at_centre.lower[index], move))
            high = np.minimum(high, above(at_centre.upper[index], move))
        constant = _constants_of(layer, low, high)
        # A later layer starts at the least of both forms.
        later = constants.gains[index + 1] if index + 1 < len(constants.gains) else np.inf
        if worthwhile:
            gain = min(later, gain * _local_norm(weight, constant, alive, ball.norm) * _UP)
        else:
            gain = later
        alive = constant
        lows.append(low)
        highs.append(high)
    return LipschitzBounds(at_centre, plain, Bounds(tuple(lows), tuple(highs)))


def _around(centre: Bounds, moves: list[Vector]) -> Bounds:
    return Bounds(
        tuple(below(low, move) for low, move in zip(centre.lower, moves, strict=True)),
        tuple(above(high, move) for high, move in zip(centre.upper, moves, strict=True)),
    )


def _product(radius: float, rows: Vector, gain: float) -> Vector:
    with np.errstate(over="ignore", invalid="ignore"):
        moves = radius * rows * gain * _UP
    # A row of zeros does not move however far the values before it do.
    return np.where(rows == 0, 0.0, np.where(np.isnan(moves), np.inf, moves))


def _constants_of(layer: Layer, low: Vector, high: Vector) -> Vector:
    """Lipschitz constants of the units on the ball."""
    slope = np.abs(layer.slope)
    steepest = np.maximum(1.0, slope)
    return np.where(low >= 0, 1.0, np.where(high <= 0, slope, steepest))


def _local_norm(weight: Matrix, constant: Vector, alive: Vector | None, norm: str) -> float:
    """The operator norm of the layer on the ball, or a cheap number above it."""
    rows = constant > 0
    columns = np.ones(weight.shape[1], dtype=np.bool_) if alive is None else alive > 0
    part = _scaled_rows(weight[rows], constant[rows])[:, columns]
    if norm == "2" and min(part.shape) > _LOCAL_SIDE:
        return float(row_norms(row_norms(part, "2")[None, :], "2")[0])
    return operator_norm(part, norm)


def _scaled_rows(weight: Matrix, factors: Vector) -> Matrix:
    """Rows times factors; their products are rounded, which `_UP` covers."""
    if isinstance(weight, np.ndarray):
        return weight * factors[:, None]
    scaled = weight.copy()
    scaled.data = weight.data * np.repeat(factors, np.diff(weight.indptr))
    return scaled


def _masked_columns(weight: Matrix, alive: Vector) -> Matrix:
    """Without the columns of values that stay constant on the ball."""
    if isinstance(weight, np.ndarray):
        return weight[:, alive > 0]
    return weight[:, np.flatnonzero(alive > 0)]
