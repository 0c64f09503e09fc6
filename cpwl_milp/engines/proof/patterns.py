"""Lists of patterns in the order of the tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.pattern import Packed, unpack

Words = NDArray[np.uint64]

_ROWS = 1 << 16


def as_words(packed: Iterable[Packed], widths: Sequence[int]) -> Words:
    """Packed patterns as words, layer by layer, the first unit of each in the highest bit.

    Rows compare as the patterns do: lexicographically, unit 0 first.
    """
    sizes = [(n + 63) // 64 for n in widths]
    found = [np.zeros((0, sum(sizes)), dtype=np.uint64)]
    for batch in packed:
        for start in range(0, len(batch), _ROWS):
            bits = unpack(batch[start : start + _ROWS], sum(widths))
            found.append(_words_of(bits, widths, sizes))
    return np.concatenate(found)


def _words_of(bits: NDArray[np.bool_], widths: Sequence[int], sizes: Sequence[int]) -> Words:
    words = np.zeros((len(bits), sum(sizes)), dtype=np.uint64)
    unit = word = 0
    for n, size in zip(widths, sizes, strict=True):
        padded = np.zeros((len(bits), 8 * size), dtype=np.uint8)
        some = np.packbits(bits[:, unit : unit + n], axis=1)
        padded[:, : some.shape[1]] = some
        words[:, word : word + size] = padded.view(">u8")
        unit += n
        word += size
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
