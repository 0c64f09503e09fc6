"""The distinct patterns of each layer alone, seen while regions go by."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.exploration import Advance
from cpwl_milp.core.pattern import Packed, packed_size, unique

# Rows gathered before they are merged into a layer's distinct patterns.
_MERGE_AT = 1 << 16
# What the distinct patterns of one layer may take.
_MOST_BYTES = 1 << 27
# Patterns of so many bits are handled as numbers.
_NUMBER_BITS = 64


class OwnPatterns:
    """Collects the own patterns of every layer, up to a cap for each.

    Parameters
    ----------
    widths : sequence of int
        Hidden units of each layer.
    max_per_layer : int
        Distinct patterns kept of one layer, or what fits into 128 MB; a layer that has more is
        given up and counted as "at least so many".
    """

    def __init__(self, widths: Sequence[int], max_per_layer: int = 1_000_000) -> None:
        offsets = [0, *itertools.accumulate(widths)]
        self._layers = [
            _OwnLayer(begin, width, max_per_layer)
            for begin, width in zip(offsets, widths, strict=False)
        ]

    def accept(self, advance: Advance) -> None:
        """Take the regions of an advance."""
        self.accept_patterns(advance.regions.patterns)

    def prepared(self, advance: Advance) -> Callable[[], None]:
        """Find the distinct patterns of an advance now; they are added when the result is called.

        Safe in any thread.
        """
        return self._prepared(advance.regions.patterns)

    def preparation(self) -> Callable[[Advance], list[Packed]]:
        """The same for another process, which cannot know what layers are settled."""
        return _DistinctOwn(tuple((layer.begin, layer.width) for layer in self._layers))

    def delivery(self, advance: Advance, prepared: list[Packed]) -> Callable[[], None]:
        """What is left to do with what the other process found."""
        return partial(self._add, list(zip(self._layers, prepared, strict=True)))

    def accept_patterns(self, patterns: Packed) -> None:
        """Take packed patterns of the whole network, those of a resumed run for instance."""
        self._prepared(patterns)()

    def _prepared(self, patterns: Packed) -> Callable[[], None]:
        wanted = [layer for layer in self._layers if len(patterns) and not layer.settled]
        found = [(layer, distinct_in(patterns, layer.begin, layer.width)) for layer in wanted]
        return partial(self._add, found)

    def _add(self, found: list[tuple[_OwnLayer, Packed]]) -> None:
        for layer, own in found:
            layer.add(own)

    @property
    def counts(self) -> tuple[int, ...]:
        """Distinct patterns of each layer that were seen."""
        return tuple(len(layer.merged()) for layer in self._layers)

    @property
    def capped(self) -> tuple[bool, ...]:
        """Which layers have more patterns than were kept."""
        return tuple(layer.capped for layer in self._layers)

    def patterns(self, layer: int) -> Packed:
        """Distinct patterns of layer `layer` (from 0), packed, in byte order."""
        return self._layers[layer].merged()


@dataclass(frozen=True)
class _DistinctOwn:
    """Finds the distinct patterns of some layers, each from its first bit and of some width."""

    layers: tuple[tuple[int, int], ...]

    def __call__(self, advance: Advance) -> list[Packed]:
        patterns = advance.regions.patterns
        return [distinct_in(patterns, begin, width) for begin, width in self.layers]


class _OwnLayer:
    """The distinct patterns of one layer."""

    def __init__(self, begin: int, width: int, limit: int) -> None:
        self.capped = False
        self.begin = begin
        self.width = width
        self._limit = min(limit, max(1, _MOST_BYTES // packed_size(width)))
        self._known: Packed = np.zeros((0, packed_size(width)), dtype=np.uint8)
        self._fresh: list[Packed] = []
        self._n_fresh = 0

    @property
    def settled(self) -> bool:
        """Whether further patterns make no difference."""
        return self.capped or (self.width < 63 and len(self._known) == 1 << self.width)

    def add(self, own: Packed) -> None:
        if self.settled:
            return
        self._fresh.append(own)
        self._n_fresh += len(own)
        # Merging in proportion to what is known keeps the whole cost at n log n.
        if self._n_fresh >= max(min(_MERGE_AT, self._limit), len(self._known) // 2):
            self.merged()

    def merged(self) -> Packed:
        if self._fresh:
            self._known = _distinct(np.concatenate([self._known, *self._fresh]), self.width)
            self._fresh, self._n_fresh = [], 0
            if len(self._known) > self._limit:
                self._known = self._known[: self._limit]
                self.capped = True
        return self._known


def distinct_in(patterns: Packed, begin: int, width: int) -> Packed:
    """Distinct bits ``begin .. begin + width`` of packed patterns, in byte order.

    Regions are listed in an order in which equal patterns of a layer mostly follow each other, so
    that little is left to sort.
    """
    if 0 < width <= _NUMBER_BITS:
        numbers = _numbers_of(patterns, begin, width)
        numbers = numbers[_first_of_runs(numbers)]
        return _rows_of(np.unique(numbers.byteswap()), width)
    rows = bits_of(patterns, begin, width)
    return unique(rows[_first_of_runs(rows).any(axis=1)])[0]


def bits_of(patterns: Packed, begin: int, width: int) -> Packed:
    """Bits ``begin .. begin + width`` of packed patterns, packed again, without unpacking.

    Parameters
    ----------
    patterns : ndarray of uint8, shape (n, bytes)
    begin, width : int

    Returns
    -------
    ndarray of uint8, shape (n, packed_size(width))
    """
    if width == 0:
        return np.zeros((len(patterns), 1), dtype=np.uint8)
    first, shift = divmod(begin, 8)
    size = packed_size(width)
    own = patterns[:, first : first + size] >> shift
    if shift:
        above = patterns[:, first + 1 : first + 1 + size] << (8 - shift)
        own[:, : above.shape[1]] |= above
    if width % 8:
        own[:, -1] &= (1 << width % 8) - 1
    return np.ascontiguousarray(own)


def _numbers_of(patterns: Packed, begin: int, width: int) -> NDArray[np.uint64]:
    """The same as one number each, byte k counting ``256^k``: whole columns at a time."""
    first, shift = divmod(begin, 8)
    numbers = patterns[:, first].astype(np.uint64) >> np.uint64(shift)
    for byte in range(first + 1, (begin + width + 7) // 8):
        numbers |= patterns[:, byte].astype(np.uint64) << np.uint64(8 * (byte - first) - shift)
    return numbers & np.uint64((1 << width) - 1)


def _rows_of(numbers: NDArray[np.uint64], width: int) -> Packed:
    """Numbers whose order is the order of the bytes, as packed rows."""
    rows = numbers.astype(">u8").view(np.uint8).reshape(-1, 8)
    return rows[:, : packed_size(width)].copy()


def _distinct(rows: Packed, width: int) -> Packed:
    """Distinct rows in byte order; as numbers where they fit, which sorts ten times faster."""
    if not 0 < width <= _NUMBER_BITS:
        return unique(rows)[0]
    return _rows_of(np.unique(_numbers_of(rows, 0, width).byteswap()), width)


def _first_of_runs(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """What differs from the row before."""
    differs = np.ones(rows.shape, dtype=np.bool_)
    np.not_equal(rows[1:], rows[:-1], out=differs[1:])
    return differs
