"""Histograms on any partition of a box: on a network's regions, on a grid.

A cell with share v of the box's volume V and n_r of N samples has the density
``(n_r + c v) / ((N + c) v V)``: c pseudo-samples are spread evenly over the box, so that the prior
of a cell is proportional to its volume and no density is 0. The number c is what makes each sample
most probable from the others (leave-one-out likelihood, which has a closed form here).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box
from cpwl_milp.core.pattern import as_keys

_LN2 = float(np.log(2.0))
_GRID = 80
# Cells of a grid a side, at most; only occupied ones are held.
_MOST_PER_SIDE = 256
# Cells of a grid in all: with more, next to all of them are empty.
_MOST_CELLS = 1e7


@dataclass(frozen=True, eq=False)
class CellHistogram:
    """A histogram on cells that some samples were counted in.

    Attributes
    ----------
    shares : ndarray, shape (n_cells,)
        Of the box's volume.
    counts : ndarray of int64, shape (n_cells,)
        Samples in each.
    volume : float
        Of the box.
    pseudo_samples : float
    """

    shares: Vector
    counts: NDArray[np.int64]
    volume: float
    pseudo_samples: float

    @staticmethod
    def fitted(shares: Vector, counts: NDArray[np.int64], volume: float) -> CellHistogram:
        """With as many pseudo-samples as the samples themselves speak for."""
        pseudo, _ = best_pseudo_samples(shares, counts)
        return CellHistogram(shares, counts, volume, pseudo)

    def log2_density(self, cells: NDArray[np.int64]) -> Vector:
        """Bits of the density at points of these cells."""
        share = self.shares[cells]
        mass = self.counts[cells] + self.pseudo_samples * share
        total = self.counts.sum() + self.pseudo_samples
        return np.asarray(np.log2(mass / (share * total)) - np.log2(self.volume))

    @property
    def entropy_bits(self) -> float:
        """Differential entropy of the plain histogram, ``-sum p log2(p / volume)``."""
        p = self.counts / self.counts.sum()
        seen = p > 0
        surprise = xlogy(p[seen], p[seen] / self.shares[seen]).sum()
        return float(np.log2(self.volume) - surprise / _LN2)


def best_pseudo_samples(shares: Vector, counts: NDArray[np.int64]) -> tuple[float, float]:
    """The number c that makes samples most probable from the others, and that log likelihood.

    ``sum n_r ln((n_r - 1 + c v_r) / ((N - 1 + c) v_r))``, over a grid of c from 0.01 to 100 N.
    Cells without samples say nothing, so they may be left out.
    """
    occupied = counts > 0
    n, v = counts[occupied].astype(np.float64), shares[occupied]
    total = n.sum()
    tried = np.geomspace(0.01, 100.0 * total, _GRID)
    found = np.array([(n * np.log((n - 1 + c * v) / ((total - 1 + c) * v))).sum() for c in tried])
    best = int(found.argmax())
    return float(tried[best]), float(found[best])


@dataclass(frozen=True, eq=False)
class GridHistogram:
    """A histogram of equal cells, the same number a side.

    Attributes
    ----------
    box : Box
        All of whose sides have a length.
    per_side : int
    keys : ndarray
        Of the occupied cells, sorted.
    counts : ndarray of int64
        Samples in each.
    pseudo_samples : float
    """

    box: Box
    per_side: int
    keys: NDArray[np.void]
    counts: NDArray[np.int64]
    pseudo_samples: float

    @staticmethod
    def fitted(points: Dense, box: Box) -> GridHistogram:
        """With cells and pseudo-samples chosen by the leave-one-out likelihood of `points`."""
        dim = points.shape[1]
        best, most = None, -np.inf
        for per_side in range(1, _MOST_PER_SIDE + 1):
            if per_side > 1 and per_side**dim > _MOST_CELLS:
                break
            keys, counts = np.unique(_keys(points, box, per_side), return_counts=True)
            shares = np.full(len(keys), float(per_side) ** -dim)
            pseudo, likelihood = best_pseudo_samples(shares, counts)
            if likelihood > most:
                best, most = GridHistogram(box, per_side, keys, counts, pseudo), likelihood
        assert best is not None
        return best

    @property
    def n_cells(self) -> int:
        """Occupied or not."""
        return int(self.per_side ** len(self.box.lower))

    def log2_density(self, points: Dense) -> Vector:
        """Bits of the density at points of the box, shape (n, dim)."""
        keys = _keys(points, self.box, self.per_side)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        counts = np.where(self.keys[place] == keys, self.counts[place], 0)
        share = 1.0 / self.n_cells
        total = self.counts.sum() + self.pseudo_samples
        volume = float(np.prod(self.box.upper - self.box.lower))
        return np.asarray(
            np.log2((counts + self.pseudo_samples * share) / (share * total)) - np.log2(volume)
        )


def _keys(points: Dense, box: Box, per_side: int) -> NDArray[np.void]:
    inside = (points - box.lower) / (box.upper - box.lower)
    # The upper faces belong to the last cells; big-endian bytes sort as numbers do.
    places = np.clip((inside * per_side).astype(np.int64), 0, per_side - 1)
    rows = np.ascontiguousarray(places.astype(">i8")).view(np.uint8).reshape(len(points), -1)
    return as_keys(rows)
