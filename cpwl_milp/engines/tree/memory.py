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
    CONSTRAINTS,
    COUNTED,
    EMITTED,
    LAYER,
    LEVELS,
    N_COUNTERS,
    N_PLACES,
    SAVED,
    State,
)

_NO_LIMIT = np.iinfo(np.int64).max


def start(plan: Plan, cube: Cube, budget: Budget, batch: int) -> State:
    """The memory at the root of a cube: the unit box at its lowest corner."""
    d = plan.scale.size
    n_units = plan.unit_row.size
    n_layers = plan.offsets.size - 1
    capacity = 2 * d + 64
    table = np.zeros((capacity + 1, d + 1))
    constraints = np.zeros((capacity, d + 1))
    identity = np.eye(d)
    # Constraints 0..d-1: t_j + 1 >= 0, zero at the corner; d..2d-1: 1 - t_j >= 0, 2 there.
    constraints[:d, 0] = 1.0
    constraints[:d, 1:] = identity
    constraints[d : 2 * d, 0] = 1.0
    constraints[d : 2 * d, 1:] = -identity
    table[:d, 0] = -1.0
    table[:d, 1:] = identity
    table[d : 2 * d, 0] = 2.0
    table[d : 2 * d, 1:] = -identity
    basis = np.zeros(capacity, dtype=np.int64)
    basis[:d] = np.arange(d, 2 * d)
    norms = np.zeros(capacity)
    norms[: 2 * d] = np.tile(1.0 / plan.scale, 2)
    reach = np.zeros(capacity)
    reach[: 2 * d] = 2.0
    fixed = np.full(n_units, -1, dtype=np.int8)
    for literal in cube.literals:
        fixed[abs(literal) - 1] = 1 if literal > 0 else 0
    at = np.zeros(N_PLACES, dtype=np.int64)
    at[CONSTRAINTS] = 2 * d
    at[COUNTED] = cube.counted_layers
    size = max(1, min(batch, budget.max_regions))
    left = np.full(n_layers, _NO_LIMIT)
    if budget.prefix_left is not None:
        left = np.asarray(budget.prefix_left, dtype=np.int64).copy()
    return State(
        at=at,
        bits=np.zeros(n_units, dtype=np.uint8),
        fixed=fixed,
        maps=np.zeros((plan.bias.size, d + 1)),
        constraints=constraints,
        norms=norms,
        reach=reach,
        table=table,
        basis=basis,
        cobasis=np.arange(d, dtype=np.int64),
        level_unit=np.zeros(n_units + 1, dtype=np.int64),
        level_layer=np.zeros(n_units + 1, dtype=np.int64),
        level_size=np.zeros(n_units + 1, dtype=np.int64),
        level_pending=np.zeros(n_units + 1, dtype=np.int64),
        saved=np.zeros((4 * capacity, d + 1)),
        saved_ids=np.zeros(4 * capacity, dtype=np.int64),
        patterns=np.zeros((size, packed_size(n_units)), dtype=np.uint8),
        points=np.zeros((size, d)),
        radii=np.zeros(size),
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
    return state._replace(
        patterns=state.patterns[:size], points=state.points[:size], radii=state.radii[:size]
    )


def grown(state: State) -> State:
    """The state with twice the room for constraints and saved dictionaries."""

    def doubled(array: NDArray[Any]) -> NDArray[Any]:
        # Zeros that nobody wrote to take up no memory: copy the rows in use only.
        larger = np.zeros((2 * len(array), *array.shape[1:]), dtype=array.dtype)
        larger[:used] = array[:used]
        return larger

    tight = state.at[CONSTRAINTS] + 1 >= len(state.constraints)
    used = int(state.at[CONSTRAINTS if tight else SAVED])
    if tight:
        return state._replace(
            constraints=doubled(state.constraints),
            norms=doubled(state.norms),
            reach=doubled(state.reach),
            basis=doubled(state.basis),
            table=doubled(state.table),
        )
    return state._replace(saved=doubled(state.saved), saved_ids=doubled(state.saved_ids))


def size_in_bytes(state: State) -> int:
    """Bytes of the arrays that grow."""
    return int(state.saved.nbytes + state.table.nbytes + state.constraints.nbytes)


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
        if state.level_pending[level]:
            counted = max(int(state.level_layer[level]), cube.counted_layers)
            yield Cube.of([*cube.literals, *literals[:level], -literals[level]], counted)


def _literal(state: State, level: int) -> int:
    unit = int(state.level_unit[level])
    return unit + 1 if state.bits[unit] else -(unit + 1)
