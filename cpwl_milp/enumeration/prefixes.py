"""The distinct prefixes of patterns that go by, where the engine does not count them itself."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.exploration import Advance
from cpwl_milp.core.pattern import Packed, packed_size, unique
from cpwl_milp.enumeration.own_patterns import bits_of

_N_BITS = 8


class Prefixes:
    """Counts the prefix patterns 1..l of distinct patterns.

    In lexicographic order (unit 0 first) equal prefixes follow each other, and a look at
    neighbours is enough. Patterns in any other order are kept.

    Parameters
    ----------
    widths : sequence of int
        Hidden units of each layer.
    ordered : bool
        Whether the patterns are said to come in that order.

    Attributes
    ----------
    exact : bool
        False if they did not: the counts are too large then.
    """

    def __init__(self, widths: Sequence[int], *, ordered: bool) -> None:
        self._ends = np.array(list(itertools.accumulate(widths)), dtype=np.int64)
        self._ordered = ordered
        self.exact = True
        self._counts = np.zeros(len(widths), dtype=np.int64)
        self._last: Packed = np.zeros((0, packed_size(sum(widths))), dtype=np.uint8)
        self._kept: list[Packed] = [self._last]

    def accept(self, advance: Advance) -> None:
        """Take the regions of an advance."""
        self.accept_patterns(advance.regions.patterns)

    def accept_patterns(self, patterns: Packed) -> None:
        """Take packed patterns, none of them for the second time."""
        if not len(patterns):
            return
        if not self._ordered:
            self._kept.append(patterns)
            return
        if not len(self._last):
            self._counts += 1
        rows = np.concatenate([self._last, patterns])
        self._last = patterns[-1:].copy()
        units, rising = _first_differences(rows)
        self.exact &= bool(rising.all())
        layers = np.searchsorted(self._ends, units, side="right")
        # What differs in a layer differs in all prefixes from that layer on.
        self._counts += np.cumsum(np.bincount(layers, minlength=len(self._counts)))

    @property
    def counts(self) -> tuple[int, ...]:
        """Distinct patterns of layers 1..l, for each l."""
        if self._ordered:
            return tuple(int(k) for k in self._counts)
        patterns = np.concatenate(self._kept)
        return tuple(len(unique(bits_of(patterns, 0, int(end)))[0]) for end in self._ends)


def _first_differences(rows: Packed) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Of each row and the one before: the first bit that differs, and whether it is 1 now."""
    changed = rows[1:] ^ rows[:-1]
    byte = (changed != 0).argmax(axis=1)
    places = np.arange(len(changed))
    bits = np.unpackbits(changed[places, byte][:, None], axis=1, bitorder="little").argmax(axis=1)
    rising = (rows[1:][places, byte] >> bits.astype(np.uint8)) & 1
    return byte.astype(np.int64) * _N_BITS + bits, rising == 1
