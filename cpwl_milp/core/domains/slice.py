"""An affine slice of another domain: a line, a plane, any subspace through given points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Affine, Dense, Vector
from cpwl_milp.core.coordinates import AffineCoordinates, Coordinates
from cpwl_milp.core.domain import Box, Domain

# How far beside the slice a point counts as on it, relative to the size of its coordinates.
_BESIDE = 1e-9


@dataclass(frozen=True, eq=False)
class Slice(Domain):
    """``x = origin_point + E t`` for t in an inner domain.

    Made by `domains.slices`, which makes the basis orthonormal and cuts the limits.

    Attributes
    ----------
    start : ndarray, shape (n,)
        The point of t = 0.
    basis : ndarray, shape (k, n)
        Orthonormal rows.
    inner : Domain
        In the k coordinates t.
    limits : Domain
        What was sliced, in the n inputs.
    origin : str
        Where it comes from, for messages.
    """

    start: Vector
    basis: Dense
    inner: Domain
    limits: Domain
    origin: str = "slice"

    @property
    def box(self) -> Box:
        """The bounding box of the limits."""
        return self.limits.box

    @property
    def bounded(self) -> bool:
        """As its limits."""
        return self.limits.bounded

    @property
    def dim(self) -> int:
        """Dimension of the space that the slice lies in."""
        return self.start.size

    def inequalities(self) -> tuple[Dense, Vector]:
        """Those of the limits."""
        return self.limits.inequalities()

    def contains(self, x: Dense) -> NDArray[np.bool_]:
        """Which rows of x lie on the slice, within rounding, and in its limits."""
        t = self._coordinates().project(x)
        beside = np.linalg.norm(x - self._coordinates().embed(t), axis=1)
        near = beside <= _BESIDE * (1.0 + np.abs(x).max(axis=1, initial=0.0))
        return np.asarray(near & self.inner.contains(t))

    def sample(self, n: int, rng: np.random.Generator) -> Dense:
        """Random points of the slice, as the inner domain draws them, shape (n, dim)."""
        return self._coordinates().embed(self.inner.sample(n, rng))

    def describe(self) -> dict[str, Any]:
        """The slice, its limits, and the inner domain in the slice's coordinates."""
        return {
            "kind": "slice",
            "dim": self.dim,
            "start": self.start.tolist(),
            "basis": self.basis.tolist(),
            "inner": self.inner.describe(),
            "limits": self.limits.describe(),
            "origin": self.origin,
        }

    def reduced(self) -> tuple[Domain, Coordinates | None]:
        """The inner domain in the slice's coordinates."""
        return self.inner, self._coordinates()

    def _coordinates(self) -> AffineCoordinates:
        return AffineCoordinates(Affine(np.ascontiguousarray(self.basis.T), self.start))
