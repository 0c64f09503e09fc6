"""The cells of a network with their geometry: corners, volumes, and which share a facet.

The closed cells of a network's partition meet facet to facet (Grigsby and Lindsey 2022): a facet
arises where a unit cuts a cell of the search, and what is cut later is cut alike on both sides of
it. So the facets of one cut, seen from below and from above, are the same; they are matched by
their centres.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import ROOT
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Polytope
from cpwl_milp.core.errors import CheckFailedError, DomainError
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.problem import Problem
from cpwl_milp.domains.polygons import polygon_of
from cpwl_milp.engines.cells import state as general
from cpwl_milp.engines.cells.layout import lay_out
from cpwl_milp.engines.cells.memory import CellSearch
from cpwl_milp.engines.cells.planar import state as planar
from cpwl_milp.engines.cells.planar.memory import PlanarSearch
from cpwl_milp.engines.cells.planar.plan import planar_plan
from cpwl_milp.engines.cells.planar.root import Root
from cpwl_milp.engines.cells.shapes import (
    Facets,
    polygon_areas,
    polygon_facets,
    polytope_volumes,
)
from cpwl_milp.engines.descent import DONE, NEEDS_SPACE, PAUSED

# Facets are known in so many dimensions.
MOST_INPUTS = 3
# In the unit box: facets whose centres are this close are one, and one so small may be missing on
# the other side (a unit that touches a cell without cutting it, to rounding).
_SAME = 1e-9
_QUOTA = 1 << 22


@dataclass(frozen=True, eq=False)
class Cells:
    """Some regions with their geometry, in the domain's coordinates.

    Attributes
    ----------
    patterns : ndarray of uint8, shape (n, bytes)
    corners : ndarray, shape (n_corners, dim)
        Of all cells, one after the other; in the plane counter-clockwise.
    starts : ndarray of int64, shape (n + 1,)
        Where each cell's corners begin.
    volumes : ndarray, shape (n,)
        Length, area or volume.
    facets : Facets
        Of these cells, the first of them cell 0; centres as seen from the box's centre.
    cut_units : ndarray of int64
        The units of the cuts made meanwhile, numbered through from the first cells on.
    """

    patterns: Packed
    corners: Dense
    starts: NDArray[np.int64]
    volumes: Vector
    facets: Facets
    cut_units: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.patterns)

    def __getitem__(self, k: int) -> Dense:
        return self.corners[self.starts[k] : self.starts[k + 1]]


@dataclass(frozen=True, eq=False)
class CellComplex:
    """All regions with their geometry, and which share a facet.

    Attributes
    ----------
    cells : Cells
    pairs : ndarray of int64, shape (n_pairs, 2)
        Cells with a common facet: where its unit is not above zero, and where it is.
    units : ndarray of int64, shape (n_pairs,)
        The unit whose zero set the facet lies in (the first, where several vanish there).
    measures : ndarray, shape (n_pairs,)
        Length or area of the facet; 1 in one dimension.
    centres : ndarray, shape (n_pairs, dim)
        The facet's centre of mass.
    """

    cells: Cells
    pairs: NDArray[np.int64]
    units: NDArray[np.int64]
    measures: Vector
    centres: Dense


def cells_of(problem: Problem, bounds: Bounds) -> Iterator[Cells]:
    """Every region with its corners and volume, some thousand at a time, in the engines' order.

    Parameters
    ----------
    problem : Problem
        Over a box with at most three inputs that vary, or a polygon.
    bounds : Bounds
        Of the problem's network on its domain.

    Raises
    ------
    DomainError
        If the domain is no such box or polygon.
    CheckFailedError
        If rounding errors or memory end the search.
    """
    domain, box = problem.domain, problem.domain.box
    polygon = isinstance(domain, Polytope) and domain.dim == 2
    if not polygon and not (isinstance(domain, Box) and domain.dim <= MOST_INPUTS):
        raise DomainError(
            "cells with their geometry",
            f"{domain.dim} inputs that vary"
            if isinstance(domain, Box)
            else "a domain of another kind",
            f"a box with at most {MOST_INPUTS}, or a polygon",
        )
    assert isinstance(domain, Box | Polytope)
    if not problem.network.layers:
        yield _whole(domain)
        return
    budget = Budget(max_regions=1 << 62, deadline=time.monotonic())
    search: CellSearch | PlanarSearch
    if box.dim == 2:
        plan = planar_plan(problem.network, box, bounds)
        search = PlanarSearch(plan, Root.of(domain), ROOT, budget, detail=planar.POLYGONS)
    else:
        layout = lay_out(problem.network, box, bounds)
        search = CellSearch(layout, box, ROOT, budget, detail=general.SHAPES)
    while True:
        status = search.run(_QUOTA, leave=False)
        yield _polygons(search, box) if isinstance(search, PlanarSearch) else _solids(search, box)
        if status == DONE:
            return
        if status != PAUSED and not (status == NEEDS_SPACE and search.grow()):
            raise CheckFailedError(
                "cells with their geometry",
                search.full_reason if status == NEEDS_SPACE else search.stuck_reason,
                "cells that float64 can tell apart",
            )


def cell_complex(problem: Problem, bounds: Bounds) -> CellComplex:
    """All regions with their geometry, and which share a facet.

    Parameters and errors as in `cells_of`; a CheckFailedError, too, where facets of one side
    have no counterpart on the other.
    """
    cells = _joined(list(cells_of(problem, bounds)))
    return _connected(cells, problem.domain.box)


def _polygons(search: PlanarSearch, box: Box) -> Cells:
    corners, ends, labels, cut_units = search.taken_polygons()
    starts = np.concatenate([[0], ends])
    scaled = box.half_widths * corners
    return Cells(
        patterns=search.taken().patterns,
        corners=box.centre + scaled,
        starts=starts,
        volumes=polygon_areas(scaled, starts),
        facets=polygon_facets(scaled, starts, labels),
        cut_units=cut_units,
    )


def _solids(search: CellSearch, box: Box) -> Cells:
    corners, masks, ends, labels, cut_units = search.taken_shapes()
    starts = np.concatenate([[0], ends])
    scaled = box.half_widths * corners
    volumes, places, measures, centres = polytope_volumes(scaled, starts, masks)
    cell, bit = places.T
    return Cells(
        patterns=search.taken().patterns,
        corners=box.centre + scaled,
        starts=starts,
        volumes=volumes,
        facets=Facets(cell, labels[cell, bit], measures, centres),
        cut_units=cut_units,
    )


def _whole(domain: Box | Polytope) -> Cells:
    """An affine network: the whole domain is one cell."""
    box = domain.box
    volume = np.prod(2 * box.half_widths)
    if box.dim == 2:
        corners = polygon_of(domain)
        volume = polygon_areas(corners, np.array([0, len(corners)]))[0]
    else:
        unit = np.stack(np.meshgrid(*[[-1.0, 1.0]] * box.dim, indexing="ij"), axis=-1)
        corners = box.centre + box.half_widths * unit.reshape(-1, box.dim)
    nothing = np.zeros(0, dtype=np.int64)
    return Cells(
        patterns=np.zeros((1, 1), dtype=np.uint8),
        corners=corners,
        starts=np.array([0, len(corners)]),
        volumes=np.array([volume]),
        facets=Facets(nothing, nothing, np.zeros(0), np.zeros((0, box.dim))),
        cut_units=nothing,
    )


def _joined(parts: list[Cells]) -> Cells:
    firsts = np.cumsum([0, *(len(part) for part in parts)])
    begins = np.cumsum([0, *(len(part.corners) for part in parts)])
    facets = [
        Facets(p.facets.cell + first, p.facets.label, p.facets.measure, p.facets.centre)
        for p, first in zip(parts, firsts, strict=False)
    ]
    return Cells(
        patterns=np.concatenate([part.patterns for part in parts]),
        corners=np.concatenate([part.corners for part in parts]),
        starts=np.concatenate(
            [[0], *(p.starts[1:] + begin for p, begin in zip(parts, begins, strict=False))]
        ).astype(np.int64),
        volumes=np.concatenate([part.volumes for part in parts]),
        facets=Facets.joined(facets),
        cut_units=np.concatenate([part.cut_units for part in parts]),
    )


def _connected(cells: Cells, box: Box) -> CellComplex:
    """Match the facets of each cut from both of its sides."""
    facets, dim = cells.facets, box.dim
    inner = np.flatnonzero(facets.label >= 2 * dim)
    cut = facets.label[inner] - 2 * dim
    unit = cells.cut_units[cut]
    bit = (cells.patterns[facets.cell[inner], unit >> 3] >> (unit & 7)) & 1
    # The cuts lie far apart in one more coordinate.
    place = np.concatenate([4.0 * cut[:, None], facets.centre[inner] / box.half_widths], axis=1)
    below, above = np.flatnonzero(bit == 0), np.flatnonzero(bit == 1)
    low, high = _matched(place[below], place[above])
    low, high = inner[below[low]], inner[above[high]]
    alone = np.ones(len(facets.label), dtype=np.bool_)
    alone[low] = alone[high] = False
    alone &= facets.label >= 2 * dim
    worst = float(facets.measure[alone].max(initial=0.0))
    if worst > _SAME * box.half_widths.max() ** (dim - 1):
        raise CheckFailedError(
            "cells with their geometry",
            f"a facet of size {worst:.1e} has no counterpart on its other side",
            f"only facets below {_SAME:.0e} without one",
        )
    return CellComplex(
        cells=cells,
        pairs=np.stack([facets.cell[low], facets.cell[high]], axis=1),
        units=cells.cut_units[facets.label[low] - 2 * dim],
        measures=facets.measure[low],
        centres=box.centre + facets.centre[low],
    )


def _matched(a: Dense, b: Dense) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of rows of `a` and `b` that are each other's nearest, and nearly the same."""
    nothing = np.zeros(0, dtype=np.int64)
    if len(a) == 0 or len(b) == 0:
        return nothing, nothing
    # Not before it is needed: it takes a tenth of the start.
    from scipy.spatial import cKDTree

    tree_a, tree_b = cKDTree(a), cKDTree(b)
    distance, to_b = tree_b.query(a)
    _, to_a = tree_a.query(b)
    here = np.arange(len(a))
    kept = (to_a[to_b] == here) & (distance <= _SAME)
    return here[kept], to_b[kept]
