"""The regions of a two-dimensional box as polygons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits

# Regions whose maps are composed at once.
_BLOCK = 4096


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


def region_polygons(network: Network, box: Box, bits: Bits) -> Polygons:
    """Clip the box by the rows of each pattern.

    Parameters
    ----------
    network : Network
        With two inputs.
    box : Box
    bits : ndarray of bool, shape (n_regions, n_units)
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
    for begin in range(0, len(bits), _BLOCK):
        rows = composed_rows(network, bits[begin : begin + _BLOCK])
        vertices, counts = _clipped(rows, corners)
        parts.append(vertices)
        sizes.append(counts)
    starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)
    return Polygons(np.concatenate(parts), starts)


def composed_rows(network: Network, bits: Bits) -> Dense:
    """Rows ``[g, c]`` with ``g + c . x >= 0`` on each region, (n_regions, n_units, 1 + dim).

    The pre-activations of every hidden unit composed along each pattern, turned to the side of
    its bit.
    """
    n = len(bits)
    values = np.broadcast_to(
        np.eye(network.n_inputs, network.n_inputs + 1, 1),
        (n, network.n_inputs, network.n_inputs + 1),
    )
    found = [np.zeros((n, 0, network.n_inputs + 1))]
    for index, layer in enumerate(network.layers):
        z = np.matmul(layer.affine.dense(), values)
        z[:, :, 0] += layer.affine.bias
        own = bits[:, network.layer_bits(index)]
        sign = np.where(own, 1.0, -1.0)
        found.append(z[:, layer.units] * sign[:, :, None])
        factor = np.ones(z.shape[:2])
        factor[:, layer.units] = np.where(own, 1.0, layer.slope[layer.units])
        values = z * factor[:, :, None]
    return np.concatenate(found, axis=1)


@njit(cache=True)
def _clipped(rows, corners):  # type: ignore[no-untyped-def]
    """Clip the polygon `corners` by each region's rows (Sutherland and Hodgman 1974).

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
            g, a, b = rows[r, i, 0], rows[r, i, 1], rows[r, i, 2]
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
