"""The largest ball inside a cell and the ball, found in whole numbers and rounded once."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cpwl_milp.core.affine import Vector
from cpwl_milp.engines.ball.exact.space import BallSpace
from cpwl_milp.engines.exact.dictionary import Effort
from cpwl_milp.engines.exact.integers import quotient
from cpwl_milp.engines.exact.nearest import Nearest, nearest
from cpwl_milp.engines.exact.walls import Wall

# Norms are held to so many bits behind the point, radii to so many of their own.
_NORM_BITS = 64
_RADIUS_BITS = 36
# A radius next to the upper bound is tried first, as the bound is sharp as a rule.
_CLOSE = 1 << 34
_NO_LIMIT = 1 << 62


def largest_ball(space: BallSpace, walls: Sequence[Wall], start: Nearest) -> tuple[Vector, float]:
    """Centre and radius of the largest ball, in the domain's coordinates.

    A ball of radius r fits iff the point nearest to the centre with ``c_i + g_i.y >= r |g_i|`` has
    norm at most ``R - r``. With r = ``R p / 2^k``, the least k is sought for which p = 1 fits; then
    p is enclosed between one that fits and an upper bound, from multipliers (as in
    ball/inscribed.py) or from one that does not. Norms are irrational and rounded, the rest is
    exact.
    """
    if not walls:
        return space.floats([0] * space.dim, 1), quotient(space.radius, 1 << space.exponent)
    fitting = _Fitting(space, walls, start)
    too_small, k = 0, 1
    while not fitting.fits(1, k):
        too_small, k = k, 2 * k
    while k - too_small > 1:
        middle = (too_small + k) // 2
        too_small, k = (too_small, middle) if fitting.fits(1, middle) else (middle, k)
    k += _RADIUS_BITS
    low, high = 1 << _RADIUS_BITS, 2 << _RADIUS_BITS
    fitting.fits(low, k)
    is_sharp = True
    while True:
        high = min(high, low + fitting.room(low, k))
        if high - low <= 1 + low // _CLOSE:
            break
        p = high - 1 - (high - low) // _CLOSE if is_sharp else (low + high) // 2
        if fitting.fits(p, k):
            low, is_sharp = p, True
        else:
            high, is_sharp = p, False
    return fitting.centre, quotient(space.radius * low, 1 << (k + space.exponent))


class _Fitting:
    """Whether balls fit, and the centre of the last one that did."""

    def __init__(self, space: BallSpace, walls: Sequence[Wall], start: Nearest) -> None:
        self._space, self._walls = space, walls
        self._effort = Effort(_NO_LIMIT)
        self._norms = [
            math.isqrt(wall.dot(wall, self._effort) << (2 * _NORM_BITS)) for wall in walls
        ]
        self._last = start
        self._constants: list[int] = []
        self._shift = 0

    @property
    def centre(self) -> Vector:
        """Of the last ball that fitted."""
        point = self._last.point(self._walls, self._space.dim)
        return self._space.floats(point, self._last.denominator << self._shift)

    def fits(self, p: int, k: int) -> bool:
        """Whether a ball of ``p / 2^k`` times the radius does."""
        space = self._space
        # Coordinates scaled by 2^shift make everything whole.
        shift = k + _NORM_BITS
        constants = [
            (wall.constant << shift) - space.radius * p * norm
            for wall, norm in zip(self._walls, self._norms, strict=True)
        ]
        reach = (space.radius << _NORM_BITS) * ((1 << k) - p)
        found = nearest(
            self._walls, self._last.active, reach * reach, self._effort, constants=constants
        )
        if found is None:
            return False
        self._last, self._constants, self._shift = found, constants, shift
        return True

    def room(self, p: int, k: int) -> int:
        """By so much p may grow at most, from the last one that fitted.

        Its multipliers u bound the squared norm at ``p + e`` from below by ``D + 2 e R sum u n``,
        which is not to exceed the square of ``R (2^k - p - e)``.
        """
        den, unit = self._last.denominator, self._space.radius << _NORM_BITS
        norm = growth = 0
        for place, multiplier in zip(self._last.active, self._last.multipliers, strict=True):
            norm -= multiplier * self._constants[place]
            growth += multiplier * self._norms[place]
        reach = unit * ((1 << k) - p)
        missing = reach * reach * den - norm
        slope = unit * reach * den + self._space.radius * growth
        root = math.isqrt(slope * slope - unit * unit * missing * den)
        return missing // (slope + root) + 1
