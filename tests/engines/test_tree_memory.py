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
from cpwl_milp.engines.tree.state import CONSTRAINTS, SAVED, State
from tests.networks import random_network


def _state(dim: int) -> State:
    network = random_network(np.random.default_rng(0), dim, [4])
    box = Box.uniform(-1.0, 1.0, dim)
    plan = lay_out(network, box, pre_activation_bounds(network, box))
    return start(plan, ROOT, Budget(10, time.monotonic() + 10), 10)


@pytest.mark.parametrize("what", [CONSTRAINTS, SAVED])
def test_growing_keeps_what_is_in_use(what: int) -> None:
    rng = np.random.default_rng(1)
    state = _state(3)
    names = (
        ("constraints", "norms", "reach", "basis", "table")
        if what == CONSTRAINTS
        else ("saved", "saved_ids")
    )
    n = len(getattr(state, names[0])) - 1
    state.at[what] = n
    for name in names:
        array = getattr(state, name)
        array[:n] = rng.integers(1, 100, array[:n].shape)
    larger = grown(state)
    for name in State._fields:
        before, after = getattr(state, name), getattr(larger, name)
        if name in names:
            assert len(after) == 2 * len(before)
            np.testing.assert_array_equal(after[:n], before[:n])
            assert not after[len(before) :].any()
        else:
            assert after is before


def test_growing_holds_no_copy_of_the_room_itself() -> None:
    state = _state(40)
    state.at[SAVED] = 1
    tracemalloc.start()
    larger = grown(state)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The new arrays and nothing beside them.
    assert peak < 1.1 * (larger.saved.nbytes + larger.saved_ids.nbytes)
