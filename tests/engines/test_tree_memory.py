"""The tree's memory: enlarged where it is full, at the price of what is in use only."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.cube import ROOT
from cpwl_milp.core.domain import Box
from cpwl_milp.core.exploration import Budget
from cpwl_milp.engines.tree.memory import grown, start
from cpwl_milp.engines.tree.plan import lay_out
from cpwl_milp.engines.tree.state import TABLE, State
from tests.networks import random_network

_TABLES = ("tables", "row_ids", "col_ids", "columns", "opens", "sizes")


def _state(dim: int, *, with_balls: bool = False) -> State:
    network = random_network(np.random.default_rng(0), dim, [4])
    box = Box.uniform(-1.0, 1.0, dim)
    plan = lay_out(network, box, pre_activation_bounds(network, box))
    return start(plan, ROOT, Budget(10, time.monotonic() + 10), with_balls=with_balls)


@pytest.mark.parametrize("full", [True, False])
def test_growing_keeps_what_is_in_use(full: bool) -> None:
    rng = np.random.default_rng(1)
    state = _state(3)
    depth = len(state.tables)
    used = depth if full else depth // 2
    state.at[TABLE] = used - 1
    for name in _TABLES:
        array = getattr(state, name)
        array[:used] = rng.integers(1, 100, array[:used].shape)
    larger = grown(state)
    for name in State._fields:
        before, after = getattr(state, name), getattr(larger, name)
        if name in _TABLES:
            inside = tuple(slice(n) for n in before[:used].shape)
            np.testing.assert_array_equal(after[inside], before[:used])
            assert after.sum() == before[:used].sum()
        elif name not in ("scratch", "lists"):
            assert after is before
    assert len(larger.tables) == (2 * depth if full else depth)
    more_rows = larger.tables.shape[2] > state.tables.shape[2]
    assert more_rows == (not full)
    assert larger.tables.shape[2] == larger.row_ids.shape[1] == larger.scratch.shape[1]


def test_growing_holds_no_copy_of_the_room_itself() -> None:
    state = _state(200)
    state.at[TABLE] = len(state.tables) - 1
    tracemalloc.start()
    larger = grown(state)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The new arrays and nothing beside them.
    assert peak < 1.1 * sum(getattr(larger, name).nbytes for name in _TABLES)


def test_fewer_dictionaries_are_kept_for_balls_where_they_are_larger() -> None:
    small = state = _state(40, with_balls=True)
    while state.tables.shape[2] < 2000:
        state.at[TABLE] = 2
        state = grown(state)
    assert len(state.tables) < len(small.tables) / 4
    assert state.tables[3:].nbytes < 1 << 26
    assert {len(getattr(state, name)) for name in _TABLES} == {len(state.tables)}
