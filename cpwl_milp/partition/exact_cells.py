"""Polytopes by their corners, in whole numbers: cut by hyperplanes, measured, never rounded.

A corner is ``(w, y_1, .., y_d)``, integers with w > 0, for the point ``y / w``, and knows the walls
that it lies on. A cut makes a corner on each edge between the sides. Two corners share an edge iff
no third one lies on all walls that they share (the combinatorial test of the double description
method: Fukuda, Prodon 1996, Proposition 7), which holds for degenerate polytopes as well.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import mul

from cpwl_milp.engines.exact.integers import Row, primitive


@dataclass(frozen=True)
class Corner:
    """A corner and the walls on which it lies, one bit each."""

    point: Row
    walls: int


@dataclass(frozen=True)
class ExactPolytope:
    """A full-dimensional polytope in d dimensions.

    Attributes
    ----------
    dim : int
    corners : tuple of Corner
    n_walls : int
        Walls that were ever met; some may have gone.
    """

    dim: int
    corners: tuple[Corner, ...]
    n_walls: int

    @staticmethod
    def box(width: Sequence[int]) -> ExactPolytope:
        """``0 <= y_c <= width_c``."""
        corners = []
        for ends in itertools.product((0, 1), repeat=len(width)):
            point = (1, *(end * w for end, w in zip(ends, width, strict=True)))
            corners.append(Corner(point, sum(1 << (2 * c + end) for c, end in enumerate(ends))))
        return ExactPolytope(len(width), tuple(corners), 2 * len(width))

    def values(self, row: Row) -> list[int]:
        """A function's value at each corner, times the positive w of the corner."""
        return [sum(map(mul, row, corner.point)) for corner in self.corners]

    def cut(self, row: Row) -> tuple[ExactPolytope, ExactPolytope]:
        """The parts where a function is at most 0, and at least 0; it must take both signs."""
        values = self.values(row)
        wall = 1 << self.n_walls
        sides: tuple[list[Corner], list[Corner]] = ([], [])
        signed: tuple[list[tuple[Corner, int]], list[tuple[Corner, int]]] = ([], [])
        for corner, value in zip(self.corners, values, strict=True):
            if value == 0:
                for side in sides:
                    side.append(Corner(corner.point, corner.walls | wall))
            else:
                sides[value > 0].append(corner)
                signed[value > 0].append((corner, abs(value)))
        for (below, less), (above, more) in itertools.product(*signed):
            shared = below.walls & above.walls
            if not self._is_edge(below, above, shared):
                continue
            point = primitive(
                [more * a + less * b for a, b in zip(below.point, above.point, strict=True)]
            )
            for side in sides:
                side.append(Corner(point, shared | wall))
        low, high = (ExactPolytope(self.dim, tuple(s), self.n_walls + 1) for s in sides)
        return low, high

    def _is_edge(self, one: Corner, other: Corner, shared: int) -> bool:
        if shared.bit_count() < self.dim - 1:
            return False
        return not any(
            corner.walls & shared == shared and corner is not one and corner is not other
            for corner in self.corners
        )

    def volume(self) -> Fraction:
        """The volume, by simplices from corners over faces (Cohen, Hickey 1979)."""
        masks = [0] * self.n_walls
        for place, corner in enumerate(self.corners):
            walls = corner.walls
            while walls:
                lowest = walls & -walls
                masks[lowest.bit_length() - 1] |= 1 << place
                walls ^= lowest
        faces = sorted({mask for mask in masks if mask})
        total = Fraction(0)
        for simplex in _simplices((1 << len(self.corners)) - 1, self.dim, faces):
            points = [self.corners[place].point for place in simplex]
            size = abs(_determinant(points))
            if size:
                total += Fraction(size, math.prod(point[0] for point in points))
        return total / math.factorial(self.dim)


def _simplices(face: int, dim: int, faces: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Simplices that fill a face (a set of corners, as bits), flat ones among them."""
    apex = (face & -face).bit_length() - 1
    if dim == 0:
        yield (apex,)
        return
    seen = set()
    for other in faces:
        part = face & other
        if part >> apex & 1 or part.bit_count() < dim or part in seen:
            continue
        seen.add(part)
        for rest in _simplices(part, dim - 1, faces):
            yield (apex, *rest)


def _determinant(rows: Sequence[Sequence[int]]) -> int:
    """Of a square matrix of integers, by elimination without fractions (Bareiss 1968)."""
    matrix = [list(row) for row in rows]
    n = len(matrix)
    sign, before = 1, 1
    for k in range(n - 1):
        pivot = next((i for i in range(k, n) if matrix[i][k]), None)
        if pivot is None:
            return 0
        if pivot != k:
            matrix[k], matrix[pivot] = matrix[pivot], matrix[k]
            sign = -sign
        for i in range(k + 1, n):
            for j in range(k + 1, n):
                crossed = matrix[i][j] * matrix[k][k] - matrix[i][k] * matrix[k][j]
                matrix[i][j] = crossed // before
        before = matrix[k][k]
    return sign * matrix[n - 1][n - 1]
