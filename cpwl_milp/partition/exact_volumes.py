"""Volumes of regions as fractions: in whole numbers from the network's weights on.

The domain is cut along the tree of the listed patterns. Where a unit has one bit on all of a cell,
its sign is looked at in every corner; where it has both, its hyperplane cuts the cell, and the two
volumes must add up to that of the cell. By induction the volumes of all regions add up to the
domain's, exactly; and as each cell lies in the closure of its region, the list is complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Polytope
from cpwl_milp.core.errors import CheckFailedError, DomainError
from cpwl_milp.core.pattern import Packed, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.exact.maps import ExactMaps
from cpwl_milp.engines.exact.space import ExactSpace
from cpwl_milp.partition.exact_cells import ExactPolytope

MOST_DIMENSIONS = 4
"""Corners grow with the dimension, and so do their digits."""


@dataclass(frozen=True)
class ExactVolumes:
    """Volumes in the domain's own coordinates.

    Attributes
    ----------
    of_regions : tuple of Fraction
        In the order of the list.
    of_domain : Fraction
        Their sum.
    """

    of_regions: tuple[Fraction, ...]
    of_domain: Fraction


def require_exact_volumes(problem: Problem) -> None:
    """Refuse domains whose volume is no sum of fractions, or in too many dimensions.

    Raises
    ------
    DomainError
    """
    domain = problem.domain
    if not (isinstance(domain, Box | Polytope) and problem.coordinates.isometric):
        raise DomainError(
            "--exact-volumes", problem.asked.origin, "a box, a polytope or a slice of one"
        )
    if domain.dim > MOST_DIMENSIONS:
        raise DomainError(
            "--exact-volumes",
            f"{domain.dim} free coordinates",
            f"at most {MOST_DIMENSIONS}",
            "fix some inputs, or take a slice",
        )


def exact_volumes(problem: Problem, patterns: Packed) -> ExactVolumes:
    """The volume of every region of a complete list.

    *Cost* : from a millisecond a region in the plane to some ten in four dimensions.

    Parameters
    ----------
    problem : Problem
    patterns : ndarray of uint8
        All its regions, each once.

    Raises
    ------
    DomainError
        As `require_exact_volumes`.
    CheckFailedError
        If the list is wrong.
    """
    require_exact_volumes(problem)
    return _Partition(problem, patterns).volumes()


@dataclass(frozen=True)
class _Cell:
    """Rows first..end of the sorted list, and what holds them."""

    polytope: ExactPolytope
    volume: Fraction
    first: int
    end: int
    layer: int
    open: tuple[int, ...]


class _Partition:
    """The walk through the tree of a list."""

    def __init__(self, problem: Problem, patterns: Packed) -> None:
        network = problem.network
        self._offsets = network.offsets
        self._space = ExactSpace(problem.domain)
        self._maps = ExactMaps(network, self._space)
        bits = unpack(patterns, network.n_units).astype(np.uint8)
        self._order = (
            np.lexsort(bits.T[::-1]) if network.n_units else np.arange(len(bits), dtype=np.intp)
        )
        self._bits = bits[self._order]

    def volumes(self) -> ExactVolumes:
        """Walk to the end."""
        whole = ExactPolytope.box(self._space.width)
        for row in self._space.inequalities:
            values = whole.values(row)
            if min(values) < 0:
                whole = whole.cut(row)[1]
        unit = Fraction(1, 1 << (self._space.exponent * self._space.dim))
        root = _Cell(whole, whole.volume(), 0, len(self._bits), -1, ())
        found = [Fraction(0)] * len(self._bits)
        stack = [root]
        while stack:
            cell = self._settled(stack.pop())
            if cell.layer == len(self._offsets) - 1:
                if cell.end - cell.first != 1:
                    raise _wrong("a pattern stands there twice")
                found[int(self._order[cell.first])] = cell.volume * unit
            else:
                stack += self._halves(cell)
        return ExactVolumes(tuple(found), root.volume * unit)

    def _settled(self, cell: _Cell) -> _Cell:
        """The cell with all units looked at that have one bit there, up to one that has both."""
        layer, left = cell.layer, cell.open
        bits = self._bits[cell.first : cell.end]
        if not len(bits):
            raise _wrong("it lacks a region")
        while True:
            mixed = tuple(unit for unit in left if np.any(bits[:, unit] != bits[0, unit]))
            for unit in left:
                if unit not in mixed:
                    self._look_at(cell.polytope, unit, bits[0])
            if mixed or layer == len(self._offsets) - 1:
                break
            layer += 1
            if layer < len(self._offsets) - 1:
                left = tuple(range(self._offsets[layer], self._offsets[layer + 1]))
            else:
                left = ()
        return _Cell(cell.polytope, cell.volume, cell.first, cell.end, layer, mixed)

    def _look_at(self, polytope: ExactPolytope, unit: int, bits: NDArray[np.uint8]) -> None:
        """A unit keeps its bit on a cell iff it does so in its corners, 0 on all being bit 0."""
        values = polytope.values(self._maps.row(unit, bits))
        kept = min(values) >= 0 < max(values) if bits[unit] else max(values) <= 0
        if not kept:
            raise _wrong(f"unit {unit + 1} changes its sign in a region")

    def _halves(self, cell: _Cell) -> Iterator[_Cell]:
        """The parts of a cell on both sides of its first open unit."""
        unit = cell.open[0]
        column = self._bits[cell.first : cell.end, unit]
        middle = cell.first + int(np.searchsorted(column, 1))
        row = self._maps.row(unit, self._bits[cell.first])
        values = cell.polytope.values(row)
        if not min(values) < 0 < max(values):
            raise _wrong(f"unit {unit + 1} has one sign where it stands with both")
        low, high = cell.polytope.cut(row)
        volumes = low.volume(), high.volume()
        if sum(volumes) != cell.volume:
            raise CheckFailedError("volumes", f"{sum(volumes)} in two parts", f"{cell.volume}")
        ends = (cell.first, middle), (middle, cell.end)
        for part, volume, (first, end) in zip((low, high), volumes, ends, strict=True):
            yield _Cell(part, volume, first, end, cell.layer, cell.open[1:])


def _wrong(found: str) -> CheckFailedError:
    return CheckFailedError(
        "volumes", f"the list is wrong: {found}", hint="prove it: enumerate --rigorous"
    )
