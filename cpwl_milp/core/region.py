"""Regions in batches: what engines hand on and what the run folder stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.pattern import Packed, packed_size


@dataclass(frozen=True, eq=False)
class RegionBatch:
    """Proper activation regions (full-dimensional patterns), one a row.

    Attributes
    ----------
    patterns : ndarray of uint8, shape (n, packed_size(n_units))
    points : ndarray, shape (n, dim), or (0, dim) where none were asked for
        An interior point of each region, in the domain's coordinates.
    inradii : ndarray, shape (n,) or (0,)
        Radius of the largest ball inside region and domain, in the domain's coordinates.
    unbounded : ndarray of bool, shape (n,), or None
        Whether each region is unbounded, where the domain is and somebody asked.
    """

    patterns: Packed
    points: Dense
    inradii: Vector
    unbounded: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.patterns)

    @staticmethod
    def empty(n_units: int, dim: int) -> RegionBatch:
        """No region."""
        return RegionBatch(
            np.zeros((0, packed_size(n_units)), dtype=np.uint8), np.zeros((0, dim)), np.zeros(0)
        )

    @staticmethod
    def joined(batches: Sequence[RegionBatch]) -> RegionBatch:
        """Several batches as one (at least one must be given)."""
        if len(batches) == 1:
            return batches[0]
        return RegionBatch(
            np.concatenate([b.patterns for b in batches]),
            np.concatenate([b.points for b in batches]),
            np.concatenate([b.inradii for b in batches]),
        )
