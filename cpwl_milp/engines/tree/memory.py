"""Setting up, emptying and enlarging the memory of the compiled search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.engines.tree.plan import Plan
from cpwl_milp.engines.tree.state import (
    BLOCK,
    COUNTED,
    EMITTED,
    LAYER,
    LEVELS,
    LIMITS,
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
    TABLE,
    State,
)

_NO_LIMIT = np.iinfo(np.int64).max


def start(plan: Plan, cube: Cube, budget: Budget, batch: int, with_points: bool) -> State:
    """The memory at the root of a cube: the unit box at its lowest corner, no rows at all."""
    d = plan.scale.size
    n_units = plan.unit_row.size
    n_layers = plan.offsets.size - 1
    depth, capacity = 8, PADDING
    fixed = np.full(n_units, -1, dtype=np.int8)
    for literal in cube.literals:
        fixed[abs(literal) - 1] = 1 if literal > 0 else 0
    at = np.zeros(N_PLACES, dtype=np.int64)
    at[COUNTED] = cube.counted_layers
    size = max(1, min(batch, budget.max_regions))
    left = np.full(n_layers, _NO_LIMIT)
    if budget.prefix_left is not None:
        left = np.asarray(budget.prefix_left, dtype=np.int64).copy()
    col_ids = np.zeros((depth, d), dtype=np.int64)
    col_ids[0] = np.arange(d)
    columns = np.zeros((depth, 2, d))
    columns[0, SIDE] = 1.0
    columns[0, SPAN] = 2.0
    return State(
        at=at,
        bits=np.zeros(n_units, dtype=np.uint8),
        fixed=fixed,
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
        vertex=np.zeros(d),
        levels=np.zeros((n_units + 1, N_OF_LEVEL), dtype=np.int64),
        head=np.zeros(packed_size(n_units), dtype=np.uint8),
        patterns=np.zeros((size, packed_size(n_units)), dtype=np.uint8),
        balls=np.zeros((size if with_points else 0, d + 1)),
        prefix_counts=np.zeros(n_layers, dtype=np.int64),
        prefix_left=left,
        counters=np.zeros(N_COUNTERS, dtype=np.int64),
    )


def emptied(state: State, room: int) -> State:
    """The state with empty output arrays, of at most `room` places from now on."""
    state.at[EMITTED] = 0
    if room >= len(state.patterns):
        return state
    size = max(1, room)
    return state._replace(patterns=state.patterns[:size], balls=state.balls[:size])


def grown(state: State) -> State:
    """The state with more room: for dictionaries if none is free, else for rows."""
    used = int(state.at[TABLE]) + 1
    depth, _, capacity = state.tables.shape
    full = used == depth
    more = max(PADDING, capacity // 4 // PADDING * PADDING)

    def larger(array: NDArray[Any], rows_axis: int | None) -> NDArray[Any]:
        shape = list(array.shape)
        if full:
            shape[0] *= 2
        elif rows_axis is not None:
            shape[rows_axis] += more
        else:
            return array
        # Zeros that nobody wrote to take up no memory: copy the dictionaries in use only.
        fresh = np.zeros(shape, dtype=array.dtype)
        fresh[(slice(used), *(slice(n) for n in array.shape[1:]))] = array[:used]
        return fresh

    scratch = state.scratch if full else np.zeros((2, capacity + more))
    return state._replace(
        tables=larger(state.tables, 2),
        row_ids=larger(state.row_ids, 1),
        col_ids=larger(state.col_ids, None),
        columns=larger(state.columns, None),
        opens=larger(state.opens, None),
        sizes=larger(state.sizes, None),
        scratch=scratch,
    )


def size_in_bytes(state: State) -> int:
    """Bytes of the arrays that grow."""
    return int(state.tables.nbytes)


def current_cube(state: State, cube: Cube) -> Cube:
    """The cell that the search stands in, as a cube."""
    literals = [_literal(state, level) for level in range(int(state.at[LEVELS]))]
    counted = max(int(state.at[LAYER]), cube.counted_layers)
    return Cube.of([*cube.literals, *literals], counted)


def pending_cubes(state: State, cube: Cube) -> Iterator[Cube]:
    """The siblings still to come, the latest first."""
    n_levels = int(state.at[LEVELS])
    literals = [_literal(state, level) for level in range(n_levels)]
    for level in reversed(range(n_levels)):
        if state.levels[level, PENDING]:
            counted = max(int(state.levels[level, OF_LAYER]), cube.counted_layers)
            yield Cube.of([*cube.literals, *literals[:level], -literals[level]], counted)


def _literal(state: State, level: int) -> int:
    unit = int(state.levels[level, OF_UNIT])
    return unit + 1 if state.bits[unit] else -(unit + 1)
