"""Packed patterns of all units from those of some."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.compiled import allocating_kernel


@allocating_kernel
def completed(patterns, common, units):
    """Packed patterns of all units from those of some.

    Neighbours in a list differ in few bits, so each is made from the one before.

    Parameters
    ----------
    patterns : ndarray of uint8, shape (n, bytes)
        Of the units left.
    common : ndarray of uint8, shape (bytes of all units,)
        The bits that all patterns have.
    units : ndarray of int64
        The number of each unit left among all.
    """
    n, n_bytes = patterns.shape
    found = np.empty((n, common.shape[0]), dtype=np.uint8)
    for row in range(n):
        for byte in range(common.shape[0]):
            found[row, byte] = common[byte] if row == 0 else found[row - 1, byte]
        for byte in range(n_bytes):
            changed = patterns[row, byte]
            if row > 0:
                changed ^= patterns[row - 1, byte]
            if changed != 0:
                for k in range(8):
                    if (changed >> k) & 1:
                        unit = units[8 * byte + k]
                        found[row, unit >> 3] ^= np.uint8(1 << (unit & 7))
    return found
