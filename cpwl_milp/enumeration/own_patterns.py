"""The distinct patterns of each layer alone, seen while regions go by."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.exploration import Advance
from cpwl_milp.core.pattern import Packed, packed_size, unique

# Rows gathered before they are merged into a layer's distinct patterns.
_MERGE_AT = 1 << 16


class OwnPatterns:
    """Collects the own patterns of every layer, up to a cap for each.

    Parameters
    ----------
    widths : sequence of int
        Hidden units of each layer.
    max_per_layer : int
        Distinct patterns kept of one layer; a layer that has more is given up and counted as
        "at least so many".
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

    def accept_patterns(self, patterns: Packed) -> None:
        """Take packed patterns of the whole network, those of a resumed run for instance."""
        if len(patterns):
            for layer in self._layers:
                layer.accept(patterns)

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


class _OwnLayer:
    """The distinct patterns of one layer."""

    def __init__(self, begin: int, width: int, limit: int) -> None:
        self.capped = False
        self._begin = begin
        self._width = width
        self._limit = limit
        self._known: Packed = np.zeros((0, packed_size(width)), dtype=np.uint8)
        self._fresh: list[Packed] = []
        self._n_fresh = 0

    def accept(self, patterns: Packed) -> None:
        if self.capped or (self._width < 63 and len(self._known) == 1 << self._width):
            return
        own = _distinct(bits_of(patterns, self._begin, self._width))
        self._fresh.append(own)
        self._n_fresh += len(own)
        # Merging in proportion to what is known keeps the whole cost at n log n.
        if self._n_fresh >= max(_MERGE_AT, len(self._known) // 2):
            self.merged()

    def merged(self) -> Packed:
        if self._fresh:
            self._known = _distinct(np.concatenate([self._known, *self._fresh]))
            self._fresh, self._n_fresh = [], 0
            if len(self._known) > self._limit:
                self._known = self._known[: self._limit]
                self.capped = True
        return self._known


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


def _distinct(packed: Packed) -> Packed:
    """Distinct rows; as 64-bit integers where they fit, which sorts ten times faster."""
    n, size = packed.shape
    if size > 8:
        return unique(packed)[0]
    wide = np.zeros((n, 8), dtype=np.uint8)
    wide[:, :size] = packed
    # Big-endian, so that the order of the integers is the order of the bytes.
    keys: NDArray[np.uint64] = np.unique(wide.view(">u8").ravel().astype(np.uint64))
    return keys.astype(">u8").view(np.uint8).reshape(-1, 8)[:, :size].copy()
