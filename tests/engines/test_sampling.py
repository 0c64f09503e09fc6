"""The sampling engine: a subset of the regions, within every limit."""

from __future__ import annotations

import time

import numpy as np

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.cube import ROOT
from cpwl_milp.core.domain import Box
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.sampling import SamplingEngine
from tests.engines.listing import listed, tree
from tests.networks import degenerate_network, random_network


def _sampling(problem: Problem, n_samples: int) -> SamplingEngine:
    bounds = pre_activation_bounds(problem.network, problem.domain)
    return SamplingEngine(problem, bounds, n_samples=n_samples, seed=3)


def test_samples_show_only_regions_that_the_tree_lists() -> None:
    for seed in range(20):
        network = degenerate_network(np.random.default_rng(seed), 2, [5, 5])
        box = Box.uniform(-1, 1, 2)
        engine = _sampling(Problem.of(network, box), 2000)
        advance = engine.advance(ROOT, Budget(10**6, time.monotonic() + 60))
        assert {bytes(row) for row in advance.regions.patterns} <= listed(
            tree(network, box)
        ).patterns
        assert advance.unresolved
        assert advance.open == (ROOT,)
        assert advance.prefix_counts[-1] == len(advance.regions)


def test_limits_hold() -> None:
    network = random_network(np.random.default_rng(0), 2, [8, 8])
    problem = Problem.of(network, Box.uniform(-1, 1, 2))
    few = _sampling(problem, 5000).advance(ROOT, Budget(7, time.monotonic() + 60))
    assert len(few.regions) == 7
    parked = _sampling(problem, 5000).advance(ROOT, Budget(100, time.monotonic() + 60, (5, 5)))
    assert tuple(parked.prefix_counts) <= (5, 5)
    assert parked.parked == (ROOT,)
    assert not parked.open
