"""The cells engine lists what the tree lists, in the same order."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.cube import ROOT
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import pack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.cells import CellsEngine
from cpwl_milp.engines.cells.memory import box_corners
from cpwl_milp.engines.tree import TreeEngine
from tests.engines.listing import listed
from tests.networks import degenerate_network, one_layer, random_network


def _engines(network: Network, box: Box) -> tuple[CellsEngine, TreeEngine]:
    problem = Problem.of(network, box)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    return CellsEngine(problem, bounds, with_points=True), TreeEngine(problem, bounds)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9), step=st.integers(1, 9))
def test_agrees_with_the_tree(seed: int, step: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 6))
    widths = [int(k) for k in rng.integers(1, 7, int(rng.integers(1, 4)))]
    box = Box(-np.ones(d) * rng.integers(0, 3), np.ones(d) * rng.integers(1, 4))
    network = degenerate_network(rng, d, widths)
    cells, tree = _engines(network, box)
    expected, found = listed(tree), listed(cells)
    assert np.array_equal(found.regions.patterns, expected.regions.patterns)
    assert found.prefix_counts == expected.prefix_counts
    # In slices of any size, too, which rebuilds cells from their cubes.
    assert np.array_equal(listed(cells, step=step).regions.patterns, found.regions.patterns)


@pytest.mark.parametrize(("d", "widths"), [(2, [40, 40, 40]), (3, [14, 14, 14]), (4, [10, 10])])
def test_larger_networks(d: int, widths: list[int]) -> None:
    network = random_network(np.random.default_rng(d), d, widths)
    cells, tree = _engines(network, Box.uniform(-1, 1, d))
    found, expected = listed(cells), listed(tree)
    assert np.array_equal(found.regions.patterns, expected.regions.patterns)
    assert np.array_equal(pack(network.bits(found.regions.points)), found.regions.patterns)


def test_a_layer_limit_parks_the_rest() -> None:
    network = random_network(np.random.default_rng(5), 2, [6, 6, 6])
    cells, tree = _engines(network, Box.uniform(-1, 1, 2))
    expected = listed(tree)
    advance = cells.advance(ROOT, Budget(10**6, time.monotonic() + 60, (5,) * 3))
    assert tuple(advance.prefix_counts) == tuple(min(5, k) for k in expected.prefix_counts)
    rest = listed(cells, roots=advance.parked)
    assert rest.patterns | {bytes(row) for row in advance.regions.patterns} == expected.patterns


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_corners_lie_on_their_facets(d: int) -> None:
    corners, facets = box_corners(d)
    assert len({tuple(corner) for corner in corners}) == 2**d
    for corner, mask in zip(corners, facets, strict=True):
        on = [bool(int(mask) >> k & 1) for k in range(2 * d)]
        assert on == [*(corner == -1), *(corner == 1)]


def test_too_many_inputs_are_refused() -> None:
    network = random_network(np.random.default_rng(0), 7, [3])
    with pytest.raises(DomainError, match="use --engine tree"):
        _engines(network, Box.uniform(-1, 1, 7))


@pytest.mark.parametrize("kind", [CellsEngine, TreeEngine])
@pytest.mark.parametrize("gap", [0.0, 1e-16, 1e-13, 2e-12, 1e-6])
def test_a_gap_of_any_width_is_a_region(kind: type[CellsEngine | TreeEngine], gap: float) -> None:
    # Two parallel lines `gap` apart: 3 regions, or 2 where they are one line.
    network = one_layer(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([-0.25, -0.25 - gap]))
    problem = Problem.of(network, Box.uniform(-1, 1, 2))
    bounds = pre_activation_bounds(problem.network, problem.domain)
    advance = kind(problem, bounds).advance(ROOT, Budget(10, time.monotonic() + 60))
    assert len(advance.regions) == (3 if gap else 2)
    assert advance.decisions.get("doubts", 0) == 0
