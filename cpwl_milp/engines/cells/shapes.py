"""Measures of cells: volumes, and the facets with their areas and centres.

Polygons are given in order. Beyond the plane a facet is the vertices with its bit; in space they
are put in order around their mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.engines.compiled import entry_kernel, kernel


@dataclass(frozen=True, eq=False)
class Facets:
    """Facets of some cells.

    Attributes
    ----------
    cell : ndarray of int64, shape (n,)
    label : ndarray of int64, shape (n,)
        Side of the box (below 2 dim), or 2 dim + number of the cut.
    measure : ndarray, shape (n,)
        1 in one dimension, length in two, area in three.
    centre : ndarray, shape (n, dim)
        Its centre of mass.
    """

    cell: NDArray[np.int64]
    label: NDArray[np.int64]
    measure: Vector
    centre: Dense

    @staticmethod
    def joined(parts: list[Facets]) -> Facets:
        """Several as one."""
        return Facets(
            np.concatenate([part.cell for part in parts]),
            np.concatenate([part.label for part in parts]),
            np.concatenate([part.measure for part in parts]),
            np.concatenate([part.centre for part in parts]),
        )


def polygon_areas(corners: Dense, starts: NDArray[np.int64]) -> Vector:
    """Areas of polygons, counter-clockwise, about the first corner of each (shoelace formula)."""
    first = np.repeat(corners[starts[:-1]], np.diff(starts), axis=0)
    arm = corners - first
    after = arm[_next_corner(starts)]
    doubled = arm[:, 0] * after[:, 1] - arm[:, 1] * after[:, 0]
    return np.asarray(0.5 * np.add.reduceat(doubled, starts[:-1]))


def polygon_facets(corners: Dense, starts: NDArray[np.int64], labels: NDArray[np.int64]) -> Facets:
    """The edges of polygons; `labels` has that of the edge after each corner."""
    after = corners[_next_corner(starts)]
    return Facets(
        cell=np.repeat(np.arange(len(starts) - 1), np.diff(starts)),
        label=labels,
        measure=np.hypot(*(after - corners).T),
        centre=0.5 * (corners + after),
    )


def _next_corner(starts: NDArray[np.int64]) -> NDArray[np.int64]:
    after = np.arange(1, int(starts[-1]) + 1)
    after[starts[1:] - 1] = starts[:-1]
    return after


def polytope_volumes(
    corners: Dense, starts: NDArray[np.int64], masks: NDArray[np.uint64]
) -> tuple[Vector, NDArray[np.int64], Vector, Dense]:
    """Volumes of cells of one or three dimensions, and all their facets.

    Parameters
    ----------
    corners : ndarray, shape (n_corners, dim)
    starts : ndarray, shape (n_cells + 1,)
    masks : ndarray of uint64, shape (n_corners,)
        Bit k: the corner lies on facet k of its cell.

    Returns
    -------
    volumes : ndarray, shape (n_cells,)
    facets : ndarray of int64, shape (n_facets, 2)
        The cell of each facet and its bit.
    measures : ndarray, shape (n_facets,)
    centres : ndarray, shape (n_facets, dim)
    """
    dim = corners.shape[1]
    n_cells = len(starts) - 1
    volumes = np.zeros(n_cells)
    # Each facet has at least `dim` corners.
    room = int(_bit_counts(masks).sum()) // dim + 1
    facets = np.zeros((room, 2), dtype=np.int64)
    measures, centres = np.zeros(room), np.zeros((room, dim))
    ring = np.zeros((int(np.diff(starts).max(initial=1)), 4))
    if dim == 1:
        n = _segments(corners, starts, masks, volumes, facets, measures, centres)
    else:
        n = _polyhedra(corners, starts, masks, volumes, facets, measures, centres, ring)
    return volumes, facets[:n], measures[:n], centres[:n]


def _bit_counts(masks: NDArray[np.uint64]) -> NDArray[np.int64]:
    bits = np.unpackbits(masks[:, None].view(np.uint8), axis=1)
    return np.asarray(bits.sum(axis=1, dtype=np.int64))


@entry_kernel
def _segments(corners, starts, masks, volumes, facets, measures, centres):
    n = 0
    for cell in range(starts.shape[0] - 1):
        begin = starts[cell]
        volumes[cell] = abs(corners[begin + 1, 0] - corners[begin, 0])
        for v in range(begin, begin + 2):
            for bit in range(64):
                if (masks[v] >> np.uint64(bit)) & np.uint64(1):
                    facets[n, 0], facets[n, 1] = cell, bit
                    measures[n] = 1.0
                    centres[n, 0] = corners[v, 0]
                    n += 1
    return n


@entry_kernel
def _polyhedra(corners, starts, masks, volumes, facets, measures, centres, ring):
    n = 0
    for cell in range(starts.shape[0] - 1):
        begin, end = starts[cell], starts[cell + 1]
        used = np.uint64(0)
        mean_x = mean_y = mean_z = 0.0
        for v in range(begin, end):
            used |= masks[v]
            mean_x += corners[v, 0] / (end - begin)
            mean_y += corners[v, 1] / (end - begin)
            mean_z += corners[v, 2] / (end - begin)
        for bit in range(64):
            if (used >> np.uint64(bit)) & np.uint64(1) == 0:
                continue
            size = 0
            for v in range(begin, end):
                if (masks[v] >> np.uint64(bit)) & np.uint64(1):
                    ring[size, 0] = corners[v, 0] - mean_x
                    ring[size, 1] = corners[v, 1] - mean_y
                    ring[size, 2] = corners[v, 2] - mean_z
                    size += 1
            if size < 3:
                continue
            put_in_order(ring, size)
            area, x, y, z, cone = fan(ring, size)
            # A cone from the cell's mean over each facet.
            volumes[cell] += abs(cone) / 6.0
            facets[n, 0], facets[n, 1] = cell, bit
            measures[n] = area
            centres[n, 0], centres[n, 1], centres[n, 2] = mean_x + x, mean_y + y, mean_z + z
            n += 1
    return n


@kernel
def put_in_order(ring, size):
    """Sort points of a plane by the angle around their mean; ``ring[:, 3]`` is scratch."""
    x = y = z = 0.0
    for t in range(size):
        x += ring[t, 0] / size
        y += ring[t, 1] / size
        z += ring[t, 2] / size
    # The longest arm, and the one that spans the most with it.
    best = 0.0
    ax = ay = az = 0.0
    for t in range(size):
        u, v, w = ring[t, 0] - x, ring[t, 1] - y, ring[t, 2] - z
        if u * u + v * v + w * w > best:
            best = u * u + v * v + w * w
            ax, ay, az = u, v, w
    most = 0.0
    nx = ny = nz = 0.0
    for t in range(size):
        u, v, w = ring[t, 0] - x, ring[t, 1] - y, ring[t, 2] - z
        cx, cy, cz = ay * w - az * v, az * u - ax * w, ax * v - ay * u
        if cx * cx + cy * cy + cz * cz > most:
            most = cx * cx + cy * cy + cz * cz
            nx, ny, nz = cx, cy, cz
    # Across both, in the plane, as long as the arm times the normal.
    bx, by, bz = ny * az - nz * ay, nz * ax - nx * az, nx * ay - ny * ax
    scale = most**0.5
    for t in range(size):
        u, v, w = ring[t, 0] - x, ring[t, 1] - y, ring[t, 2] - z
        p = (u * ax + v * ay + w * az) * scale
        q = u * bx + v * by + w * bz
        # Grows with the angle, from -2 to 2.
        length = abs(p) + abs(q)
        turn = p / length if length > 0.0 else 0.0
        ring[t, 3] = (1.0 - turn) if q >= 0.0 else (turn - 1.0)
    for t in range(1, size):
        u, v, w, angle = ring[t, 0], ring[t, 1], ring[t, 2], ring[t, 3]
        place = t
        while place > 0 and ring[place - 1, 3] > angle:
            for c in range(4):
                ring[place, c] = ring[place - 1, c]
            place -= 1
        ring[place, 0], ring[place, 1], ring[place, 2], ring[place, 3] = u, v, w, angle


@kernel
def fan(ring, size):
    """Area and centre of mass of a plane polygon, and six times the cone from 0 over it."""
    total = cone = 0.0
    x = y = z = 0.0
    ox, oy, oz = ring[0, 0], ring[0, 1], ring[0, 2]
    for t in range(1, size - 1):
        ax, ay, az = ring[t, 0] - ox, ring[t, 1] - oy, ring[t, 2] - oz
        bx, by, bz = ring[t + 1, 0] - ox, ring[t + 1, 1] - oy, ring[t + 1, 2] - oz
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        area = 0.5 * (nx * nx + ny * ny + nz * nz) ** 0.5
        total += area
        x += area * (ax + bx) / 3.0
        y += area * (ay + by) / 3.0
        z += area * (az + bz) / 3.0
        cone += nx * ox + ny * oy + nz * oz
    if total > 0.0:
        x, y, z = x / total, y / total, z / total
    return total, ox + x, oy + y, oz + z, cone
