"""How often intervals and lower bounds hold: 200 seeded estimates of a known count."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.tree import TreeEngine
from cpwl_milp.estimation import EstimateSettings, estimate_regions
from tests.engines.listing import listed
from tests.networks import random_network


@pytest.mark.slow
@pytest.mark.parametrize(("n_inputs", "widths"), [(4, (16, 16)), (6, (10, 10)), (3, (12, 12, 12))])
def test_coverage(n_inputs: int, widths: tuple[int, ...]) -> None:
    network = random_network(np.random.default_rng(1), n_inputs, widths)
    problem = Problem.of(network, Box.uniform(-1, 1, n_inputs))
    bounds = pre_activation_bounds(problem.network, problem.domain)
    truth = math.log10(len(listed(TreeEngine(problem, bounds)).patterns))
    found = [
        estimate_regions(problem, bounds, EstimateSettings(population=50, seed=seed))
        for seed in range(200)
    ]
    covered = sum(each.regions.low <= truth <= each.regions.high for each in found)
    assert covered >= 180
    # With 95 % confidence each: above the truth in 10 of 200 on average, if the bound were sharp.
    assert sum(each.lower is not None and each.lower > truth for each in found) <= 10
    mean = np.mean([10 ** (each.regions.log10 - truth) for each in found])
    print(f"{10**truth:,.0f} regions: {covered} of 200 covered, mean {mean:.4f} of the count")
    assert abs(mean - 1) < 0.02
