"""The domain in whole numbers."""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.domain import Domain
from cpwl_milp.engines.exact.integers import Row, common_exponent, quotient, scaled


class ExactSpace:
    """Whole coordinates: ``x_c = (low_c + y_c) / 2^exponent`` with ``0 <= y_c <= width_c``.

    Attributes
    ----------
    low, width : tuple of int
    exponent : int
    inequalities : tuple of Row
        The domain's conditions beyond its box, ``row(y) >= 0``.
    """

    def __init__(self, domain: Domain) -> None:
        box = domain.box
        ends = np.concatenate([box.lower, box.upper])
        self.exponent = common_exponent(ends)
        whole = scaled(ends, self.exponent)
        self.low = tuple(whole[: box.dim])
        self.width = tuple(b - a for a, b in zip(self.low, whole[box.dim :], strict=True))
        A, b = domain.inequalities()
        self.inequalities = tuple(
            self._inequality(row, bound) for row, bound in zip(A, b, strict=True)
        )

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return len(self.low)

    def input_rows(self) -> list[Row]:
        """``2^exponent x_c`` as a function of y, for every c."""
        return [(low, *(int(k == c) for k in range(self.dim))) for c, low in enumerate(self.low)]

    def floats(self, point: list[int], denominator: int) -> Vector:
        """The point ``y = point / denominator`` in the domain's coordinates, rounded once."""
        scale = denominator << self.exponent
        return np.array(
            [quotient(low * denominator + y, scale) for low, y in zip(self.low, point, strict=True)]
        )

    def norm(self, row: Row) -> tuple[float, int]:
        """The gradient's norm in the coordinates of the unit box, as ``number * 2^shift``."""
        steps = [p * w for p, w in zip(row[1:], self.width, strict=True)]
        shift = max((p.bit_length() for p in steps), default=0) - 200
        if shift > 0:
            steps = [p >> shift for p in steps]
        return float(np.sqrt(sum(float(p) ** 2 for p in steps))) / 2, max(0, shift)

    def _inequality(self, row: Vector, bound: float) -> Row:
        entries = np.concatenate([[bound], row])
        own = common_exponent(entries)
        limit, *coefficients = scaled(entries, own)
        shift = sum(a * low for a, low in zip(coefficients, self.low, strict=True))
        return ((limit << self.exponent) - shift, *(-a for a in coefficients))
