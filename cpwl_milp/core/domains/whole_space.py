"""All of R^n."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.coordinates import Coordinates, HomogeneousCoordinates
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.errors import DomainError

# Samples lie at distances of these powers of ten from the origin.
_SMALLEST, _LARGEST = -2.0, 2.0


@dataclass(frozen=True)
class WholeSpace(Domain):
    """R^n, counted in homogeneous coordinates: the cones of R^n x (0, 1].

    Attributes
    ----------
    n : int
        Number of inputs.
    origin : str
        Where it comes from, for messages.
    """

    n: int
    origin: str = "whole space"

    @property
    def dim(self) -> int:
        """Number of inputs."""
        return self.n

    @property
    def bounded(self) -> bool:
        """No."""
        return False

    @property
    def box(self) -> Box:
        """None.

        Raises
        ------
        DomainError
            Always: no box holds all of R^n.
        """
        raise DomainError(self.origin, "no bounds", "a bounded domain")

    def inequalities(self) -> tuple[Dense, Vector]:
        """None."""
        return np.zeros((0, self.n)), np.zeros(0)

    def contains(self, x: Dense) -> NDArray[np.bool_]:
        """All finite points."""
        return np.asarray(np.all(np.isfinite(x), axis=1))

    def sample(self, n: int, rng: np.random.Generator) -> Dense:
        """Random directions at log-uniform distances between 0.01 and 100, shape (n, dim)."""
        way = rng.standard_normal((n, self.n))
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        return np.asarray(way * 10.0 ** rng.uniform(_SMALLEST, _LARGEST, size=(n, 1)))

    def describe(self) -> dict[str, Any]:
        """Its dimension."""
        return {"kind": "whole-space", "dim": self.n, "origin": self.origin}

    def reduced(self) -> tuple[Domain, Coordinates | None]:
        """``|y_i| <= 1, 0 <= s <= 1``: every cone that meets s > 0 has an interior there."""
        lower, upper = np.full(self.n + 1, -1.0), np.ones(self.n + 1)
        lower[-1] = 0.0
        return Box(lower, upper, self.origin), HomogeneousCoordinates()
