"""The error of the tree's dictionaries, held against rational arithmetic."""

from __future__ import annotations

import time

import numpy as np

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.cube import ROOT
from cpwl_milp.core.domain import Box
from cpwl_milp.core.exploration import Budget
from cpwl_milp.engines.descent import NEEDS_SPACE
from cpwl_milp.engines.tree.accuracy import refresh
from cpwl_milp.engines.tree.entry import LEAST_TOLERANCE
from cpwl_milp.engines.tree.memory import grown, start
from cpwl_milp.engines.tree.plan import Plan, lay_out
from cpwl_milp.engines.tree.search import INACCURATE, search
from cpwl_milp.engines.tree.state import ROWS, TABLE, State
from tests.engines.exact_dictionary import errors_of
from tests.networks import random_network


def _at_the_root(dim: int, widths: list[int]) -> tuple[Plan, State]:
    network = random_network(np.random.default_rng(3), dim, widths)
    box = Box.uniform(-1.0, 1.0, dim)
    plan = lay_out(network, box, pre_activation_bounds(network, box))
    return plan, start(plan, ROOT, Budget(100_000, time.monotonic() + 60), with_balls=False)


def _further(plan: Plan, state: State, quota: int) -> State:
    while search(plan, state, quota, False, False) == NEEDS_SPACE:
        state = grown(state)
    return state


def test_a_long_search_stays_far_below_the_tolerance() -> None:
    plan, state = _at_the_root(6, [10, 10])
    worst = 0.0
    for _ in range(40):
        state = _further(plan, state, 997)
        worst = max(worst, *errors_of(plan, state))
    assert 0.0 < worst < 1e-2 * LEAST_TOLERANCE


def test_a_spoiled_dictionary_is_computed_afresh() -> None:
    plan, state = _at_the_root(5, [8, 8])
    rng = np.random.default_rng(0)
    for _ in range(10):
        state = _further(plan, state, 301)
        s = state.at[TABLE]
        table = state.tables[s, :6, : state.sizes[s, ROWS]]
        table += rng.normal(0.0, 1e-6, table.shape)
        assert max(errors_of(plan, state)) > 1e-8
        refresh(plan, state)
        assert max(errors_of(plan, state)) < 1e-13


def test_the_search_notices_a_spoiled_dictionary() -> None:
    plan, state = _at_the_root(5, [8, 8])
    for quota in (401, 101, 101):
        state = _further(plan, state, quota)
    # On the whole path: the current table alone may be left before its next check.
    rng = np.random.default_rng(0)
    state.tables[:, :6] *= 1.0 + rng.normal(0.0, 1e-7, state.tables[:, :6].shape)
    assert search(plan, state, 1000, False, False) == INACCURATE
    refresh(plan, state)
    assert max(errors_of(plan, state)) < 1e-13
