"""Activation patterns as packed bits.

A pattern is one bit a hidden unit, 1 iff its pre-activation is above zero, layer after layer.
Packed little-endian, bit k of a pattern is bit ``k % 8`` of byte ``k // 8``.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Bits: TypeAlias = NDArray[np.bool_]
Packed: TypeAlias = NDArray[np.uint8]


def packed_size(n_units: int) -> int:
    """Bytes of one packed pattern of `n_units` bits (at least 1, so that a row exists)."""
    return max(1, (n_units + 7) // 8)


def pack(bits: Bits) -> Packed:
    """Pack patterns of shape (n, n_units) into bytes of shape (n, packed_size(n_units))."""
    if bits.shape[1] == 0:
        return np.zeros((len(bits), 1), dtype=np.uint8)
    return np.packbits(bits, axis=1, bitorder="little")


def unpack(packed: Packed, n_units: int) -> Bits:
    """The inverse of `pack`: booleans of shape (n, n_units)."""
    return np.unpackbits(packed, axis=1, count=n_units, bitorder="little").astype(np.bool_)


def as_keys(packed: Packed) -> NDArray[np.void]:
    """One opaque, hashable and sortable key a row, without copying when contiguous."""
    rows = np.ascontiguousarray(packed)
    return rows.view(np.dtype((np.void, rows.shape[1]))).ravel()


def unique(packed: Packed) -> tuple[Packed, NDArray[np.intp], NDArray[np.intp]]:
    """Distinct rows in byte order, the row each input fell to, and how many fell there."""
    if len(packed) == 0:
        nothing = np.zeros(0, dtype=np.intp)
        return packed, nothing, nothing
    _, first, inverse, counts = np.unique(
        as_keys(packed), return_index=True, return_inverse=True, return_counts=True
    )
    return packed[first], inverse.ravel(), counts
