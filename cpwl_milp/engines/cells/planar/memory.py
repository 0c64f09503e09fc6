"""Setting up the memory of the planar search, and the search as `descent` drives it."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.pattern import pack, packed_size, unpack
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.cells.layout import CAREFUL
from cpwl_milp.engines.cells.planar.plan import PlanarPlan
from cpwl_milp.engines.cells.planar.root import Root
from cpwl_milp.engines.cells.planar.search import search
from cpwl_milp.engines.cells.planar.state import (
    B_LAYER,
    CENTRES,
    CORNERS,
    COUNTED,
    COUNTER_NAMES,
    EMITTED,
    END,
    ENTRIES,
    L_BLOCK,
    L_PENDING,
    L_UNIT,
    LAYER,
    LEVELS,
    N_COUNTERS,
    N_OF_BLOCK,
    N_OF_LEVEL,
    N_PLACES,
    NAMED,
    PATTERNS,
    POLYGONS,
    VERTICES,
    State,
)
from cpwl_milp.engines.compiled_search import BranchingSearch
from cpwl_milp.engines.descent import ROUNDING_SHARE, NeverAsks

# Vertices, entries and lines that there is room for at first.
_LEAST_ROOM = 2048
# Regions handed over at once.
_BATCH = 1 << 15
# Vertices on the stack, and as many entries and lines: 1 GB.
_MOST_VERTICES = 1 << 23
# Corners handed over at once, of regions with six each.
_CORNERS = 6 * _BATCH
# How far the corners of a domain may be off.
_EPS = np.finfo(np.float64).eps
# Of a tolerance: less than any zero.
_NOTHING = -1.0


class PlanarSearch(BranchingSearch, NeverAsks):
    """The compiled search below one cube, in the plane.

    Parameters
    ----------
    plan : PlanarPlan
    root : Root
    cube : Cube
    budget : Budget
    detail : int
        What to hand out of a region: PATTERNS, CENTRES or POLYGONS (state.py).
    strict : bool
        Give away every cell with a zero at a vertex; otherwise only those where it is in doubt.
    spare : State, optional
        Memory of an earlier search of this plan, this detail and as strict, that nobody uses any
        more.
    """

    _state: State

    counter_names = COUNTER_NAMES
    stuck_reason = "rounding errors on a cell exceed the tolerance"
    full_reason = "the vertices along one path need more than 1 GB"

    def __init__(
        self,
        plan: PlanarPlan,
        root: Root,
        cube: Cube,
        budget: Budget,
        *,
        detail: int = PATTERNS,
        strict: bool = True,
        spare: State | None = None,
    ) -> None:
        self._plan = plan
        self._root = root
        self._cube = cube
        self._detail = detail
        self._rounding = ROUNDING_SHARE
        if detail != POLYGONS:
            # Tolerances are wider then.
            self._rounding = _NOTHING if strict else ROUNDING_SHARE / CAREFUL
        self._n_bytes = packed_size(int(plan.offsets[-1]))
        tracked = not strict and detail != POLYGONS
        self.memory = new_memory(plan, detail, tracked) if spare is None else spare
        begin(self.memory, plan, root, cube, budget)
        self._state = self.memory
        self._tracked = tracked
        self.limit(budget.max_regions)

    def run(self, quota: int, *, leave: bool) -> int:
        """Search on."""
        state = self._state
        errors = state.errors if self._tracked else None
        plan = self._plan
        sparse = plan.sparse if plan.column_start.size else None
        return int(search(plan, sparse, state, errors, quota, self._detail, self._rounding, leave))

    def taken_polygons(
        self,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """What detail POLYGONS hands out, to be asked for before `taken`.

        Returns
        -------
        corners : ndarray, shape (n_corners, 2)
            Of all polygons, in the unit box.
        ends : ndarray, shape (n,)
            Where each polygon ends.
        labels : ndarray, shape (n_corners,)
            Of the edge after each corner: below 4 one of the domain (the side of a box 0..3), or
            4 + the number of a cut.
        cut_units : ndarray
            The units of the cuts made since the last call.
        """
        state = self._state
        n, n_corners, n_cuts = (int(state.at[place]) for place in (EMITTED, CORNERS, NAMED))
        return (
            state.corners[:n_corners].copy(),
            state.corner_end[:n].copy(),
            state.corner_label[:n_corners].copy(),
            state.cut_unit[:n_cuts].copy(),
        )

    def taken(self) -> RegionBatch:
        """The regions emitted since the last call."""
        state = self._state
        n = int(state.at[EMITTED])
        state.at[EMITTED] = state.at[CORNERS] = state.at[NAMED] = 0
        patterns = state.patterns[:n].view(np.uint8)[:, : self._n_bytes].copy()
        centres = state.centres[:n]
        if len(centres):
            centres = self._root.unscaled(centres)
        return RegionBatch(patterns, centres, np.full(len(centres), np.nan))

    def grow(self) -> bool:
        """Double the stacks."""
        state = self._state
        if state.x.size > _MOST_VERTICES:
            return False

        def doubled(array: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate([array, np.zeros_like(array)])

        grown = {
            "x": doubled(state.x),
            "y": doubled(state.y),
            "errors": doubled(state.errors),
            "signs": doubled(state.signs),
            "entries": doubled(state.entries),
            "lines": doubled(state.lines),
            "line_unit": doubled(state.line_unit),
            "blocks": doubled(state.blocks),
        }
        self._state = state._replace(**grown)
        self.memory = self.memory._replace(**grown)
        return True

    def standing(self) -> tuple[int, int]:
        """Not kept: whoever takes a cell over finds its way down from the cube's literals."""
        return 0, 0

    @property
    def bits(self) -> NDArray[np.uint8]:
        """The bits on the cell at hand."""
        words = self._state.pattern[None, :].view(np.uint8)
        bits: NDArray[np.uint8] = unpack(words, int(self._plan.offsets[-1]))[0].view(np.uint8)
        return bits

    @property
    def decisions(self) -> dict[str, int]:
        """How decisions were settled so far."""
        found = super().decisions
        if self._detail != POLYGONS:
            # Nothing is left in doubt: such cells were given away.
            doubts = found.pop("doubts")
            if self._tracked:
                found["ties"], found["close_calls"] = found["close_calls"], doubts
        return found

    def _path(self) -> list[int]:
        levels = self._state.levels[: int(self._state.at[LEVELS])]
        # The child of bit 0 comes first.
        signs = np.where(levels[:, L_PENDING], -1, 1)
        literals: list[int] = (signs * (levels[:, L_UNIT] + 1)).tolist()
        return literals

    def _layer(self) -> int:
        return int(self._state.at[LAYER])

    def _pending_at(self, level: int) -> int:
        entry = self._state.levels[level]
        return int(self._state.blocks[entry[L_BLOCK], B_LAYER]) if entry[L_PENDING] else -1


def new_memory(plan: PlanarPlan, detail: int, tracked: bool) -> State:
    """Memory for any search of a plan (what is not touched costs nothing)."""
    n_units = int(plan.offsets[-1])
    n_layers = plan.offsets.size - 1
    widest = int(np.diff(plan.first_row).max())
    room = _LEAST_ROOM + 2 * widest
    n_words = max(1, (n_units + 63) // 64)
    n_corners = _CORNERS + n_units if detail == POLYGONS else 0
    n_eights = int(plan.first_row[-1]) // 8
    sizes = (N_PLACES, n_words, n_words, n_eights, 2 * n_layers, n_layers, N_COUNTERS)
    cleared = np.zeros(sum(sizes), dtype=np.int64)
    at, asked, answers, row_stamps, stamps, prefix_counts, counters = (
        cleared[end - size : end] for size, end in zip(sizes, accumulate(sizes), strict=True)
    )
    return State(
        cleared=cleared,
        at=at,
        pattern=np.zeros(n_words, dtype=np.int64),
        known=np.zeros(n_words, dtype=np.int64),
        fixed=np.full(n_units, -1, dtype=np.int8),
        asked=asked,
        answers=answers,
        fixed_layers=np.zeros(n_layers, dtype=np.int8),
        maps=np.zeros(3 * int(plan.first_row[-1])),
        taken=np.zeros(3 * int(plan.first_row[-1])),
        row_stamps=row_stamps,
        stamps=stamps.reshape(2, n_layers),
        lowest=np.zeros(8),
        highest=np.zeros(8),
        columns=np.zeros(widest, dtype=np.int64),
        factors=np.zeros((3, widest)),
        x=np.empty(room),
        y=np.empty(room),
        errors=np.empty(room if tracked else 0),
        signs=np.empty(room, dtype=np.int64),
        entries=np.empty(room, dtype=np.int64),
        # Zeros: eight lines are looked at together, of which the last may never have been written.
        lines=np.zeros(4 * room),
        line_unit=np.empty(room, dtype=np.int64),
        blocks=np.zeros((n_layers + n_units // 8 + 2, N_OF_BLOCK), dtype=np.int64),
        levels=np.zeros((n_units + 1, N_OF_LEVEL), dtype=np.int64),
        patterns=np.empty((_BATCH, n_words), dtype=np.int64),
        centres=np.empty((_BATCH if detail == CENTRES else 0, 2)),
        corners=np.empty((n_corners, 2)),
        corner_label=np.empty(n_corners, dtype=np.int64),
        corner_end=np.empty(_BATCH if detail == POLYGONS else 0, dtype=np.int64),
        cut_unit=np.empty(2 * _BATCH if detail == POLYGONS else 0, dtype=np.int64),
        prefix_counts=prefix_counts,
        prefix_left=np.zeros(n_layers, dtype=np.int64),
        counters=counters,
    )


def begin(state: State, plan: PlanarPlan, root: Root, cube: Cube, budget: Budget) -> None:
    """Go to the root of a cube."""
    state.cleared.fill(0)
    at, n = state.at, len(root.x)
    at[END] = at[VERTICES] = at[ENTRIES] = n
    at[COUNTED] = cube.counted_layers
    state.x[:n], state.y[:n], state.entries[:n] = root.x, root.y, root.entries
    state.errors[:n] = _EPS
    state.blocks[0] = 0
    state.fixed.fill(-1)
    state.fixed_layers.fill(0)
    if cube.literals:
        state.fixed[:] = cube.fixed_bits(state.fixed.size)
        units = np.abs(cube.literals) - 1
        state.fixed_layers[np.searchsorted(plan.offsets, units, side="right") - 1] = 1
        n_bytes = packed_size(int(plan.offsets[-1]))
        for words, bits in ((state.asked, state.fixed >= 0), (state.answers, state.fixed == 1)):
            words.view(np.uint8)[:n_bytes] = pack(bits[None, :])[0]
    state.prefix_left[:] = budget.prefix_room(state.prefix_left.size)
