"""The regions of a two-dimensional domain as polygons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed
from cpwl_milp.partition.clipping import clipped, split_by_winner
from cpwl_milp.partition.composed import composed_blocks
from cpwl_milp.partition.outlines import Disc, Outline


@dataclass(frozen=True, eq=False)
class Polygons:
    """Convex polygons, vertices counter-clockwise.

    Attributes
    ----------
    vertices : ndarray, shape (n_vertices, 2)
        Of all polygons, one after the other.
    starts : ndarray, shape (n_polygons + 1,)
        Where each polygon's vertices begin.
    sides : ndarray, shape (n_vertices,)
        The hidden unit on whose zero set the edge after each vertex lies; -1 on the outline,
        -2 between two classes.
    regions : ndarray, shape (n_polygons,)
        The region that each polygon is (a part of).
    """

    vertices: Dense
    starts: NDArray[np.int64]
    sides: NDArray[np.int64]
    regions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, k: int) -> Dense:
        return self.vertices[self.starts[k] : self.starts[k + 1]]

    @property
    def following(self) -> NDArray[np.int64]:
        """The vertex after each, around its polygon."""
        after = np.arange(1, len(self.vertices) + 1)
        kept = np.diff(self.starts) > 0
        after[self.starts[1:][kept] - 1] = self.starts[:-1][kept]
        return after

    def areas(self, disc: Disc | None = None) -> Vector:
        """Area of each polygon, or of what lies of it in a disc."""
        if disc is None:
            middle = np.repeat(self._anchors(), np.diff(self.starts), axis=0)
            shares = _triangles(self.vertices - middle, self.vertices[self.following] - middle)
        else:
            a = (self.vertices - disc.centre) / disc.radius
            b = (self.vertices[self.following] - disc.centre) / disc.radius
            shares = disc.radius**2 * _in_unit_disc(a, b)
        owners = np.repeat(np.arange(len(self)), np.diff(self.starts))
        found: Vector = np.zeros(len(self))
        np.add.at(found, owners, shares)
        return found

    def _anchors(self) -> Dense:
        """A point of each polygon: its first vertex."""
        found = np.zeros((len(self), 2))
        kept = np.diff(self.starts) > 0
        found[kept] = self.vertices[self.starts[:-1][kept]]
        return found


def region_polygons(network: Network, outline: Outline, patterns: Packed) -> Polygons:
    """Clip the outline by the rows of each pattern.

    Parameters
    ----------
    network : Network
        With two inputs.
    outline : Outline
    patterns : ndarray of uint8, shape (n_regions, bytes)
    """
    parts = [_EMPTY]
    for block in composed_blocks(network, patterns, with_rows=True):
        assert block.rows is not None
        inward = np.where(block.bits, 1.0, -1.0)[:, :, None] * block.rows
        parts.append(clipped(inward, outline.corners))
    return _joined(parts, np.arange(len(patterns)))


def class_polygons(
    network: Network, polygons: Polygons, patterns: Packed
) -> tuple[Polygons, NDArray[np.int64]]:
    """Divide regions by the output that is largest, or the sign of a single one.

    Parameters
    ----------
    network : Network
        With two inputs.
    polygons : Polygons
        Of all patterns, in their order.
    patterns : ndarray of uint8, shape (n_regions, bytes)

    Returns
    -------
    Polygons
        Each within one region and one class.
    ndarray, shape (n_polygons,)
        Their classes; for a single output 1 where it is positive.
    """
    parts, classes, owners = [_EMPTY], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for block in composed_blocks(network, patterns, with_rows=False):
        outputs = block.outputs
        if outputs.shape[1] == 1:
            outputs = np.concatenate([np.zeros_like(outputs), outputs], axis=1)
        here = slice(polygons.starts[block.start], polygons.starts[block.start + len(outputs)])
        starts = polygons.starts[block.start : block.start + len(outputs) + 1]
        vertices, sides, counts, winners, regions = split_by_winner(
            outputs, polygons.vertices[here], polygons.sides[here], starts - starts[0]
        )
        parts.append((vertices, sides, counts))
        classes.append(winners)
        owners.append(regions + block.start)
    return _joined(parts, np.concatenate(owners)), np.concatenate(classes)


_Part = tuple[Dense, NDArray[np.int64], NDArray[np.int64]]
_EMPTY: _Part = (np.zeros((0, 2)), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


def _joined(parts: list[_Part], regions: NDArray[np.int64]) -> Polygons:
    vertices, sides, counts = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Polygons(vertices, starts, sides, regions)


def _triangles(a: Dense, b: Dense) -> Vector:
    """Signed areas of the triangles (0, a, b)."""
    return np.asarray(0.5 * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]))


def _in_unit_disc(a: Dense, b: Dense) -> Vector:
    """Signed areas of what lies of the triangles (0, a, b) in the unit disc.

    The segment from a to b is cut where it enters and leaves the disc; outside it the area is a
    circular sector's, inside a triangle's.
    """
    way = b - a
    square = np.einsum("ij,ij->i", way, way)
    half = np.einsum("ij,ij->i", a, way)
    rest = np.einsum("ij,ij->i", a, a) - 1.0
    root = half**2 - square * rest
    meets = (root > 0) & (square > 0)
    divisor = np.where(meets, square, 1.0)
    root = np.sqrt(np.where(meets, root, 0.0))
    # Where it misses the disc, both ends are put at b: one sector from a to b is left.
    enter = np.where(meets, np.clip((-half - root) / divisor, 0.0, 1.0), 1.0)
    leave = np.where(meets, np.clip((-half + root) / divisor, 0.0, 1.0), 1.0)
    p, q = a + enter[:, None] * way, a + leave[:, None] * way
    return _sectors(a, p) + _triangles(p, q) * (leave > enter) + _sectors(q, b)


def _sectors(a: Dense, b: Dense) -> Vector:
    """Signed areas of the unit disc's sectors from the ray of a to that of b."""
    cross = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return np.asarray(0.5 * np.arctan2(cross, np.einsum("ij,ij->i", a, b)))
