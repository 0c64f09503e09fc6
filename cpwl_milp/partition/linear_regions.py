"""From activation regions to linear regions: distinct affine maps and their connected pieces.

Of the definitions of Stargalla, Hertrich and Reichman (2025), `affine_maps` counts distinct
output maps (their affine regions, not necessarily connected) and `linear_regions` the connected
unions of activation regions with one map, joined through shared facets (their open connected
regions, with cells for points).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.errors import DataError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits, Packed, as_keys, pack, packed_size, unpack
from cpwl_milp.partition.adjacency import (
    Surroundings,
    Walls,
    crosses,
    has_facet,
    patterns_behind,
)
from cpwl_milp.partition.composed import compose, composed_blocks, scaled

# Two maps are one if they differ on the domain by less than this share of the largest map.
SAME_MAP = 1e-9
_PROJECTIONS = 8


@dataclass(frozen=True, eq=False)
class LinearRegions:
    """Regions grouped by output map.

    Attributes
    ----------
    affine_maps : int
        Distinct affine maps of the output.
    linear_regions : int
        Connected unions of regions with one map, joined through shared facets.
    map_ids, piece_ids : ndarray of intp, shape (n_regions,)
        The map and the linear region of each region, from 0.
    facet_lps : int
        Linear programmes that were needed.
    """

    affine_maps: int
    linear_regions: int
    map_ids: NDArray[np.intp]
    piece_ids: NDArray[np.intp]
    facet_lps: int


def linear_regions(
    network: Network,
    domain: Domain,
    patterns: Packed,
    points: Dense | None = None,
    *,
    tolerance: float = SAME_MAP,
) -> LinearRegions:
    """Group a complete list of regions by their output map.

    Parameters
    ----------
    network : Network
        Over the domain's own coordinates (`Problem.network`).
    domain : Domain
        Full-dimensional.
    patterns : ndarray of uint8, shape (n_regions, bytes)
        All regions of the domain, each once.
    points : ndarray, shape (n_regions, n), optional
        An interior point of each; they save most linear programmes.
    tolerance : float
        Of the maps, relative to the largest of them on the domain.

    Raises
    ------
    DataError
        If patterns or points do not fit the network or each other.
    SolverError
        If an LP cannot be settled.

    Notes
    -----
    A list that is not complete gives a lower bound of the maps only; its pieces may fall apart.
    """
    _check(network, domain, patterns, points)
    box = domain.box
    inner = scaled(network, box)
    maps = map_ids(inner, patterns, tolerance)
    t = None if points is None else (points - box.centre) / box.half_widths
    search = _Pieces(inner, _surroundings(domain), patterns, t, maps)
    search.join_by_segments()
    search.join_by_programmes()
    pieces = search.numbers()
    return LinearRegions(
        affine_maps=int(maps.max(initial=-1)) + 1,
        linear_regions=int(pieces.max(initial=-1)) + 1,
        map_ids=maps,
        piece_ids=pieces,
        facet_lps=search.lps,
    )


def _check(network: Network, domain: Domain, patterns: Packed, points: Dense | None) -> None:
    if not _is_ball(domain):
        domain.require_polyhedral("linear regions")
    expected = packed_size(network.n_units)
    if patterns.ndim != 2 or patterns.shape[1] != expected:
        raise DataError(
            "regions",
            f"patterns of shape {patterns.shape}",
            f"rows of {expected} bytes for {network.n_units} units",
        )
    if len(np.unique(as_keys(patterns))) < len(patterns):
        raise DataError("regions", "a pattern is listed twice", "each region once")
    if points is not None and points.shape != (len(patterns), network.n_inputs):
        raise DataError(
            "regions",
            f"interior points of shape {points.shape}",
            f"({len(patterns)}, {network.n_inputs})",
        )
    if domain.box.free.size < domain.dim:
        raise DataError("domain", "a coordinate is fixed", "a full-dimensional domain")


def _is_ball(domain: Domain) -> bool:
    return isinstance(domain, Ball) and domain.norm == "2"


def _surroundings(domain: Domain) -> Surroundings:
    A, b = domain.inequalities()
    if _is_ball(domain):
        return Surroundings(A, b, is_ball=True)
    box = domain.box
    rows, rest = A * box.half_widths, b - A @ box.centre
    norms = np.linalg.norm(rows, axis=1)
    kept = norms > 0
    return Surroundings(rows[kept] / norms[kept, None], rest[kept] / norms[kept])


def map_ids(network: Network, patterns: Packed, tolerance: float = SAME_MAP) -> NDArray[np.intp]:
    """Number the distinct output maps of regions.

    Parameters
    ----------
    network : Network
        Over t in [-1, 1]^n, so that slopes and constant weigh alike.
    patterns : ndarray of uint8, shape (n_regions, bytes)
    tolerance : float
        Relative to the largest map.

    Returns
    -------
    ndarray of intp, shape (n_regions,)

    Notes
    -----
    A map is a vector (slopes and constant of every output). Each is projected on a few fixed
    random directions; along each in turn, a group of regions is sorted and cut at gaps wider than
    the tolerance. Equal maps are never cut apart, whatever the order of the regions; different
    ones stay together only if they do so in every projection. No map is kept in memory.
    """
    rng = np.random.default_rng(0)
    size = network.n_outputs * (network.n_inputs + 1)
    directions = rng.normal(size=(size, _PROJECTIONS))
    projected = np.zeros((len(patterns), _PROJECTIONS))
    largest = 0.0
    for block in composed_blocks(network, patterns, with_rows=False):
        vectors = block.outputs.reshape(len(block.outputs), size)
        projected[block.start : block.start + len(vectors)] = vectors @ directions
        largest = max(largest, float(np.linalg.norm(vectors, axis=1).max(initial=0.0)))
    groups = np.zeros(len(patterns), dtype=np.intp)
    for k in range(_PROJECTIONS):
        order = np.lexsort((projected[:, k], groups))
        gaps = np.diff(projected[order, k]) > tolerance * largest
        cut = gaps | (np.diff(groups[order]) != 0)
        groups[order] = np.concatenate([[0], np.cumsum(cut)])[: len(order)]
    return groups


class _Pieces:
    """Joins regions of one map through shared facets."""

    def __init__(
        self,
        network: Network,
        around: Surroundings,
        patterns: Packed,
        points: Dense | None,
        maps: NDArray[np.intp],
    ) -> None:
        self.lps = 0
        self._network = network
        self._around = around
        self._patterns = patterns
        self._points = points
        self._maps = maps
        # A region whose map no other has is a linear region by itself.
        self._members = np.flatnonzero(np.bincount(maps)[maps] > 1) if len(maps) else maps
        self._place = {patterns[k].tobytes(): int(k) for k in self._members}
        self._root = np.arange(len(patterns))
        self._scale = _row_sizes(network)
        self._doubtful: list[tuple[int, int, int]] = []

    def join_by_segments(self) -> None:
        """Join what a segment between two interior points proves adjacent; note the rest."""
        members = self._patterns[self._members]
        for block in composed_blocks(self._network, members, with_rows=True):
            assert block.rows is not None
            for k, (bits, rows) in enumerate(zip(block.bits, block.rows, strict=True)):
                self._look_around(int(self._members[block.start + k]), bits, rows)

    def _look_around(self, here: int, bits: Bits, rows: Dense) -> None:
        walls = Walls.of(rows, bits, self._scale)
        behind = list(patterns_behind(self._network, bits, walls))
        if not behind:
            return
        packed = pack(np.array([other for _, other in behind]))
        for (unit, _), key in zip(behind, packed, strict=True):
            there = self._place.get(key.tobytes())
            if there is None or self._maps[there] != self._maps[here] or self._joined(here, there):
                continue
            if self._segment(walls, unit, here, there):
                self._root[self._find(there)] = self._find(here)
            elif here < there:
                # A facet has two sides; one programme settles it for both.
                self._doubtful.append((here, there, unit))

    def join_by_programmes(self) -> None:
        """Settle by linear programmes what no segment has."""
        for here, there, unit in self._doubtful:
            if self._joined(here, there):
                continue
            bits = unpack(self._patterns[here : here + 1], self._network.n_units)
            rows, _ = compose(self._network, bits, with_rows=True)
            assert rows is not None
            self.lps += 1
            if has_facet(Walls.of(rows[0], bits[0], self._scale), unit, self._around):
                self._root[self._find(there)] = self._find(here)

    def _joined(self, a: int, b: int) -> bool:
        return self._find(a) == self._find(b)

    def _segment(self, walls: Walls, unit: int, here: int, there: int) -> bool:
        if self._points is None:
            return False
        return crosses(walls, unit, self._around, self._points[here], self._points[there])

    def _find(self, k: int) -> int:
        root = self._root
        while root[k] != k:
            root[k] = root[root[k]]
            k = int(root[k])
        return k

    def numbers(self) -> NDArray[np.intp]:
        """The linear region of each region, from 0."""
        n = len(self._root)
        graph = coo_array((np.ones(n), (np.arange(n), self._root)), shape=(n, n))
        return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)


def _row_sizes(network: Network) -> NDArray[np.float64]:
    """Sizes of the hidden units' rows before any cancellation, shape (n_units,)."""
    sizes = []
    current = np.ones(network.n_inputs)
    for layer in network.layers:
        current = np.asarray(layer.affine.magnitude() @ current) + np.abs(layer.affine.bias)
        sizes.append(current[layer.units])
        current = current * np.maximum(1.0, np.abs(layer.slope))
    return np.concatenate([np.zeros(0), *sizes])
