"""The regions of a two-dimensional box as polygons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed
from cpwl_milp.partition.composed import composed_blocks


@dataclass(frozen=True, eq=False)
class Polygons:
    """Convex polygons, vertices counter-clockwise.

    Attributes
    ----------
    vertices : ndarray, shape (n_vertices, 2)
        Of all polygons, one after the other.
    starts : ndarray, shape (n_polygons + 1,)
        Where each polygon's vertices begin.
    """

    vertices: Dense
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, k: int) -> Dense:
        return self.vertices[self.starts[k] : self.starts[k + 1]]

    def areas(self) -> Vector:
        """Area of each polygon (the shoelace formula, about its first vertex)."""
        found = np.zeros(len(self))
        for k in range(len(self)):
            edge = self[k][1:] - self[k][:1]
            found[k] = 0.5 * np.sum(edge[:-1, 0] * edge[1:, 1] - edge[:-1, 1] * edge[1:, 0])
        return found


def region_polygons(network: Network, box: Box, patterns: Packed) -> Polygons:
    """Clip the box by the rows of each pattern.

    Parameters
    ----------
    network : Network
        With two inputs.
    box : Box
    patterns : ndarray of uint8, shape (n_regions, bytes)
    """
    corners = np.array(
        [
            [box.lower[0], box.lower[1]],
            [box.upper[0], box.lower[1]],
            [box.upper[0], box.upper[1]],
            [box.lower[0], box.upper[1]],
        ]
    )
    parts, sizes = [np.zeros((0, 2))], [np.zeros(0, dtype=np.int64)]
    for block in composed_blocks(network, patterns, with_rows=True):
        assert block.rows is not None
        inward = np.where(block.bits, 1.0, -1.0)[:, :, None] * block.rows
        vertices, counts = _clipped(inward, corners)
        parts.append(vertices)
        sizes.append(counts)
    starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)
    return Polygons(np.concatenate(parts), starts)


@njit(cache=True)
def _clipped(rows, corners):  # type: ignore[no-untyped-def]
    """Clip the polygon `corners` by each region's rows (Sutherland and Hodgman 1974).

    A row (a, b, g) keeps ``a x + b y + g >= 0``.

    Returns the vertices (total, 2) and the number of vertices of each region.
    """
    n, m, _ = rows.shape
    room = len(corners) + m
    now = np.empty((room, 2))
    then = np.empty((room, 2))
    height = np.empty(room)
    counts = np.zeros(n, dtype=np.int64)
    out = np.empty((max(16, 8 * n), 2))
    total = 0
    for r in range(n):
        size = len(corners)
        now[:size] = corners
        for i in range(m):
            a, b, g = rows[r, i, 0], rows[r, i, 1], rows[r, i, 2]
            lowest = np.inf
            for k in range(size):
                height[k] = g + a * now[k, 0] + b * now[k, 1]
                lowest = min(lowest, height[k])
            if lowest >= 0.0:
                continue
            kept = 0
            for k in range(size):
                after = (k + 1) % size
                if height[k] >= 0.0:
                    then[kept] = now[k]
                    kept += 1
                if (height[k] > 0.0 and height[after] < 0.0) or (
                    height[k] < 0.0 and height[after] > 0.0
                ):
                    share = height[k] / (height[k] - height[after])
                    then[kept, 0] = now[k, 0] + share * (now[after, 0] - now[k, 0])
                    then[kept, 1] = now[k, 1] + share * (now[after, 1] - now[k, 1])
                    kept += 1
            size = kept
            now, then = then, now
            if size < 3:
                size = 0
                break
        counts[r] = size
        if total + size > len(out):
            more = np.empty((2 * len(out) + size, 2))
            more[:total] = out[:total]
            out = more
        out[total : total + size] = now[:size]
        total += size
    return out[:total].copy(), counts
