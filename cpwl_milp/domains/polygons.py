"""The vertices of two-dimensional domains."""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Polytope

# Vertices closer than this share of the polygon's size are one.
_SAME = 1e-12


def polygon_of(domain: Box | Polytope) -> Dense:
    """Vertices of a box or polytope with two coordinates, counter-clockwise, each once.

    Parameters
    ----------
    domain : Box or Polytope
        Of dimension 2, with an interior.

    Returns
    -------
    ndarray, shape (k, 2)
    """
    (x0, y0), (x1, y1) = domain.box.lower, domain.box.upper
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    if isinstance(domain, Box):
        return corners
    for row, limit in zip(*domain.inequalities(), strict=True):
        corners = _clipped(
            corners, row @ (corners - domain.inside).T - (limit - row @ domain.inside)
        )
    gaps = np.abs(corners - np.roll(corners, 1, axis=0)).max(axis=1)
    return np.ascontiguousarray(corners[gaps > _SAME * np.ptp(corners, axis=0).max()])


def _clipped(corners: Dense, excess: Vector) -> Dense:
    """The part of a convex polygon where a linear function, given at its corners, is at most 0."""
    if np.all(excess <= 0):
        return corners
    following, after = np.roll(corners, -1, axis=0), np.roll(excess, -1)
    crosses = (excess < 0) & (after > 0) | (excess > 0) & (after < 0)
    share = np.divide(excess, excess - after, out=np.zeros_like(excess), where=crosses)[:, None]
    made = corners + share * (following - corners)
    both = np.stack([corners, made], axis=1).reshape(-1, 2)
    kept = np.stack([excess <= 0, crosses], axis=1).ravel()
    return np.asarray(both[kept])
