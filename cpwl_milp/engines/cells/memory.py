"""Setting up the memory of the cells search, and the search as `descent` drives it."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.cells.layout import Layout
from cpwl_milp.engines.cells.search import search
from cpwl_milp.engines.cells.state import (
    BEGIN,
    CENTRES,
    CORNERS,
    COUNTED,
    COUNTER_NAMES,
    EMITTED,
    END,
    FACETS,
    L_LAYER,
    L_PENDING,
    L_UNIT,
    LAYER,
    LEVELS,
    MAX_FACETS,
    N_COUNTERS,
    N_PLACES,
    NAMED,
    PATTERNS,
    SHAPES,
    TOP,
    State,
)
from cpwl_milp.engines.compiled_search import BranchingSearch
from cpwl_milp.engines.descent import NeverAsks
from cpwl_milp.engines.lanes import N_LANES

# Regions handed over at once.
_BATCH = 1 << 15
# With their shapes, and their corners; a cell with 64 facets has at most 124 in three dimensions.
_SHAPES = 1 << 12
_CORNERS = 32 * _SHAPES
# Numbers on the vertex stack: 1 GB.
_MOST_NUMBERS = 1 << 27


class CellSearch(BranchingSearch, NeverAsks):
    """The compiled search below one cube.

    Parameters
    ----------
    layout : Layout
    box : Box
    cube : Cube
    budget : Budget
    detail : int
        What to hand out of a region: PATTERNS, CENTRES or SHAPES (state.py).
    """

    _state: State

    counter_names = COUNTER_NAMES
    stuck_reason = "a cell has more than 64 facets"
    full_reason = "the vertices along one path need more than 1 GB"

    def __init__(
        self, layout: Layout, box: Box, cube: Cube, budget: Budget, *, detail: int = PATTERNS
    ) -> None:
        self._box = box
        self._layout = layout
        self._cube = cube
        self._detail = detail
        self._state = start(layout, box.dim, cube, budget, detail)

    def run(self, quota: int, *, leave: bool) -> int:
        """Search on."""
        return int(search(self._layout, self._state, quota, self._detail, leave))

    def taken_shapes(
        self,
    ) -> tuple[
        NDArray[np.float64],
        NDArray[np.uint64],
        NDArray[np.int64],
        NDArray[np.int64],
        NDArray[np.int64],
    ]:
        """What detail SHAPES hands out, to be asked for before `taken`.

        Returns
        -------
        corners : ndarray, shape (n_corners, d)
            Of all cells, in the unit box.
        masks : ndarray, shape (n_corners,)
            The facets that each corner lies on.
        ends : ndarray, shape (n,)
            Where each cell's corners end.
        labels : ndarray, shape (n, MAX_FACETS)
            Of each facet: a side of the box or 2 d + the number of a cut.
        cut_units : ndarray
            The units of the cuts made since the last call.
        """
        state = self._state
        n, n_corners, n_cuts = (int(state.at[place]) for place in (EMITTED, CORNERS, NAMED))
        return (
            state.corners[:n_corners].copy(),
            state.corner_facets[:n_corners].copy(),
            state.corner_end[:n].copy(),
            state.facet_labels[:n].copy(),
            state.cut_unit[:n_cuts].copy(),
        )

    def taken(self) -> RegionBatch:
        """The regions emitted since the last call."""
        state = self._state
        n = int(state.at[EMITTED])
        state.at[EMITTED] = state.at[CORNERS] = state.at[NAMED] = 0
        centres = self._box.centre + self._box.half_widths * state.centres[:n]
        return RegionBatch(state.patterns[:n].copy(), centres, np.full(len(centres), np.nan))

    def grow(self) -> bool:
        """Double the vertex stack."""
        state = self._state
        if 2 * (state.points.size + state.heights.size) > _MOST_NUMBERS:
            return False

        def doubled(array: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate([array, np.zeros_like(array)])

        self._state = state._replace(
            points=doubled(state.points),
            heights=doubled(state.heights),
            facets=doubled(state.facets),
            below=doubled(state.below),
        )
        return True

    def standing(self) -> tuple[int, int]:
        """Not kept: whoever takes a cell over finds its way down from the cube's literals."""
        return 0, 0

    def _path(self) -> list[int]:
        units = self._state.levels[: int(self._state.at[LEVELS]), L_UNIT]
        return [int(unit) + 1 if self._state.bits[unit] else -(int(unit) + 1) for unit in units]

    def _layer(self) -> int:
        return int(self._state.at[LAYER])

    def _pending_at(self, level: int) -> int:
        entry = self._state.levels[level]
        return int(entry[L_LAYER]) if entry[L_PENDING] else -1


def start(layout: Layout, dim: int, cube: Cube, budget: Budget, detail: int) -> State:
    """The memory at the root of a cube: the unit box with its corners."""
    n_units = int(layout.offsets[-1])
    n_layers = layout.offsets.size - 1
    widest = int(np.diff(layout.first_row).max())
    corners, facets = box_corners(dim)
    capacity = 64 * len(corners) + 1024
    at = np.zeros(N_PLACES, dtype=np.int64)
    at[BEGIN], at[END], at[TOP] = 0, len(corners), len(corners)
    at[FACETS] = 2 * dim
    at[COUNTED] = cube.counted_layers
    points = np.zeros((capacity, dim))
    points[: len(corners)] = corners
    masks = np.zeros(capacity, dtype=np.uint64)
    masks[: len(corners)] = facets
    n_bytes = packed_size(n_units)
    shapes = detail == SHAPES
    places = max(1, min(_SHAPES if shapes else _BATCH, budget.max_regions))
    return State(
        at=at,
        bits=np.zeros(n_units, dtype=np.uint8),
        fixed=cube.fixed_bits(n_units),
        maps=np.zeros((dim + 1, int(layout.first_row[-1]) + N_LANES)),
        stamps=np.zeros((2, n_layers), dtype=np.int64),
        map_bits=np.zeros(n_units, dtype=np.uint8),
        open_unit=np.zeros((n_layers, widest), dtype=np.int64),
        open_row=np.zeros((n_layers, widest), dtype=np.int64),
        open_tolerance=np.zeros((n_layers, widest)),
        n_opened=np.zeros(n_layers, dtype=np.int64),
        points=points,
        heights=np.zeros((capacity, widest)),
        facets=masks,
        below=np.zeros(capacity, dtype=np.int64),
        lowest=np.zeros(widest + N_LANES),
        highest=np.zeros(widest + N_LANES),
        levels=np.zeros((n_units + 1, 7), dtype=np.int64),
        patterns=np.zeros((places, n_bytes), dtype=np.uint8),
        centres=np.zeros((places if detail == CENTRES else 0, dim)),
        corners=np.zeros((_CORNERS if shapes else 0, dim)),
        corner_facets=np.zeros(_CORNERS if shapes else 0, dtype=np.uint64),
        corner_end=np.zeros(places if shapes else 0, dtype=np.int64),
        facet_labels=np.zeros((places if shapes else 0, MAX_FACETS), dtype=np.int64),
        cut_unit=np.zeros(2 * _SHAPES if shapes else 0, dtype=np.int64),
        labels=np.arange(MAX_FACETS),
        level_labels=np.zeros((n_units + 1 if shapes else 0, MAX_FACETS), dtype=np.int64),
        packed=np.zeros(n_bytes, dtype=np.uint8),
        prefix_counts=np.zeros(n_layers, dtype=np.int64),
        prefix_left=budget.prefix_room(n_layers),
        counters=np.zeros(N_COUNTERS, dtype=np.int64),
    )


def box_corners(dim: int) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """Corners of [-1, 1]^dim, and the facets each lies on.

    Facet j is ``t_j = -1``, facet dim + j is ``t_j = 1``.
    """
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=dim)))
    ids = np.where(corners < 0, np.arange(dim), dim + np.arange(dim)).astype(np.uint64)
    return corners, np.bitwise_or.reduce(np.uint64(1) << ids, axis=1)
