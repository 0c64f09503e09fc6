"""The ball in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.engines.exact.integers import Row, common_exponent, quotient, scaled


class BallSpace:
    """Whole coordinates around the centre: ``x = (centre + y) / 2^exponent``, ``|y| < radius``.

    Centre and radius are taken as stored: float64 numbers are whole ones over a power of two.

    Attributes
    ----------
    centre : tuple of int
    radius : int
    exponent : int
    """

    def __init__(self, ball: Ball) -> None:
        values = np.append(ball.centre, ball.radius)
        self.exponent = common_exponent(values)
        *centre, self.radius = scaled(values, self.exponent)
        self.centre = tuple(centre)

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return len(self.centre)

    @property
    def square(self) -> int:
        """The radius squared."""
        return self.radius * self.radius

    def input_rows(self) -> list[Row]:
        """``2^exponent x_c`` as a function of y, for every c."""
        return [(c, *(int(j == k) for j in range(self.dim))) for k, c in enumerate(self.centre)]

    def floats(self, point: Sequence[int], denominator: int) -> Vector:
        """The point ``y = point / denominator`` in the domain's coordinates, rounded once."""
        scale = denominator << self.exponent
        return np.array(
            [quotient(c * denominator + y, scale) for c, y in zip(self.centre, point, strict=True)]
        )
