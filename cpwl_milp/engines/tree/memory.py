"""Setting up the memory of the tree search, and the search as `descent` drives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.ambiguity import (
    NOT_ASKED,
    Basis,
    Doubt,
    Question,
    Verdict,
    answer_code,
)
from cpwl_milp.engines.compiled_search import BranchingSearch
from cpwl_milp.engines.tree.accuracy import refresh
from cpwl_milp.engines.tree.ball import largest_balls
from cpwl_milp.engines.tree.plan import Plan
from cpwl_milp.engines.tree.search import INACCURATE, search
from cpwl_milp.engines.tree.state import (
    ASKED,
    BLOCK,
    COUNTED,
    COUNTER_NAMES,
    EMITTED,
    LAYER,
    LEVELS,
    LIMITS,
    LOOSE,
    N_COUNTERS,
    N_MEASURES,
    N_OF_LEVEL,
    N_PLACES,
    N_SIZES,
    OF_LAYER,
    OF_UNIT,
    PADDING,
    PENDING,
    SIDE,
    SPAN,
    STANDING,
    TABLE,
    State,
)

# Regions handed over at once.
_BATCH = 1 << 15
# Memory for the dictionaries of one path.
_MOST_BYTES = 4 << 30
# So many dictionaries are kept at once where largest balls are asked for, or so many bytes of them.
_MOST_KEPT = 1 << 10
_BYTES_KEPT = 1 << 26


class TreeSearch(BranchingSearch):
    """The compiled search below one cube.

    Parameters
    ----------
    plan : Plan
    box : Box
    cube : Cube
    budget : Budget
    with_balls : bool
        Emit centre and radius of the largest ball in every region.
    """

    _state: State

    counter_names = COUNTER_NAMES
    outputs = ("patterns", "balls")
    stuck_reason = "a sequence of pivots failed numerically"
    full_reason = "the dictionaries along one path need more than 4 GiB"

    def __init__(
        self, plan: Plan, box: Box, cube: Cube, budget: Budget, *, with_balls: bool
    ) -> None:
        self._plan = plan
        self._box = box
        self._cube = cube
        self._with_balls = with_balls
        self._n_balls = 0
        self._state = start(plan, cube, budget, with_balls=with_balls)

    def run(self, quota: int, *, leave: bool) -> int:
        """Search on."""
        while True:
            status = int(search(self._plan, self._state, quota, self._with_balls, leave))
            if status != INACCURATE:
                break
            refresh(self._plan, self._state)
            leave = False
        if self._with_balls:
            self._n_balls = find_balls(self._state, self._n_balls)
        return status

    def taken(self) -> RegionBatch:
        """The regions emitted since the last call."""
        state = self._state
        n = int(state.at[EMITTED])
        state.at[EMITTED] = self._n_balls = 0
        balls = state.balls[:n]
        centres = self._box.centre + self._box.half_widths * balls[:, :-1]
        return RegionBatch(state.patterns[:n].copy(), centres, balls[:, -1].copy())

    def grow(self) -> bool:
        """Make room for more dictionaries, or for more rows in each."""
        if self._state.tables.nbytes > _MOST_BYTES:
            return False
        self._state = grown(self._state)
        return True

    def questions(self) -> list[Question]:
        """The units that the search asks about, with the vertex at hand as a hint."""
        state = self._state
        asked = state.asked[: int(state.at[ASKED])].tolist()
        return [Question(unit, Doubt(doubt), self._basis(doubt)) for unit, doubt in asked]

    def answer(self, verdicts: Sequence[Verdict]) -> None:
        """The answers, in the same order."""
        state = self._state
        for place, verdict in enumerate(verdicts):
            code = answer_code(verdict)
            state.answers[state.asked[place, 0]] = code

    def standing(self) -> tuple[int, int]:
        """On a cell too thin: the first unit that is not decided, and the layer at hand."""
        return int(self._state.at[STANDING]), int(self._state.at[LAYER])

    def _basis(self, doubt: int) -> Basis | None:
        """The columns at whose vertex the doubtful extreme was found."""
        if doubt not in (Doubt.BELOW, Doubt.ABOVE, Doubt.ZERO):
            return None
        ids, sides = self._state.hint.tolist()
        d = len(ids)
        return Basis(
            tuple(k - d for k in ids if k >= d),
            tuple(k for k, side in zip(ids, sides, strict=True) if k < d and side > 0),
            tuple(k for k, side in zip(ids, sides, strict=True) if k < d and side < 0),
        )

    def _path(self) -> list[int]:
        state = self._state
        units = state.levels[: int(state.at[LEVELS]), OF_UNIT]
        return [int(unit) + 1 if state.bits[unit] else -(int(unit) + 1) for unit in units]

    def _layer(self) -> int:
        return int(self._state.at[LAYER])

    def _pending_at(self, level: int) -> int:
        entry = self._state.levels[level]
        return int(entry[OF_LAYER]) if entry[PENDING] else -1


def start(plan: Plan, cube: Cube, budget: Budget, *, with_balls: bool) -> State:
    """The memory at the root of a cube: the unit box at its lowest corner, no rows at all."""
    d = plan.scale.size
    n_units = plan.unit_row.size
    n_layers = plan.offsets.size - 1
    depth, capacity = 8, PADDING
    if with_balls:
        depth += most_kept(d, capacity)
    at = np.zeros(N_PLACES, dtype=np.int64)
    at[COUNTED] = cube.counted_layers
    at[LOOSE] = -1
    places = max(1, min(_BATCH, budget.max_regions))
    col_ids = np.zeros((depth, d), dtype=np.int64)
    col_ids[0] = np.arange(d)
    columns = np.zeros((depth, 2, d))
    columns[0, SIDE] = 1.0
    columns[0, SPAN] = 2.0
    return State(
        at=at,
        bits=np.zeros(n_units, dtype=np.uint8),
        fixed=cube.fixed_bits(n_units),
        maps=np.zeros((plan.bias.size, d + 1)),
        measures=np.zeros((n_units, N_MEASURES)),
        place=np.zeros(n_units, dtype=np.int64),
        tables=np.zeros((depth, d + 1 + LIMITS, capacity)),
        row_ids=np.full((depth, capacity), -1, dtype=np.int64),
        col_ids=col_ids,
        columns=columns,
        opens=np.zeros((depth, BLOCK), dtype=np.int64),
        sizes=np.zeros((depth, N_SIZES), dtype=np.int64),
        scratch=np.zeros((2, capacity)),
        lists=np.zeros((2, capacity), dtype=np.int64),
        vertex=np.zeros(d),
        levels=np.zeros((n_units + 1, N_OF_LEVEL), dtype=np.int64),
        asked=np.zeros((n_units, 2), dtype=np.int64),
        answers=np.full(n_units, NOT_ASKED, dtype=np.int8),
        hint=np.zeros((2, d), dtype=np.int64),
        head=np.zeros(packed_size(n_units), dtype=np.uint8),
        patterns=np.zeros((places, packed_size(n_units)), dtype=np.uint8),
        balls=np.zeros((places if with_balls else 0, d + 1)),
        prefix_counts=np.zeros(n_layers, dtype=np.int64),
        prefix_left=budget.prefix_room(n_layers),
        counters=np.zeros(N_COUNTERS, dtype=np.int64),
    )


def find_balls(state: State, first: int) -> int:
    """The largest balls in the regions emitted since the first `first`; returns how many there are.

    From the dictionaries kept of these regions, which are overwritten after the next `taken`.
    """
    n = int(state.at[EMITTED])
    if n == first:
        return n
    _, _, capacity = state.tables.shape
    d = state.col_ids.shape[1]
    most = d + 2 * (capacity + d)
    largest_balls(
        state.tables,
        state.row_ids,
        state.col_ids,
        state.columns,
        state.sizes,
        first,
        n,
        np.empty((most, d + 2)),
        np.empty(most + d + 1, dtype=np.int64),
        np.empty(d + 2),
        state.balls,
    )
    return n


def most_kept(dim: int, capacity: int) -> int:
    """How many dictionaries of regions to keep at the end of the tables, for their balls."""
    return max(8, min(_MOST_KEPT, _BYTES_KEPT // (8 * (dim + 1 + LIMITS) * capacity)))


def grown(state: State) -> State:
    """The state with more room: for dictionaries if none is free, else for rows.

    The regions emitted were taken, so that nothing is kept behind the dictionaries in use.
    """
    used = int(state.at[TABLE]) + 1
    depth, _, capacity = state.tables.shape
    full = used == depth
    more = 0 if full else max(PADDING, capacity // 4 // PADDING * PADDING)
    if full:
        depth *= 2
    elif len(state.balls):
        # Fewer are kept where they are larger.
        depth = min(depth, used + most_kept(state.col_ids.shape[1], capacity + more))

    def larger(array: NDArray[Any], rows_axis: int | None) -> NDArray[Any]:
        shape = [depth, *array.shape[1:]]
        if rows_axis is not None:
            shape[rows_axis] += more
        if shape == list(array.shape):
            return array
        # Zeros that nobody wrote to take up no memory: copy the dictionaries in use only.
        fresh = np.zeros(shape, dtype=array.dtype)
        fresh[(slice(used), *(slice(n) for n in array.shape[1:]))] = array[:used]
        return fresh

    wide = (2, capacity + more)
    return state._replace(
        tables=larger(state.tables, 2),
        row_ids=larger(state.row_ids, 1),
        col_ids=larger(state.col_ids, None),
        columns=larger(state.columns, None),
        opens=larger(state.opens, None),
        sizes=larger(state.sizes, None),
        scratch=np.zeros(wide),
        lists=np.zeros(wide, dtype=np.int64),
    )
