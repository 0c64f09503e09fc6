"""The outline of a two-dimensional domain: what its regions are cut out of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.domains import Ball, Polytope
from cpwl_milp.core.errors import DomainError
from cpwl_milp.domains.polygons import polygon_of


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
        return Outline(polygon_of(domain))
    disc = Disc(domain.centre, domain.radius) if isinstance(domain, Ball) else None
    return Outline(polygon_of(domain.box), disc)
