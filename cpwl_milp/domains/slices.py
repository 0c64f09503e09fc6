"""Slices of other domains, in orthonormal coordinates of their own."""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains import Ball, Polytope, Slice, WholeSpace
from cpwl_milp.core.errors import DomainError
from cpwl_milp.domains.polytopes import polytope

# Directions that depend on others up to this share of their length span nothing new.
_DEPENDENT = 1e-9
# A limit is left out only if it stands off the slice by this share of the slice's size.
_REDUNDANT = 1e-9
# Vertices of the slice are computed in so few dimensions only.
_FEW = 4
# Facets of an L1 ball's slice, at most.
_MOST_FACETS = 20_000


def plane_through(points: Dense, limits: Domain, *, origin: str = "--plane") -> Slice:
    """The slice through three points or more: first to second is the first coordinate.

    Parameters
    ----------
    points : ndarray, shape (k + 1, n)
        The slice has k dimensions, the first point at t = 0.
    limits : Domain
        In n inputs.

    Raises
    ------
    DomainError
        If the points lie in fewer dimensions, or the slice misses the limits' interior.
    """
    return slice_of(points[0], points[1:] - points[0], limits, origin=origin)


def slice_of(start: Vector, directions: Dense, limits: Domain, *, origin: str) -> Slice:
    """The points ``start + directions^T s`` of a domain.

    The coordinates t of the slice are orthonormal: the directions are made so in their order
    (QR), and each keeps its side.

    Parameters
    ----------
    start : ndarray, shape (n,)
    directions : ndarray, shape (k, n)
        Linearly independent.
    limits : Domain
        In n inputs: a box, ball, polytope or the whole space.
    origin : str
        Where the slice comes from, for messages.

    Raises
    ------
    DomainError
        If shapes do not fit, directions depend on each other, or the slice misses the interior
        of the limits.
    """
    if directions.ndim != 2 or start.shape != (directions.shape[1],):
        raise DomainError(
            origin,
            f"a point of shape {start.shape} and directions of shape {directions.shape}",
            "(n,) and (k, n)",
        )
    if start.size != limits.dim:
        raise DomainError(origin, f"{start.size} coordinates", f"{limits.dim}, as its limits")
    if not (np.isfinite(start).all() and np.isfinite(directions).all()):
        raise DomainError(origin, "NaN or infinite coordinates", "finite numbers")
    basis = _orthonormal(directions, origin)
    return Slice(start, basis, _inner(start, basis, limits, origin), limits, origin)


def _orthonormal(directions: Dense, origin: str) -> Dense:
    lengths = np.linalg.norm(directions, axis=1)
    if len(directions) == 0 or not lengths.all():
        raise DomainError(origin, "a direction of length 0", "points that differ")
    q, r = np.linalg.qr((directions / lengths[:, None]).T)
    diagonal = np.diag(r)
    if len(diagonal) < len(directions) or np.abs(diagonal).min() <= _DEPENDENT:
        raise DomainError(
            origin,
            f"{len(directions) + 1} points that lie in fewer than {len(directions)} dimensions",
            "points in general position (three that are not on one line)",
        )
    return np.ascontiguousarray((q * np.sign(diagonal)).T)


def _inner(start: Vector, basis: Dense, limits: Domain, origin: str) -> Domain:
    if isinstance(limits, WholeSpace):
        return WholeSpace(len(basis), origin)
    if isinstance(limits, Ball) and limits.norm == "2":
        return _disc(start, basis, limits, origin)
    if isinstance(limits, Ball) and limits.norm == "1":
        return _diamond(start, basis, limits, origin)
    if isinstance(limits, Box | Ball | Polytope):
        box = limits.box
        A, b = limits.inequalities()
        one = np.eye(start.size)
        rows = np.concatenate([A, one, -one])
        rest = np.concatenate([b, box.upper, -box.lower])
        return _trimmed(rows @ basis.T, rest - rows @ start, origin)
    raise DomainError(origin, "limits of another kind", "a box, ball, polytope or the whole space")


def _disc(start: Vector, basis: Dense, ball: Ball, origin: str) -> Ball:
    """The L2 ball that the slice cuts out of one."""
    apart = ball.centre - start
    centre = basis @ apart
    beside = float(np.linalg.norm(apart - basis.T @ centre))
    if beside >= ball.radius:
        raise DomainError(
            origin,
            f"passes the centre of the ball at distance {beside:g}",
            f"less than the radius {ball.radius:g}",
        )
    radius = float(np.sqrt((ball.radius - beside) * (ball.radius + beside)))
    return Ball(centre, radius, "2", origin)


def _diamond(start: Vector, basis: Dense, ball: Ball, origin: str) -> Polytope:
    """The slice of an L1 ball: facets are added at vertices that lie outside until none does.

    Every facet added is one of the ball, so what is left when all vertices lie inside is the
    slice exactly.
    """
    k = len(basis)
    if not 2 <= k <= _FEW:
        raise DomainError(
            origin, f"{k} dimensions of an L1 ball", f"2 to {_FEW}", "use --norm 2 or inf"
        )
    apart = start - ball.centre
    reach = ball.radius + float(np.abs(apart).sum())
    one = np.eye(k)
    rows, rest = np.concatenate([one, -one]), np.full(2 * k, reach * np.sqrt(start.size) + 1.0)
    while True:
        found = polytope(rows, rest, origin=origin)
        cuts = np.column_stack([rows, -rest])
        heights = _corners(cuts, found.inside) @ basis + apart
        far = np.abs(heights).sum(axis=1) > ball.radius * (1.0 + 1e-12)
        signs = np.unique(np.where(heights[far] > 0, 1.0, -1.0), axis=0)
        new = signs @ basis.T
        fresh = np.linalg.norm(new, axis=1) > 0
        if not fresh.any():
            return found
        rows = np.concatenate([rows, new[fresh]])
        rest = np.concatenate([rest, ball.radius - signs[fresh] @ apart])
        if len(rest) > _MOST_FACETS:
            raise DomainError(origin, f"more than {_MOST_FACETS} facets", "fewer dimensions")


def _trimmed(rows: Dense, rest: Vector, origin: str) -> Polytope:
    """A polytope without the rows that it does not need, where its vertices can be computed."""
    whole = polytope(rows, rest, origin=origin)
    A, b = whole.inequalities()
    if rows.shape[1] == 1 or rows.shape[1] > _FEW:
        return whole
    corners = _corners(np.column_stack([A, -b]), whole.inside)
    size = np.abs(corners - whole.inside).max()
    slack = (b[:, None] - A @ corners.T).min(axis=1)
    needed = slack <= _REDUNDANT * size * np.linalg.norm(A, axis=1)
    return Polytope(A[needed], b[needed], whole.box, whole.inside, origin)


def _corners(halfspaces: Dense, inside: Vector) -> Dense:
    """The corners of ``A x + c <= 0``, given as ``[A, c]``, around a point inside."""
    # Not before it is needed: it takes a tenth of the start.
    from scipy.spatial import HalfspaceIntersection

    corners: Dense = HalfspaceIntersection(halfspaces, inside).intersections
    return corners
