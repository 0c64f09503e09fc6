"""Lists of patterns in the order of the tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.pattern import Packed

Words = NDArray[np.uint64]

_ROWS = 1 << 16
# Each byte with its bits in the other order.
_REVERSED = np.packbits(
    np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1), axis=1, bitorder="little"
)[:, 0]


def as_words(packed: Iterable[Packed], widths: Sequence[int]) -> Words:
    """Packed patterns as words, layer by layer, the first unit of each in the highest bit.

    Rows compare as the patterns do: lexicographically, unit 0 first.
    """
    n_words = sum((n + 63) // 64 for n in widths)
    found = [np.zeros((0, n_words), dtype=np.uint64)]
    for batch in packed:
        found += [
            _words_of(batch[start : start + _ROWS], widths, n_words)
            for start in range(0, len(batch), _ROWS)
        ]
    return np.concatenate(found)


def _words_of(batch: Packed, widths: Sequence[int], n_words: int) -> Words:
    rows = np.zeros((len(batch), batch.shape[1] + 9), dtype=np.uint8)
    # One string of bits a row, unit 0 first.
    rows[:, : batch.shape[1]] = _REVERSED[batch]
    words = np.empty((len(batch), n_words), dtype=np.uint64)
    first = word = 0
    for n in widths:
        for start in range(first, first + n, 64):
            byte, shift = divmod(start, 8)
            eight = np.ascontiguousarray(rows[:, byte : byte + 8]).view(">u8")[:, 0]
            bits = (eight << np.uint64(shift)) | (rows[:, byte + 8] >> (8 - shift))
            left = min(64, first + n - start)
            words[:, word] = bits & ~np.uint64((1 << (64 - left)) - 1)
            word += 1
        first += n
    return words


def bits_of(words: Words, widths: Sequence[int]) -> NDArray[np.uint8]:
    """The bits of one row of words, shape (n_units,)."""
    found = []
    word = 0
    for n in widths:
        size = (n + 63) // 64
        layer = words[word : word + size].astype(">u8").view(np.uint8)
        found.append(np.unpackbits(layer, count=n))
        word += size
    return np.concatenate(found or [np.zeros(0, dtype=np.uint8)])


def ordered(words: Words) -> Words:
    """Sorted, each row once; the very same array where it is so already."""
    if _ascends(words):
        return words
    order = np.lexsort(words.T[::-1])
    sorted_words = words[order]
    fresh = np.ones(len(words), dtype=np.bool_)
    fresh[1:] = (sorted_words[1:] != sorted_words[:-1]).any(axis=1)
    return sorted_words[fresh]


def prefix_counts(words: Words, widths: Sequence[int]) -> tuple[int, ...]:
    """The number of distinct prefixes 1..l of ordered rows, for every layer l."""
    starts = np.zeros(len(words), dtype=np.bool_)
    starts[:1] = True
    found = []
    word = 0
    for n in widths:
        size = (n + 63) // 64
        layer = words[:, word : word + size]
        starts[1:] |= (layer[1:] != layer[:-1]).any(axis=1)
        found.append(int(np.count_nonzero(starts)))
        word += size
    return tuple(found)


def _ascends(words: Words) -> bool:
    equal = np.ones(max(0, len(words) - 1), dtype=np.bool_)
    for column in words.T:
        before, after = column[:-1], column[1:]
        if np.any(equal & (before > after)):
            return False
        equal &= before == after
    return not equal.any()
