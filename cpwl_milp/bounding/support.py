"""The least value of a linear function on the inputs: where backward bounds meet the domain.

CROWN ends with linear functions of the input. Over a box their minimum has a closed form; over a
ball it would be ``w.c - r ||w||_*`` with the dual norm. A new kind of domain adds a `Support`
here and its line in `supports_of`; the minima of all supports hold together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cpwl_milp.bounding.interval import signed_parts
from cpwl_milp.bounding.rounding import UNDERFLOW, below, gamma
from cpwl_milp.core.affine import Matrix, Vector
from cpwl_milp.core.domain import Box, Domain


class Support(Protocol):
    """A closed set of inputs over which linear functions have a known minimum."""

    def minimum(self, coefficients: Matrix, constant: Vector) -> Vector:
        """A float at most ``min_x coefficients @ x + constant`` for each row, shape (n_rows,)."""
        ...


@dataclass(frozen=True, eq=False)
class BoxSupport:
    """The minimum over a box, each coordinate at the end that the coefficient's sign names."""

    box: Box

    def minimum(self, coefficients: Matrix, constant: Vector) -> Vector:
        """``C+ lower + C- upper + c``, less the error of these n + 1 products a row.

        The computed magnitude carries the same relative error: hence 2 n (see `rounding`).
        """
        low, high = self.box.lower, self.box.upper
        positive, negative = signed_parts(coefficients)
        ends = np.stack([low, high, np.abs(low), np.abs(high)], axis=1)
        from_positive, from_negative = positive @ ends[:, ::2], negative @ ends[:, 1::2]
        value = from_positive[:, 0] + from_negative[:, 0] + constant
        size = from_positive[:, 1] - from_negative[:, 1] + np.abs(constant)
        return below(value, gamma(2.0 * low.size + 4) * size + UNDERFLOW * (low.size + 1))


def supports_of(domain: Domain) -> tuple[Support, ...]:
    """The sets that contain `domain` and have closed-form minima: its bounding box."""
    return (BoxSupport(domain.box),)


def least(supports: tuple[Support, ...], coefficients: Matrix, constant: Vector) -> Vector:
    """The best of the supports' minima."""
    return np.asarray(np.max([s.minimum(coefficients, constant) for s in supports], axis=0))
