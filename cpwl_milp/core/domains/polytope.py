"""``A x <= b`` inside a box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Affine, Dense, Vector
from cpwl_milp.core.coordinates import AffineCoordinates, Coordinates
from cpwl_milp.core.domain import Box, Domain, without_fixed_coordinates
from cpwl_milp.core.errors import DomainError

# Random steps between two points that are handed out, per dimension.
_STEPS = 4


@dataclass(frozen=True, eq=False)
class Polytope(Domain):
    """The points of a box that satisfy some linear inequalities.

    Made by `domains.polytopes.polytope`, which finds the box and the interior point.

    Attributes
    ----------
    matrix : ndarray, shape (m, n)
    limit : ndarray, shape (m,)
    bounding : Box
    inside : ndarray, shape (n,)
        A point where all inequalities are strict, but for coordinates that the box fixes.
    origin : str
        Where it comes from, for messages.
    """

    matrix: Dense
    limit: Vector
    bounding: Box
    inside: Vector
    origin: str = "polytope"

    def __post_init__(self) -> None:
        m, n = len(self.limit), self.bounding.dim
        if self.matrix.shape != (m, n) or self.inside.shape != (n,):
            raise DomainError(
                self.origin,
                f"A of shape {self.matrix.shape} and b of shape {self.limit.shape}",
                f"A with {n} columns and one row for each entry of b",
            )

    @property
    def box(self) -> Box:
        """The bounding box."""
        return self.bounding

    def inequalities(self) -> tuple[Dense, Vector]:
        """A and b."""
        return self.matrix, self.limit

    def contains(self, x: Dense) -> NDArray[np.bool_]:
        """Which rows of x satisfy all inequalities and lie in the box."""
        within = np.all(x @ self.matrix.T <= self.limit, axis=1)
        return np.asarray(self.bounding.contains(x) & within)

    def sample(self, n: int, rng: np.random.Generator) -> Dense:
        """Random points, shape (n, dim), by hit and run from the interior point (Smith 1984).

        They tend to the uniform distribution, and are neither quite uniform nor independent.
        """
        found = np.empty((n, self.dim))
        walkers = min(n, 64)
        x = np.tile(self.inside, (walkers, 1))
        free = self.bounding.free
        for start in range(0, n, walkers):
            for _ in range(_STEPS * max(1, free.size) if start == 0 else _STEPS):
                x = self._moved(x, free, rng)
            stop = min(n, start + walkers)
            found[start:stop] = x[: stop - start]
        return found

    def _moved(self, x: Dense, free: NDArray[np.intp], rng: np.random.Generator) -> Dense:
        """Each point moved to a uniform point of a random line through it."""
        way = np.zeros_like(x)
        way[:, free] = rng.standard_normal((len(x), free.size)) * self.bounding.half_widths[free]
        slack = np.concatenate(
            [self.limit - x @ self.matrix.T, self.bounding.upper - x, x - self.bounding.lower],
            axis=1,
        )
        speed = np.concatenate([way @ self.matrix.T, way, -way], axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            times = np.maximum(slack, 0.0) / speed
        ahead = np.min(np.where(speed > 0, times, np.inf), axis=1)
        behind = np.max(np.where(speed < 0, times, -np.inf), axis=1)
        share = rng.uniform(size=len(x))
        step = np.nan_to_num(behind + share * (ahead - behind))
        moved = x + step[:, None] * way
        # Rounding may leave the polytope by a little: stay where one was.
        return np.where(self.contains(moved)[:, None], moved, x)

    def describe(self) -> dict[str, Any]:
        """The inequalities and the bounding box."""
        return {
            "kind": "polytope",
            "dim": self.dim,
            "A": self.matrix.tolist(),
            "b": self.limit.tolist(),
            "lower": self.bounding.lower.tolist(),
            "upper": self.bounding.upper.tolist(),
            "inside": self.inside.tolist(),
            "origin": self.origin,
        }

    def reduced(self) -> tuple[Domain, Coordinates | None]:
        """Without the coordinates that the box fixes."""
        free = self.bounding.free
        if free.size == self.dim:
            return self, None
        inner, embedding = without_fixed_coordinates(self.bounding)
        rows = Affine(self.matrix, -self.limit).after(embedding)
        return (
            Polytope(rows.dense(), -rows.bias, inner, self.inside[free], self.origin),
            AffineCoordinates(embedding),
        )
