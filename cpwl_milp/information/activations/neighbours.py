"""Information from nearest neighbours: Kraskov, Stögbauer and Grassberger 2004; Ross 2014."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import psi

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.errors import DataError
from cpwl_milp.information.labels import Labels

_LN2 = float(np.log(2.0))


@dataclass(frozen=True)
class NeighbourInformation:
    """An estimate in bits.

    Attributes
    ----------
    bits : float or None
        May be negative: that is noise. None where no point could be used.
    ties : int
        Points whose k-th neighbour has the very same values. The estimator assumes a density; for
        these points all equal ones are counted (as in Gao et al. 2017), no value is jittered.
    dropped : int
        Points that could not be used: alone in their class.
    """

    bits: float | None
    ties: int
    dropped: int


def ross(values: Dense, labels: Labels, k: int = 3) -> NeighbourInformation:
    """I(T; Y) of continuous values and classes (Ross 2014, PLoS ONE 9, e87357), maximum norm.

    ``psi(N) + <psi(k_i)> - <psi(N_y)> - <psi(m_i)>``: m_i points, itself included, lie nearer to
    point i than its k_i-th neighbour of the same class; k_i is k, or one less than its class has.

    Parameters
    ----------
    values : ndarray, shape (n, dim)
    labels : Labels
    k : int

    Raises
    ------
    DataError
        If k < 1.
    """
    _require(k)
    counts = labels.counts[labels.ids]
    used = counts > 1
    values, ids, counts = values[used], labels.ids[used], counts[used]
    n = len(values)
    dropped = int(np.count_nonzero(~used))
    if n == 0:
        return NeighbourInformation(None, 0, dropped)
    everything = cKDTree(values)
    near = np.empty(n)
    radius = np.empty(n)
    for label in np.unique(ids):
        rows = np.flatnonzero(ids == label)
        tree = cKDTree(values[rows])
        order = min(k, len(rows) - 1)
        distance, _ = tree.query(values[rows], k=[order + 1], p=np.inf)
        radius[rows] = distance[:, 0]
        near[rows] = order
        same = rows[distance[:, 0] == 0]
        if same.size:
            near[same] = _within(tree, values[same], np.zeros(same.size)) - 1
    ties = radius == 0
    inside = _within(everything, values, np.where(ties, 0.0, np.nextafter(radius, 0.0)))
    nats = psi(n) + psi(near).mean() - psi(counts).mean() - psi(inside).mean()
    return NeighbourInformation(float(nats) / _LN2, int(ties.sum()), dropped)


def ksg(x: Dense, y: Dense, k: int = 3) -> NeighbourInformation:
    """I(X; Y) of two continuous vectors: the first estimator of Kraskov et al. 2004, maximum norm.

    ``psi(k) + psi(N) - <psi(n_x + 1) + psi(n_y + 1)>``, n_x the other points strictly nearer in x
    than the k-th neighbour in both.

    Parameters
    ----------
    x, y : ndarray, shape (n, dim_x) and (n, dim_y)
    k : int

    Raises
    ------
    DataError
        If k < 1, the lengths differ, or there are no more than k points.
    """
    _require(k)
    n = len(x)
    if len(y) != n or n <= k:
        raise DataError("neighbours", f"{n} and {len(y)} points", f"as many of both, above {k}")
    joint = np.hstack([x, y])
    tree = cKDTree(joint)
    radius = tree.query(joint, k=[k + 1], p=np.inf)[0][:, 0]
    ties = radius == 0
    near = np.full(n, float(k))
    if ties.any():
        near[ties] = _within(tree, joint[ties], np.zeros(int(ties.sum()))) - 1
    limit = np.where(ties, 0.0, np.nextafter(radius, 0.0))
    # Counts with the point itself are the "+ 1" of the formula.
    in_x, in_y = (_within(cKDTree(part), part, limit) for part in (x, y))
    nats = psi(near).mean() + psi(n) - (psi(in_x) + psi(in_y)).mean()
    return NeighbourInformation(float(nats) / _LN2, int(ties.sum()), 0)


def _within(tree: cKDTree, points: Dense, radius: Vector) -> Vector:
    found = tree.query_ball_point(points, radius, p=np.inf, return_length=True)
    return np.asarray(found, dtype=np.float64)


def _require(k: int) -> None:
    if k < 1:
        raise DataError("neighbours", f"k = {k}", "at least 1")
