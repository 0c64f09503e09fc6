"""The law above all: exact engines list the same patterns, on every network."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import pack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.milp.engine import MilpEngine
from cpwl_milp.engines.tree import TreeEngine
from tests.engines.listing import Listing, listed
from tests.engines.symmetries import rescaled, shuffled
from tests.networks import degenerate_network


def _problem(seed: int) -> tuple[Network, Box]:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    widths = [int(k) for k in rng.integers(1, 5, int(rng.integers(1, 4)))]
    # Some boxes have corners and faces on the hyperplanes of nets with integer weights.
    box = Box(-np.ones(d) * rng.integers(0, 3), np.ones(d) * rng.integers(1, 4))
    return degenerate_network(rng, d, widths), box


def _both(network: Network, box: Box) -> tuple[Listing, Listing]:
    problem = Problem.of(network, box)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    return listed(TreeEngine(problem, bounds)), listed(MilpEngine(problem, bounds))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_milp_and_tree_list_the_same(seed: int) -> None:
    network, box = _problem(seed)
    by_tree, by_milp = _both(network, box)
    assert by_milp.patterns == by_tree.patterns
    assert by_milp.prefix_counts == by_tree.prefix_counts

    # Dense sampling: a pattern seen away from all boundaries is listed.
    x = box.sample(4000, np.random.default_rng(seed))
    clear = np.all(
        [np.all((np.abs(z) > 1e-9) | (z == 0), axis=1) for z in network.pre_activations(x)], axis=0
    )
    assert {bytes(row) for row in pack(network.bits(x[clear]))} <= by_tree.patterns

    # Neither the order nor the scale of units matters, to either engine.
    rng = np.random.default_rng(seed)
    same_function = shuffled(rescaled(network, rng), rng)
    for listing in _both(same_function, box):
        assert listing.prefix_counts == by_tree.prefix_counts
