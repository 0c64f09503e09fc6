"""Points at which many units are zero: the patterns around them exist, and are not too many."""

from __future__ import annotations

import time

import numpy as np
import pytest

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.cell import Cell
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.network import Network
from cpwl_milp.core.problem import Problem
from cpwl_milp.counting.common_zeros import CommonZeros, common_zeros
from cpwl_milp.domains import polytope
from cpwl_milp.engines.exact import ExactEngine
from tests.engines.listing import listed
from tests.networks import degenerate_network, one_layer, random_network


def _zeros(network: Network, domain: Domain) -> tuple[Problem, CommonZeros]:
    problem = Problem.of(network, domain)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    return problem, common_zeros(problem, bounds, time.monotonic() + 60)


@pytest.mark.parametrize("seed", range(8))
def test_all_patterns_of_the_zero_units_occur_around_the_point(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 9, (6, 5, 4))
    problem, found = _zeros(network, Box.uniform(-1, 1, 9))
    network, k = problem.network, found.counts[-1]
    assert k == len(found.units) >= 3
    assert list(found.counts) == sorted(found.counts)
    assert problem.domain.contains(found.point[None]).all()
    base = network.bits(found.point[None])[0]
    for number in range(2**k):
        wanted = base.copy()
        wanted[found.units] = [number >> i & 1 for i in range(k)]
        rows = np.concatenate([m.dense() for m in Cell.of(network, wanted).pre_activations])
        signs = np.where(wanted[found.units], 1.0, -1.0)
        step = np.linalg.lstsq(rows[found.units], signs, rcond=None)[0]
        seen = network.bits((found.point + 1e-7 * step / np.linalg.norm(step))[None])[0]
        assert np.array_equal(seen, wanted)


@pytest.mark.parametrize("seed", range(40))
def test_it_is_a_lower_bound_of_exact_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    network = degenerate_network(rng, d, [int(k) for k in rng.integers(1, 5, 2)])
    problem, found = _zeros(network, Box.uniform(-1, 1, d))
    exact = listed(ExactEngine(problem))
    for count, regions in zip(found.counts, exact.prefix_counts, strict=True):
        assert 2**count <= regions


def test_more_units_than_inputs_and_units_out_of_reach() -> None:
    # Four lines through the origin: two of them are independent. One passes the square by.
    rows = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0], [1.0, 0.5]]
    network = one_layer(rows, [0.0, 0.0, 0.0, 0.0, 5.0])
    assert _zeros(network, Box.uniform(-1, 1, 2))[1].counts == (2,)
    # Two parallel lines are never zero together.
    parallel = one_layer([[1.0, 0.0], [1.0, 0.0]], [0.25, -0.25])
    assert _zeros(parallel, Box.uniform(-1, 1, 2))[1].counts == (1,)
    # They cross outside the domain.
    apart = one_layer([[1.0, 1.0], [1.0, -1.0]], [-1.5, 1.5])
    assert _zeros(apart, Box.uniform(-1, 1, 2))[1].lower == 2
    assert _zeros(apart, Box.uniform(-2, 2, 2))[1].lower == 4


@pytest.mark.parametrize("dim", [3, 20])
def test_balls_and_polytopes(dim: int) -> None:
    network = random_network(np.random.default_rng(1), dim, (12, 12))
    box = Box.uniform(-1, 1, dim)
    A = np.concatenate([np.ones((1, dim)), np.eye(dim), -np.eye(dim)])
    corner = polytope(A, np.concatenate([[0.5], box.upper, -box.lower]), origin="test")
    for domain in (Ball(np.zeros(dim), 1.0, "2"), corner):
        problem, found = _zeros(network, domain)
        assert 2 <= found.counts[-1] <= dim
        assert problem.domain.contains(found.point[None]).all()


def test_duplicates_count_once() -> None:
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(4, 12))
    twice = one_layer(np.concatenate([weight, 2 * weight]).tolist(), [0.1, 0.2, 0.0, 0.1] * 2)
    doubled = one_layer(np.concatenate([weight, 2 * weight]).tolist(), [0.1] * 4 + [0.2] * 4)
    assert _zeros(twice, Box.uniform(-1, 1, 12))[1].counts == (4,)
    assert _zeros(doubled, Box.uniform(-1, 1, 12))[1].counts == (4,)


def test_no_time_no_zeros() -> None:
    problem = Problem.of(random_network(np.random.default_rng(1), 6, (6,)), Box.uniform(-1, 1, 6))
    bounds = pre_activation_bounds(problem.network, problem.domain)
    assert common_zeros(problem, bounds, time.monotonic() - 1).lower == 1
