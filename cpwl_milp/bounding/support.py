"""The least value of a linear function on the inputs: where backward bounds meet the domain.

CROWN ends with linear functions of the input. Over a box their minimum has a closed form; over a
ball it is ``w.c - r ||w||_*`` with the dual norm (Zhang et al. 2018, section 3). A new kind of
domain adds a `Support` here and its line in `supports_within_box`; the minima of all supports hold
together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cpwl_milp.bounding.rounding import UNDERFLOW, below, gamma
from cpwl_milp.core.affine import Matrix, Vector
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains.balls import Ball

# The square root of the smallest normal number: what a square that underflows can take from a norm.
_LOST_ROOT = 2.0**-511


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


@dataclass(frozen=True, eq=False)
class BallSupport:
    """The minimum over an L2 or L1 ball: the centre's value less radius times dual norm."""

    ball: Ball

    def minimum(self, coefficients: Matrix, constant: Vector) -> Vector:
        """``C c + const - r ||C||_*``, less the error of these sums.

        The values at the centre are n products and n + 1 terms a row; the norm, a sum of n
        squares and its root, is off by ``gamma(n + 2)`` of itself at most. Magnitudes are computed
        with the same relative error: hence twice as many roundings (see `rounding`). A square that
        underflows takes at most `_LOST_ROOT` from the norm.
        """
        centre, radius, n = self.ball.centre, self.ball.radius, self.ball.dim
        size = abs(coefficients)
        if self.ball.norm == "2":
            norm = np.sqrt(np.asarray((size * size).sum(axis=1)).ravel()) + _LOST_ROOT * n
        else:
            norm = _largest(size)
        value = np.asarray(coefficients @ centre) + constant - radius * norm
        terms = np.asarray(size @ np.abs(centre)) + np.abs(constant) + radius * norm
        return below(value, gamma(2.0 * n + 8) * terms + UNDERFLOW * (n + 1))


def _largest(size: Matrix) -> Vector:
    """The largest entry of each row."""
    if isinstance(size, np.ndarray):
        return np.asarray(size.max(axis=1, initial=0.0))
    return np.asarray(size.max(axis=1).toarray()).ravel()


def signed_parts(weight: Matrix) -> tuple[Matrix, Matrix]:
    """The positive and the negative entries of a matrix, each with zeros elsewhere."""
    if isinstance(weight, np.ndarray):
        return np.maximum(weight, 0), np.minimum(weight, 0)
    positive, negative = weight.copy(), weight.copy()
    positive.data = np.maximum(weight.data, 0)
    negative.data = np.minimum(weight.data, 0)
    return positive, negative


def supports_within_box(domain: Domain) -> tuple[Support, ...]:
    """The sets besides its bounding box that contain `domain` and have closed-form minima."""
    if isinstance(domain, Ball) and domain.norm != "inf":
        return (BallSupport(domain),)
    return ()


def supports_of(domain: Domain) -> tuple[Support, ...]:
    """The sets that contain `domain` and have closed-form minima: at least its bounding box."""
    return (BoxSupport(domain.box), *supports_within_box(domain))


def least(supports: tuple[Support, ...], coefficients: Matrix, constant: Vector) -> Vector:
    """The best of the supports' minima."""
    return np.asarray(np.max([s.minimum(coefficients, constant) for s in supports], axis=0))
