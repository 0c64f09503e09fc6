"""Lower bounds by random parities."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.encoding.big_m import encode
from cpwl_milp.encoding.parity import Parity, with_parities
from cpwl_milp.encoding.pattern_search import open_search
from cpwl_milp.engines.tree import TreeEngine
from cpwl_milp.estimation.parity import (
    ParityBound,
    ParitySettings,
    _log10_lower,
    parity_lower_bound,
)
from tests.engines.listing import listed
from tests.networks import mlp, random_network

SQUARE = Box.uniform(-1, 1, 2)


def _bound(network: Network, domain: Domain, **settings: float) -> ParityBound:
    problem = Problem.of(network, domain)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    return parity_lower_bound(problem, bounds, ParitySettings(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
def test_a_search_under_parities_finds_exactly_the_regions_that_have_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = Problem.of(random_network(rng, 2, (5, 4)), SQUARE)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    encoding = encode(problem.network, problem.domain, bounds)
    units = np.flatnonzero(encoding.stable_bits < 0)
    parities = [Parity(rng.choice(units, 3, replace=False), bool(rng.integers(2))) for _ in "ab"]
    regions = unpack(listed(TreeEngine(problem, bounds)).regions.patterns, problem.network.n_units)
    expected = {row.tobytes() for row in regions if all(p.holds(row) for p in parities)}
    search = open_search(with_parities(encoding, parities))
    found = set()
    while (proposal := search.propose(60.0)).bits is not None:
        assert all(p.holds(proposal.bits) for p in parities)
        found.add(proposal.bits.tobytes())
        search.cut(units, proposal.bits[units])
    assert expected <= found  # a solver may also propose thin ones
    assert 0 < len(expected) < len(regions)


def test_confidence_is_that_of_the_binomial_tail() -> None:
    """10 of 10: ``p^10 = 0.05``; and 8 of 10 by the tail itself."""
    assert _log10_lower(7, 10, 10, 0.95) == pytest.approx(math.log10(2**7 * 0.05**0.1))
    p = 10 ** _log10_lower(20, 10, 8, 0.95) / 2**20
    tail = sum(math.comb(10, k) * p**k * (1 - p) ** (10 - k) for k in (8, 9, 10))
    assert tail == pytest.approx(0.05)
    assert _log10_lower(3, 10, 0, 0.95) == 0.0


def test_the_bound_is_below_the_count_and_not_far_below() -> None:
    network = random_network(np.random.default_rng(5), 3, (8, 8))
    domain = Box.uniform(-1, 1, 3)
    problem = Problem.of(network, domain)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    count = len(listed(TreeEngine(problem, bounds)).patterns)
    found = _bound(network, domain, seed=1)
    assert math.log10(count) - 1.5 < found.lower < math.log10(count)
    assert found.successes > 0
    assert found.out_of_time == 0


def test_one_region_is_not_more() -> None:
    network = mlp(([[1.0, 0.0], [0.0, 1.0]], [5.0, -5.0]), ([[1.0, 1.0]], [0.0]))
    for seed in range(20):
        found = _bound(network, SQUARE, seed=seed, level=0.99)
        assert found.lower == 0.0


def test_no_time_is_no_bound_but_no_failure_either() -> None:
    network = random_network(np.random.default_rng(5), 3, (8, 8))
    found = _bound(network, Box.uniform(-1, 1, 3), max_seconds=1e-6)
    assert found.lower == 0.0
    assert found.successes == 0


def test_balls_are_refused() -> None:
    network = random_network(np.random.default_rng(5), 3, (4,))
    with pytest.raises(DomainError, match="ball"):
        _bound(network, Ball(np.zeros(3), 1.0, "2"))


@pytest.mark.slow
def test_it_is_above_the_count_no_more_often_than_stated() -> None:
    """At a level of 0.8 with three units a parity: in 100 seeded bounds, 20 times or less."""
    network = random_network(np.random.default_rng(3), 2, (5, 4))
    problem = Problem.of(network, SQUARE)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    truth = math.log10(len(listed(TreeEngine(problem, bounds)).patterns))
    found = [
        parity_lower_bound(problem, bounds, ParitySettings(level=0.8, size=3, seed=seed))
        for seed in range(100)
    ]
    above = sum(each.lower > truth for each in found)
    print(f"{10**truth:.0f} regions: {above} of 100 bounds above it")
    # 20 expected at most; 28 or more have a chance of 3 % if it were exactly 20.
    assert above <= 27
