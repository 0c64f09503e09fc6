"""The outline of a two-dimensional domain: what its regions are cut out of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import HalfspaceIntersection

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains import Ball, Polytope
from cpwl_milp.core.errors import DomainError


@dataclass(frozen=True, eq=False)
class Disc:
    """A circle in the plane.

    Attributes
    ----------
    centre : ndarray, shape (2,)
    radius : float
    """

    centre: Vector
    radius: float


@dataclass(frozen=True, eq=False)
class Outline:
    """A convex polygon, or a disc inside one.

    Attributes
    ----------
    corners : ndarray, shape (k, 2)
        Counter-clockwise.
    disc : Disc or None
        The domain itself, if it is one; the corners are then of a square around it.
    """

    corners: Dense
    disc: Disc | None = None

    @property
    def area(self) -> float:
        """Of the domain."""
        if self.disc is not None:
            return float(np.pi * self.disc.radius**2)
        x, y = (self.corners - self.corners[0]).T
        return float(0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))


def outline_of(domain: Domain) -> Outline:
    """The outline of a box, polytope or L2 ball with two coordinates.

    Raises
    ------
    DomainError
        If the domain has another dimension.
    """
    if domain.dim != 2:
        raise DomainError(
            domain.origin,
            f"{domain.dim} coordinates",
            "2",
            "fix the other inputs in a box file, or draw a --plane or --slice",
        )
    if isinstance(domain, Polytope):
        return Outline(_vertices(domain))
    disc = Disc(domain.centre, domain.radius) if isinstance(domain, Ball) else None
    return Outline(_rectangle(domain.box), disc)


def _rectangle(box: Box) -> Dense:
    (x0, y0), (x1, y1) = box.lower, box.upper
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _vertices(domain: Polytope) -> Dense:
    """Vertices of the polygon, each once, counter-clockwise."""
    A, b = domain.inequalities()
    box = domain.box
    rows = np.concatenate([A, np.eye(2), -np.eye(2)])
    rest = np.concatenate([b, box.upper, -box.lower])
    found = HalfspaceIntersection(np.column_stack([rows, -rest]), domain.inside).intersections
    around = found - domain.inside
    found = found[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
    gaps = np.linalg.norm(found - np.roll(found, 1, axis=0), axis=1)
    return np.ascontiguousarray(found[gaps > 1e-12 * np.abs(around).max()])
