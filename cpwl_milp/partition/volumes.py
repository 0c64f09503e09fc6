"""Volumes of listed regions in a few more dimensions than cells carry corners: by Qhull."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, HalfspaceIntersection, QhullError

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import CheckFailedError, DomainError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed
from cpwl_milp.partition.composed import composed_blocks, scaled

# A hull of corners takes seconds beyond.
MOST_INPUTS = 6
# Rows smaller than this share of the largest are constants.
_ZERO = 1e-12


def hull_volumes(network: Network, domain: Domain, patterns: Packed, points: Dense) -> Vector:
    """The volume of each region: its corners by duality around an interior point, then their hull.

    Parameters
    ----------
    network : Network
        Over the domain's own coordinates (`Problem.network`).
    domain : Domain
        A box or polytope with at most `MOST_INPUTS` coordinates.
    patterns : ndarray of uint8, shape (n, bytes)
    points : ndarray, shape (n, dim)
        A point well inside each, e.g. the centre of its largest ball.

    Returns
    -------
    ndarray, shape (n,)
        In the domain's coordinates.

    Raises
    ------
    DomainError
        If the domain is curved, unbounded or has more coordinates.
    CheckFailedError
        If Qhull fails on a region.
    """
    domain.require_polyhedral("volumes")
    box, dim = domain.box, domain.dim
    if not domain.bounded or not 2 <= dim <= MOST_INPUTS:
        raise DomainError(
            "volumes by hulls",
            f"{dim} coordinates" if domain.bounded else "an unbounded domain",
            f"a bounded domain of 2 to {MOST_INPUTS}",
        )
    A, b = domain.inequalities()
    around = np.vstack(
        [
            np.hstack([np.eye(dim), -np.ones((dim, 1))]),
            np.hstack([-np.eye(dim), -np.ones((dim, 1))]),
            np.hstack([A * box.half_widths, (A @ box.centre - b)[:, None]]),
        ]
    )
    inside = (points - box.centre) / box.half_widths
    found = np.empty(len(patterns))
    for block in composed_blocks(scaled(network, box), patterns, with_rows=True):
        assert block.rows is not None
        signs = np.where(block.bits, -1.0, 1.0)[:, :, None]
        for k, rows in enumerate(block.rows * signs):
            place = block.start + k
            found[place] = _volume(_normal(np.vstack([around, rows])), inside[place])
    return np.asarray(found * np.prod(box.half_widths))


def _normal(rows: Dense) -> Dense:
    """Half-spaces ``a t + c <= 0`` with unit normals, without what is constant."""
    norms = np.linalg.norm(rows[:, :-1], axis=1)
    kept = norms > _ZERO * np.abs(rows).max()
    return np.asarray(rows[kept] / norms[kept, None])


def _volume(half_spaces: Dense, inside: Vector) -> float:
    slack = -(half_spaces[:, :-1] @ inside + half_spaces[:, -1])
    if slack.min() <= 0.0:
        # Thinner than float64 can place a point in; whether that matters, the sum will tell.
        return 0.0
    # Around the point the region is {y : d y <= 1}. Thin regions have huge rows d along their thin
    # direction; in coordinates in which the rows are spread alike, the region is round.
    rows = half_spaces[:, :-1] / slack[:, None]
    _, sizes, axes = np.linalg.svd(rows, full_matrices=False)
    round_rows = np.hstack([rows @ (axes.T / sizes), -np.ones((len(rows), 1))])
    centre = np.zeros(len(inside))
    # Qhull joggles its input only where facets come out too flat to be told apart.
    for options in ("Qx", "QJ"):
        try:
            corners = HalfspaceIntersection(round_rows, centre, qhull_options=options)
            hull = ConvexHull(_finite(corners.intersections), qhull_options=options)
            return float(hull.volume / np.prod(sizes))
        except (QhullError, ValueError):
            continue
    raise CheckFailedError(
        "volumes by hulls",
        "a region whose corners Qhull cannot find",
        "a region with an interior",
        "estimate by sampling instead",
    )


def _finite(corners: Dense) -> NDArray[np.float64]:
    if not np.isfinite(corners).all():
        raise ValueError("a corner at infinity")
    return corners
