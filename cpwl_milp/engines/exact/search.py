"""The depth-first search over units in layer order, in whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import pack
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.ambiguity import Sign
from cpwl_milp.engines.descent import DONE, PARKED, PAUSED, STUCK, NeverAsks
from cpwl_milp.engines.exact.dictionary import Effort, EffortExceededError
from cpwl_milp.engines.exact.integers import Row
from cpwl_milp.engines.exact.maps import Bits, ExactMaps


class SearchedCell(Protocol):
    """What a search needs to know of the cells of a domain."""

    def sign(self, row: Row, effort: Effort) -> Sign:
        """What an affine function does on the cell."""
        ...

    def child(self, row: Row, bit: int, effort: Effort) -> Self:
        """The part where a function that cuts the cell is at least 0 (bit 1) or at most 0."""
        ...


Cell = TypeVar("Cell", bound=SearchedCell)


@dataclass(frozen=True)
class Start(Generic[Cell]):
    """Where a search begins.

    Attributes
    ----------
    cell : Cell
        Of the literals of the units below `unit`.
    bits : ndarray of uint8, shape (n_units,)
        Of the units below `unit`, on the cell.
    unit : int
        The first whose bit is to be found.
    layer : int
        The layer at hand, not yet ended: that of `unit` or of the unit before it.
    """

    cell: Cell
    bits: Bits
    unit: int
    layer: int


@dataclass(frozen=True)
class _Sibling(Generic[Cell]):
    """A child of bit 1 still to come: the cut, and what the search knew there."""

    cell: Cell
    row: Row
    unit: int
    layer: int
    n_literals: int


class ExactSearch(NeverAsks, Generic[Cell]):
    """A search below one cube, as `descent` drives it: patterns in lexicographic order.

    Parameters
    ----------
    network : Network
    maps : ExactMaps
    dim : int
        Of the domain.
    cube : Cube
    start : Start
    budget : Budget
    most_effort : int
        Work that one decision may take.
    largest_ball : callable, optional
        To find centre and radius of the largest ball of every region with.
    """

    stuck_reason = "a decision in exact arithmetic takes too much work"
    full_reason = ""

    def __init__(
        self,
        network: Network,
        maps: ExactMaps,
        dim: int,
        cube: Cube,
        start: Start[Cell],
        budget: Budget,
        *,
        most_effort: int,
        largest_ball: Callable[[Cell], tuple[Vector, float]] | None,
    ) -> None:
        self._maps, self._dim, self._cube = maps, dim, cube
        self._offsets = network.offsets
        # The literals of units that the start has passed stand in the cube already.
        self._fixed = {abs(k) - 1: int(k > 0) for k in cube.literals}
        self._literals: list[int] = []
        self._cell, self._bits = start.cell, start.bits.copy()
        self._unit, self._layer = start.unit, start.layer
        self._pending: list[_Sibling[Cell]] = []
        self._most_effort = most_effort
        self._largest_ball = largest_ball
        self._room = budget.max_regions
        self._counts = np.zeros(len(network.layers), dtype=np.int64)
        self._left = budget.prefix_room(len(network.layers))
        self._tests = self._cuts = 0
        self._found: list[Bits] = []
        self._balls: list[tuple[Vector, float]] = []

    def run(self, quota: int, *, leave: bool) -> int:
        """Search on; the quota counts decisions."""
        last = self._tests + quota
        while True:
            try:
                outcome = self._leave() if leave else self._step()
            except EffortExceededError:
                return STUCK
            leave = False
            if outcome is not None:
                return outcome
            if self._tests >= last:
                return PAUSED

    def taken(self) -> RegionBatch:
        """The regions emitted since the last call."""
        n, dim = len(self._found), self._dim
        patterns = np.array(self._found, dtype=np.bool_).reshape(n, len(self._bits))
        points: Dense = np.zeros((0, dim))
        radii: Vector = np.zeros(0)
        if self._largest_ball is not None:
            points = np.array([centre for centre, _ in self._balls]).reshape(n, dim)
            radii = np.array([radius for _, radius in self._balls])
        self._found, self._balls = [], []
        return RegionBatch(pack(patterns), points, radii)

    def limit(self, room: int) -> None:
        """From now on emit at most `room` regions."""
        self._room = room

    def grow(self) -> bool:
        """Never needed."""
        return True

    def current(self) -> Cube:
        """The cell at hand as a cube."""
        counted = max(self._layer, self._cube.counted_layers)
        return Cube.of([*self._cube.literals, *self._literals], counted)

    def pending(self) -> list[Cube]:
        """The siblings still to come, the latest first."""
        return [
            Cube.of(
                [*self._cube.literals, *self._literals[: sibling.n_literals], sibling.unit + 1],
                max(sibling.layer, self._cube.counted_layers),
            )
            for sibling in reversed(self._pending)
        ]

    @property
    def bits(self) -> Bits:
        """The bits on the cell at hand."""
        return self._bits

    @property
    def prefix_counts(self) -> NDArray[np.int64]:
        """Cells of each prefix completed so far."""
        return self._counts

    @property
    def prefix_left(self) -> NDArray[np.int64]:
        """Cells of each prefix that may still be counted."""
        return self._left

    @property
    def decisions(self) -> dict[str, int]:
        """How decisions were settled so far."""
        return {"exact": self._tests, "exact_cuts": self._cuts}

    def _step(self) -> int | None:
        """Decide one unit, or end a layer; a status if that ends the run."""
        if self._unit == self._offsets[self._layer + 1]:
            return self._end_layer()
        unit, bits = self._unit, self._bits
        row = self._maps.row(unit, bits)
        sign = self._cell.sign(row, Effort(self._most_effort))
        fixed = self._fixed.get(unit)
        if sign is Sign.CUTS:
            bit = 0 if fixed is None else fixed
            child = self._cell.child(row, bit, Effort(self._most_effort))
            self._cuts += 1
            if fixed is None:
                self._pending.append(
                    _Sibling(self._cell, row, unit, self._layer, len(self._literals))
                )
                self._literals.append(-(unit + 1))
            self._cell = child
        else:
            bit = int(sign)
        self._tests += 1
        if fixed is not None and fixed != bit:
            return self._leave()
        bits[unit] = bit
        self._unit += 1
        return None

    def _end_layer(self) -> int | None:
        layer, last = self._layer, len(self._offsets) - 2
        if layer >= self._cube.counted_layers:
            if self._left[layer] == 0:
                return PARKED
            if layer == last and len(self._found) >= self._room:
                return PAUSED
            self._left[layer] -= 1
            self._counts[layer] += 1
        if layer < last:
            self._layer += 1
            return None
        self._found.append(self._bits.astype(np.bool_))
        if self._largest_ball is not None:
            self._balls.append(self._largest_ball(self._cell))
        return self._leave()

    def _leave(self) -> int | None:
        """Go to the latest sibling; DONE if there is none."""
        if not self._pending:
            return DONE
        sibling = self._pending.pop()
        del self._literals[sibling.n_literals :]
        self._literals.append(sibling.unit + 1)
        self._bits[sibling.unit] = 1
        self._layer, self._unit = sibling.layer, sibling.unit + 1
        self._cell = sibling.cell.child(sibling.row, 1, Effort(self._most_effort))
        return None
