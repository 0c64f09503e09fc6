"""Domains: the sets of inputs whose regions are counted.

Every domain lies in a bounding box and may add linear inequalities to it. A region counts iff
it meets the domain's interior, so a domain must have one; coordinates that a box fixes are
taken out first (`Domain.reduced`), and "interior" then means the relative one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Affine, Dense, Vector
from cpwl_milp.core.coordinates import AffineCoordinates, Coordinates
from cpwl_milp.core.errors import DomainError


class Domain(ABC):
    """A convex set of inputs.

    Attributes
    ----------
    origin : str
        Where it comes from, for messages.
    """

    origin: str

    @property
    @abstractmethod
    def box(self) -> Box:
        """A box that contains the domain; the domain itself when it is one."""

    @abstractmethod
    def inequalities(self) -> tuple[Dense, Vector]:
        """Rows A (m, n) and b (m,) with ``A x <= b``, beyond the bounding box."""

    @abstractmethod
    def contains(self, x: Dense) -> NDArray[np.bool_]:
        """Which rows of x, shape (n_points, n), lie in the closed domain."""

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> Dense:
        """Independent uniform points of the domain, shape (n, dim)."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """The domain as JSON: what the answers name."""

    @property
    def dim(self) -> int:
        """Dimension of the space the domain lies in."""
        return self.box.lower.size

    @property
    def bounded(self) -> bool:
        """Whether it has limits on all sides."""
        return True

    @property
    def polyhedral(self) -> bool:
        """Whether its box and its inequalities are all of it."""
        return True

    def require_polyhedral(self, who: str) -> None:
        """Refuse a domain that is more than its box and inequalities, for `who` reads only these.

        Raises
        ------
        DomainError
            If it is.
        """
        if not self.polyhedral:
            raise DomainError(
                who, "a ball, which is no polytope", "a domain with linear faces", "use a box"
            )

    def reduced(self) -> tuple[Domain, Coordinates | None]:
        """A domain with the same regions in simpler coordinates, and these; None for no change.

        In the end it is a box, a polytope or an L2 ball with an interior.
        """
        return self, None


@dataclass(frozen=True, eq=False)
class Box(Domain):
    """``lower <= x <= upper``, coordinate by coordinate.

    Raises
    ------
    DomainError
        If a bound is not finite, the two differ in length, or lower > upper somewhere.
    """

    lower: Vector
    upper: Vector
    origin: str = "box"

    def __post_init__(self) -> None:
        if self.lower.ndim != 1 or self.lower.shape != self.upper.shape:
            raise DomainError(
                self.origin,
                f"bounds of shapes {self.lower.shape} and {self.upper.shape}",
                "two vectors of one length",
            )
        for name, bound in (("lower", self.lower), ("upper", self.upper)):
            bad = np.flatnonzero(~np.isfinite(bound))
            if bad.size:
                raise DomainError(
                    self.origin,
                    f"{name} bound of input {bad[0]} is {bound[bad[0]]}",
                    "finite numbers",
                    "a box must be bounded",
                )
        with np.errstate(over="ignore"):
            wide = np.flatnonzero(~np.isfinite(self.upper - self.lower))
        if wide.size:
            raise DomainError(
                self.origin, f"the width of input {wide[0]} exceeds float64", "a smaller box"
            )
        crossed = np.flatnonzero(self.lower > self.upper)
        if crossed.size:
            k = crossed[0]
            raise DomainError(
                self.origin,
                f"empty: input {k} has lower bound {self.lower[k]:g} above upper {self.upper[k]:g}",
                "lower <= upper",
            )

    @staticmethod
    def uniform(lower: float, upper: float, dim: int) -> Box:
        """The cube ``[lower, upper]^dim``."""
        return Box(np.full(dim, float(lower)), np.full(dim, float(upper)))

    @property
    def box(self) -> Box:
        """The box itself."""
        return self

    @property
    def free(self) -> NDArray[np.intp]:
        """The coordinates that vary."""
        return np.flatnonzero(self.lower < self.upper)

    @property
    def centre(self) -> Vector:
        """The midpoint."""
        return 0.5 * (self.lower + self.upper)

    @property
    def half_widths(self) -> Vector:
        """Half the side lengths."""
        return 0.5 * (self.upper - self.lower)

    def inequalities(self) -> tuple[Dense, Vector]:
        """None beyond the box."""
        return np.zeros((0, self.dim)), np.zeros(0)

    def contains(self, x: Dense) -> NDArray[np.bool_]:
        """Which rows of x lie in the closed box."""
        return np.asarray(np.all((x >= self.lower) & (x <= self.upper), axis=1))

    def sample(self, n: int, rng: np.random.Generator) -> Dense:
        """Independent uniform points, shape (n, dim)."""
        return rng.uniform(self.lower, self.upper, size=(n, self.dim))

    def reduced(self) -> tuple[Domain, Coordinates | None]:
        """Without the coordinates that it fixes."""
        if self.free.size == self.dim:
            return self, None
        inner, embedding = without_fixed_coordinates(self)
        return inner, AffineCoordinates(embedding)

    def describe(self) -> dict[str, Any]:
        """Kind, dimension, fixed coordinates and bounds (one number each where all agree)."""
        return {
            "kind": "box",
            "dim": self.dim,
            "fixed_inputs": self.dim - int(self.free.size),
            "lower": _short(self.lower),
            "upper": _short(self.upper),
            "origin": self.origin,
        }


def _short(values: Vector) -> float | list[float]:
    return float(values[0]) if np.all(values == values[0]) else [float(v) for v in values]


def without_fixed_coordinates(box: Box) -> tuple[Box, Affine]:
    """A box with an interior, and the embedding of its coordinates among all inputs.

    Raises
    ------
    DomainError
        If every coordinate is fixed: a single point has no interior to count in.
    """
    free = box.free
    if free.size == 0:
        raise DomainError(
            box.origin,
            "every input is fixed, so the domain is a single point",
            "at least one input with lower < upper",
        )
    weight = np.zeros((box.dim, free.size))
    weight[free, np.arange(free.size)] = 1.0
    origin = box.lower.copy()
    origin[free] = 0.0
    return Box(box.lower[free], box.upper[free], box.origin), Affine(weight, origin)
