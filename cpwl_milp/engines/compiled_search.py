"""What all compiled searches do alike, as `descent` drives them: they differ in their cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.cube import Cube


class CompiledSearch:
    """A search whose memory is a named tuple of arrays, `_state`.

    It has at least ``bits``, ``patterns``, ``prefix_counts``, ``prefix_left`` and ``counters``.
    """

    # The names of the counters, in their order.
    counter_names: ClassVar[Sequence[str]]
    # The arrays of one row a region.
    outputs: ClassVar[tuple[str, ...]] = ("patterns",)
    _state: Any

    def limit(self, room: int) -> None:
        """From now on emit at most `room` regions at a time."""
        if room < len(self._state.patterns):
            kept = {name: getattr(self._state, name)[: max(1, room)] for name in self.outputs}
            self._state = self._state._replace(**kept)

    @property
    def bits(self) -> NDArray[np.uint8]:
        """The bits on the cell at hand."""
        bits: NDArray[np.uint8] = self._state.bits
        return bits

    @property
    def prefix_left(self) -> NDArray[np.int64]:
        """Cells of each prefix that may still be counted."""
        left: NDArray[np.int64] = self._state.prefix_left
        return left

    @property
    def prefix_counts(self) -> NDArray[np.int64]:
        """Cells of each prefix completed so far."""
        counts: NDArray[np.int64] = self._state.prefix_counts
        return counts

    @property
    def decisions(self) -> dict[str, int]:
        """How decisions were settled so far."""
        return dict(zip(self.counter_names, self._state.counters.tolist(), strict=True))


class BranchingSearch(CompiledSearch, ABC):
    """One that keeps a level for every branching, whether or not its sibling is still to come."""

    _cube: Cube

    @abstractmethod
    def _path(self) -> list[int]:
        """The literals of the branchings down to the cell at hand."""

    @abstractmethod
    def _layer(self) -> int:
        """The layer at hand."""

    @abstractmethod
    def _pending_at(self, level: int) -> int:
        """The layer of a branching whose sibling is still to come, else -1."""

    def current(self) -> Cube:
        """The cell at hand as a cube."""
        return self._below(self._path(), self._layer())

    def pending(self) -> list[Cube]:
        """The siblings still to come, the latest first."""
        path = self._path()
        layers = [self._pending_at(level) for level in range(len(path))]
        return [
            self._below([*path[:level], -path[level]], layers[level])
            for level in reversed(range(len(path)))
            if layers[level] >= 0
        ]

    def _below(self, literals: Sequence[int], layer: int) -> Cube:
        counted = max(layer, self._cube.counted_layers)
        return Cube.of([*self._cube.literals, *literals], counted)
