"""Proofs in whole numbers, where float64 has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np

from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.exact.cell import ExactCell
from cpwl_milp.engines.exact.dictionary import Effort
from cpwl_milp.engines.exact.integers import Row, common_exponent
from cpwl_milp.engines.exact.maps import Bits, ExactMaps
from cpwl_milp.engines.exact.path import CellPath
from cpwl_milp.engines.exact.space import ExactSpace

# Products of 64-bit numbers for one decision: some minutes.
_MOST_EFFORT = 10**9


class RefutedError(Exception):
    """The list is wrong: a cell has another side of a unit, or there is no such cell."""


class OtherSideError(RefutedError):
    """A unit that was to be constant on a cell takes the other side as well."""


class NoCellError(RefutedError):
    """A cell of the list has no interior."""


@dataclass(frozen=True)
class Multipliers:
    """``denominator * side = sum of numerator * wall + a function >= 0 on the box``."""

    denominator: int
    terms: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Point:
    """An interior point ``numerators / denominator``."""

    denominator: int
    numerators: tuple[int, ...]


class ExactProofs:
    """Multipliers and witnesses in whole numbers.

    Parameters
    ----------
    problem : Problem
        Over a domain with linear faces.
    """

    def __init__(self, problem: Problem) -> None:
        self._space = ExactSpace(problem.domain)
        self._maps = ExactMaps(problem.network, self._space)
        self._path = CellPath(self._maps, self._space)
        A, b = problem.domain.inequalities()
        self._domain_walls: list[tuple[Row, Fraction]] = []
        for row, coefficients, limit in zip(self._space.inequalities, A, b, strict=True):
            own = common_exponent(np.array([limit, *coefficients]))
            scale = Fraction(1, 1 << (own + self._space.exponent))
            self._domain_walls.append((row, scale))

    def multipliers(self, literals: Sequence[int], bits: Bits, unit: int, bit: int) -> Multipliers:
        """Prove that a unit has one bit on the cell of some literals.

        Parameters
        ----------
        literals : sequence of int
            The splits above the cell, in their order.
        bits : ndarray of uint8, shape (n_units,)
            Those of the layers below the unit's.

        Raises
        ------
        RefutedError
            If it has not.
        EffortExceededError
        """
        cell = self._cell(literals, bits)
        row = self._maps.row(unit, bits)
        if bit and not any(row):
            raise OtherSideError
        side = row if bit else tuple(-value for value in row)
        found = cell.dictionary.minimise(side, Effort(_MOST_EFFORT), until_negative=False)
        if found[0] < 0:
            raise OtherSideError
        functions = self._walls(cell, literals, bits)
        weights: list[tuple[int, Fraction]] = []
        dim = self._space.dim
        for variable, value in zip(cell.dictionary.columns, found[1:], strict=True):
            if value and variable >= 2 * dim:
                wall, scale = functions[variable]
                weights.append((wall, value / scale))
        target = cell.dictionary.den / self._maps.scale(unit, bits)
        common = lcm(target.denominator, *(weight.denominator for _, weight in weights))
        return Multipliers(
            int(target * common), tuple((wall, int(weight * common)) for wall, weight in weights)
        )

    def witness(self, literals: Sequence[int], bits: Bits) -> Point:
        """A point inside the cell of some literals, in the domain's coordinates.

        Raises
        ------
        NoCellError
            If there is none.
        EffortExceededError
        """
        cell = self._cell(literals, bits)
        middle = self._middle(cell)
        space = self._space
        unit = 1 << space.exponent
        exact = [(low + y) / Fraction(unit) for low, y in zip(space.low, middle, strict=True)]
        rounded = [Fraction(float(x)) for x in exact]
        # A float64 point takes less room, where it is inside as well.
        y = [x * unit - low for x, low in zip(rounded, space.low, strict=True)]
        inside = all(0 < a < w for a, w in zip(y, space.width, strict=True)) and all(
            _at(row, y) > 0 for row in cell.added
        )
        chosen = rounded if inside else exact
        common = lcm(*(x.denominator for x in chosen))
        return Point(common, tuple(int(x * common) for x in chosen))

    def _middle(self, cell: ExactCell) -> list[Fraction]:
        """The mean of vertices such that each function of the cell is above 0 at one of them."""
        dim, effort = self._space.dim, Effort(_MOST_EFFORT)
        functions: list[Row] = list(cell.added)
        for c, width in enumerate(self._space.width):
            functions.append((0, *(int(k == c) for k in range(dim))))
            functions.append((width, *(-int(k == c) for k in range(dim))))
        total = _vertex(cell)
        count = 1
        for row in functions:
            if _at(row, [value / count for value in total]) > 0:
                continue
            opposite = tuple(-value for value in row)
            cell.dictionary.minimise(opposite, effort, until_negative=True)
            total = [a + b for a, b in zip(total, _vertex(cell), strict=True)]
            count += 1
        return [value / count for value in total]

    def _cell(self, literals: Sequence[int], bits: Bits) -> ExactCell:
        try:
            return self._path.cell(literals, bits, Effort(_MOST_EFFORT))
        except CheckFailedError as error:
            raise NoCellError from error

    def _walls(
        self, cell: ExactCell, literals: Sequence[int], bits: Bits
    ) -> dict[int, tuple[int, Fraction]]:
        """The cell's functions by their ids: which wall each is, and its scale."""
        found = {}
        for wall, (row, scale) in enumerate(self._domain_walls):
            if (variable := cell.added.get(row)) is not None:
                found[variable] = wall, scale
        for place, literal in enumerate(literals):
            unit = abs(literal) - 1
            row = self._maps.row(unit, bits)
            side = row if literal > 0 else tuple(-value for value in row)
            variable = cell.added.get(side)
            if variable is not None and variable not in found:
                found[variable] = len(self._domain_walls) + place, self._maps.scale(unit, bits)
        return found


def _vertex(cell: ExactCell) -> list[Fraction]:
    dictionary = cell.dictionary
    return [Fraction(value, dictionary.den) for value in dictionary.point()]


def _at(row: Row, point: Sequence[Fraction]) -> Fraction:
    return sum((a * x for a, x in zip(row[1:], point, strict=True)), Fraction(row[0]))
