"""Hyperplanes around the centre of a ball, and which of their intersections may meet it.

Whether ``{x : W_J x + b_J = 0}`` comes closer to the centre c than r is decided from above only.
For every y,

    distance_p >= |y . z_J(c)| / ||W_J' y||_q,

so a set is left out only where some y proves the distance to be at least r, rounding charged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.bounding.rounding import UNIT_ROUNDOFF, gamma
from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.local.norms import row_norms

# Reweighted steps towards the best y in the 1- and the infinity-norm.
_STEPS = 40
BLOCK = 1 << 21
"""Entries of a block of matrices."""


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Hyperplanes seen from the centre of a ball.

    Attributes
    ----------
    weight : ndarray, shape (n_planes, n)
        No row is zero.
    at_centre : ndarray, shape (n_planes,)
        Pre-activations at the centre.
    error : ndarray, shape (n_planes,)
        How far they may be off.
    norm : str
        Of the ball: "1", "2" or "inf".
    radius : float
    """

    weight: Dense
    at_centre: Vector
    error: Vector
    norm: str
    radius: float


def arrangement_of(
    weight: Dense, lower: Vector, upper: Vector, norm: str, radius: float
) -> Arrangement:
    """Hyperplanes ``w.x + b = 0`` with ``lower <= w.c + b <= upper`` at the centre c.

    Rows of zeros are no hyperplanes and are left out; the others are scaled by powers of two to
    sizes near 1, so that no square leaves float's range.
    """
    largest = row_norms(weight, "inf")
    there = largest > 0
    shift = -np.frexp(largest[there])[1]
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = np.ldexp(lower[there], shift), np.ldexp(upper[there], shift)
        middle = 0.5 * low + 0.5 * high
        error = np.maximum(high - middle, middle - low) * (1.0 + 4 * UNIT_ROUNDOFF)
    return Arrangement(np.ldexp(weight[there], shift[:, None]), middle, error, norm, radius)


def gram_matrix(weight: Dense) -> Dense:
    """The inner products of rows."""
    return np.asarray(weight @ weight.T)


def may_meet(arrangement: Arrangement, gram: Dense, sets: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which intersections are not proved to keep a distance of at least the radius."""
    meets = np.ones(len(sets), dtype=np.bool_)
    size = sets.shape[1]
    dim = arrangement.weight.shape[1]
    entries = size * (size if arrangement.norm == "2" else dim)
    step = max(1, BLOCK // max(1, entries))
    for start in range(0, len(sets), step):
        block = sets[start : start + step]
        far = _far_2 if arrangement.norm == "2" else _far_polyhedral
        meets[start : start + step] = ~far(arrangement, gram, block)
    return meets


def _far_2(arrangement: Arrangement, gram: Dense, sets: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Proved far in the 2-norm, with y from the normal equations and norms from the Gram matrix.

    ``||W_J' y||^2 = y' G y`` up to ``gamma (sum |y_i| ||w_i||)^2``.
    """
    part = gram[sets[:, :, None], sets[:, None, :]]
    z = arrangement.at_centre[sets]
    y = _solved(part, z)
    lengths = np.sqrt(np.diag(gram))[sets]
    square = np.einsum("bi,bi->b", (y[:, None, :] @ part)[:, 0, :], y)
    terms = 2.0 * (arrangement.weight.shape[1] + 4 * sets.shape[1] + 16)
    charge = gamma(2.0 * terms) * np.einsum("bi,bi->b", np.abs(y), lengths) ** 2
    return _proved(arrangement, sets, y, np.sqrt(np.maximum(square, 0.0) + charge))


def _far_polyhedral(
    arrangement: Arrangement, gram: Dense, sets: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Proved far in the 1- or infinity-norm, with y by iteratively reweighted least squares.

    The least ``sum_k v_k^2 / o_k`` over ``W_J v = -z`` has ``v = -o W_J' y``. Weights o = |v| lead
    to the least 1-norm, weights 1/o grown by |v| (Lawson 1961) to the least maximum.
    """
    rows = arrangement.weight[sets]
    z = arrangement.at_centre[sets]
    far = np.zeros(len(sets), dtype=np.bool_)
    todo = np.arange(len(sets))
    weights = np.ones((len(sets), rows.shape[2]))
    for _ in range(_STEPS):
        w, o = rows[todo], weights[todo]
        part = (w * o[:, None, :]) @ w.transpose(0, 2, 1)
        y = _solved(part, z[todo])
        pulled = (y[:, None, :] @ w)[:, 0, :]
        proved = _proved(
            arrangement, sets[todo], y, _dual_norms(arrangement, sets[todo], y, pulled)
        )
        far[todo[proved]] = True
        v = np.abs(o * pulled)
        # A point of the intersection inside the ball: no y can prove it far.
        length = v.sum(axis=1) if arrangement.norm == "1" else v.max(axis=1)
        left = ~proved & (length >= arrangement.radius)
        if arrangement.norm == "1":
            fresh = v / np.maximum(v.max(axis=1, keepdims=True), 1e-300) + 1e-12
        else:
            share = v / np.maximum(v.max(axis=1, keepdims=True), 1e-300) / o
            fresh = 1.0 / np.maximum(share / share.max(axis=1, keepdims=True), 1e-12)
        weights[todo] = fresh
        todo = todo[left]
        if not todo.size:
            break
    return far


def _dual_norms(
    arrangement: Arrangement, sets: NDArray[np.intp], y: Dense, pulled: Dense
) -> Vector:
    """At least the exact ``||W_J' y||_q`` behind the computed `pulled`."""
    weight, size = arrangement.weight, sets.shape[1]
    dual = "1" if arrangement.norm == "inf" else "inf"
    lost = gamma(4.0 * size + 16) * np.abs(y)
    if dual == "1":
        value, spread = np.abs(pulled).sum(axis=1), np.abs(weight).sum(axis=1)
    else:
        value, spread = np.abs(pulled).max(axis=1), np.abs(weight).max(axis=1)
    charge = np.einsum("bi,bi->b", lost, spread[sets])
    return np.asarray((value + charge) * (1.0 + gamma(4.0 * weight.shape[1] + 16)))


def _solved(matrices: Dense, right: Dense) -> Dense:
    """An approximate y; a singular matrix gets a little on its diagonal, as any y will do."""
    size = matrices.shape[1]
    trace = np.trace(matrices, axis1=1, axis2=2)
    ridge = 1e-14 * np.where(trace > 0, trace, 1.0)
    padded = matrices + ridge[:, None, None] * np.eye(size)
    return np.asarray(np.linalg.solve(padded, right[:, :, None])[:, :, 0], dtype=np.float64)


def _proved(
    arrangement: Arrangement, sets: NDArray[np.intp], y: Dense, dual: Vector
) -> NDArray[np.bool_]:
    """Whether ``|y . z| >= r dual`` holds for certain."""
    z, error = arrangement.at_centre[sets], arrangement.error[sets]
    product = np.abs(np.einsum("bi,bi->b", y, z))
    size = np.einsum("bi,bi->b", np.abs(y), np.abs(z))
    doubt = np.einsum("bi,bi->b", np.abs(y), error) * (1.0 + 1e-10)
    certain = product - doubt - gamma(4.0 * sets.shape[1] + 16) * size
    with np.errstate(invalid="ignore"):
        far = certain >= arrangement.radius * dual * (1.0 + 16 * UNIT_ROUNDOFF)
    return np.asarray(far & np.isfinite(dual) & (certain > 0))


def blocks(n: int, entries: int) -> Iterator[slice]:
    """Slices of n things with so many entries each, small enough for memory."""
    step = max(1, BLOCK // max(1, entries))
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))
