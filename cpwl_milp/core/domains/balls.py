"""Balls around a point in the three norms.

The L-infinity ball is a box. The L1 ball is one inequality in twice the inputs. The L2 ball is no
polytope: the ball engine asks for the distance of cells from its centre.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.coordinates import Coordinates, SplitCoordinates
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains.polytope import Polytope
from cpwl_milp.core.errors import DomainError

NORMS = ("1", "2", "inf")

# Up to so many inputs an L1 ball is written by its 2^n facets.
_FEW = 4


@dataclass(frozen=True, eq=False)
class Ball(Domain):
    """``||x - centre|| < radius`` in the L1, L2 or L-infinity norm.

    Attributes
    ----------
    centre : ndarray, shape (n,)
    radius : float
        Positive.
    norm : str
        "1", "2" or "inf".
    origin : str
        Where it comes from, for messages.

    Raises
    ------
    DomainError
        If the centre is not finite, the radius not positive and finite, or the norm unknown.
    """

    centre: Vector
    radius: float
    norm: str
    origin: str = "ball"

    def __post_init__(self) -> None:
        if self.norm not in NORMS:
            raise DomainError(self.origin, f"norm {self.norm!r}", f"one of {', '.join(NORMS)}")
        if self.centre.ndim != 1 or not np.all(np.isfinite(self.centre)):
            raise DomainError(self.origin, "a centre that is no vector of finite numbers")
        if not (np.isfinite(self.radius) and self.radius > 0):
            raise DomainError(
                self.origin,
                f"radius {self.radius:g}",
                "a positive number",
                "a ball without an interior holds no region",
            )
        if np.any(self.centre + self.radius == self.centre):
            k = int(np.flatnonzero(self.centre + self.radius == self.centre)[0])
            raise DomainError(
                self.origin,
                f"radius {self.radius:g} is lost in rounding beside input {k} of the centre",
                "a larger radius",
            )

    @property
    def box(self) -> Box:
        """The circumscribed box, rounded outward unless it is the ball itself."""
        low, high = self.centre - self.radius, self.centre + self.radius
        if self.norm != "inf":
            low, high = np.nextafter(low, -np.inf), np.nextafter(high, np.inf)
        return Box(low, high, self.origin)

    def inequalities(self) -> tuple[Dense, Vector]:
        """None beyond the box: what else holds in an L1 or L2 ball is not written as rows."""
        return self.box.inequalities()

    def contains(self, x: Dense) -> NDArray[np.bool_]:
        """Which rows of x lie in the closed ball."""
        return np.asarray(_length(x - self.centre, self.norm) <= self.radius)

    def sample(self, n: int, rng: np.random.Generator) -> Dense:
        """Independent uniform points of the ball, shape (n, dim)."""
        dim = self.centre.size
        if self.norm == "inf":
            return self.box.sample(n, rng)
        # Both densities depend on the norm alone, so directions are as in the ball.
        draw = rng.laplace if self.norm == "1" else rng.standard_normal
        way = draw(size=(n, dim))
        share = rng.uniform(size=(n, 1)) ** (1.0 / dim)
        return np.asarray(
            self.centre + self.radius * share * way / _length(way, self.norm)[:, None]
        )

    def describe(self) -> dict[str, Any]:
        """Centre, radius and norm."""
        return {
            "kind": "ball",
            "dim": self.dim,
            "centre": self.centre.tolist(),
            "radius": self.radius,
            "norm": self.norm,
            "origin": self.origin,
        }

    @property
    def polyhedral(self) -> bool:
        """In the L-infinity norm only: the box is the ball."""
        return self.norm == "inf"

    def reduced(self) -> tuple[Domain, Coordinates | None]:
        """As a box (L-infinity) or a polytope (L1); an L2 ball as it is.

        The L1 ball has 2^n facets, and beyond a few inputs one inequality in twice as many.
        """
        if self.norm == "inf":
            return self.box, None
        if self.norm == "2":
            return self, None
        n = self.centre.size
        if n <= _FEW:
            facets = np.array(list(itertools.product((-1.0, 1.0), repeat=n)))
            limit = facets @ self.centre + self.radius
            return Polytope(facets, limit, self.box, self.centre, self.origin), None
        simplex = Polytope(
            np.ones((1, 2 * n)),
            np.array([self.radius]),
            Box(np.zeros(2 * n), np.full(2 * n, self.radius), self.origin),
            np.full(2 * n, self.radius / (4 * n)),
            self.origin,
        )
        return simplex, SplitCoordinates(self.centre)


def _length(x: Dense, norm: str) -> Vector:
    order = {"1": 1, "2": 2, "inf": np.inf}[norm]
    return np.asarray(np.linalg.norm(x, ord=order, axis=1))
