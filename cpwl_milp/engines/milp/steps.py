"""Short steps out of a region: a cheap way to patterns that the solver need not find."""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box
from cpwl_milp.engines.milp.certificate import CellRows

# How far beyond a hyperplane to step, as shares of the distance to it.
_BEYOND = (0.02, 0.5)
_HALVINGS = 40


def steps_across(rows: CellRows, units: np.ndarray, centre: Vector, box: Box) -> Dense:
    """The points nearest to `centre` in the box that lie just across each unit's hyperplane.

    Parameters
    ----------
    rows : CellRows
        Of the region.
    units : ndarray of int
        The units to cross, one row of `rows` each.
    centre : ndarray, shape (n,)
        Inside the region.

    Returns
    -------
    ndarray, shape (2 * len(units), n)
        Points of the box. Where the hyperplane misses the box, the step ends at its boundary.

    Notes
    -----
    The nearest point of ``{a x = c}`` in a box is ``clip(centre + t a)``; t is found by bisection
    since ``a clip(centre + t a)`` grows with t.
    """
    A = rows.A[units]
    slack = rows.b[units] - A @ centre
    crossing = np.concatenate([A] * len(_BEYOND))
    goal = np.concatenate([rows.b[units] + share * slack for share in _BEYOND])
    largest = np.abs(crossing).max(axis=1, initial=0.0)
    varying = largest > 0
    crossing, goal, largest = crossing[varying], goal[varying], largest[varying]
    smallest = np.where(crossing != 0, np.abs(crossing), np.inf).min(axis=1, initial=np.inf)
    width = float((box.upper - box.lower).max())
    # Beyond t = width / smallest every coordinate is at its end; work with the logarithm of t.
    low = np.log(1e-12 * width / largest)
    high = np.log(width / np.maximum(smallest, 1e-12 * largest))
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        points = _moved(crossing, middle, centre, box)
        short = (crossing * points).sum(axis=1) < goal
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return _moved(crossing, high, centre, box)


def _moved(directions: Dense, log_t: Vector, centre: Vector, box: Box) -> Dense:
    return np.clip(centre + np.exp(log_t)[:, None] * directions, box.lower, box.upper)
