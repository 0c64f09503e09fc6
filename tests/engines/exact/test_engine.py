"""The exact engine: every region, in order, whatever the degeneracy."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import pack, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.exact import ExactEngine
from tests.engines.listing import listed, tree
from tests.known_answers import KNOWN_ANSWERS, KnownAnswer
from tests.networks import degenerate_network, one_layer, random_network
from tests.oracles_exact import exact_patterns


def _patterns(network: Network, box: Box, step: int = 10**6) -> list[tuple[int, ...]]:
    found = listed(ExactEngine(Problem.of(network, box)), step=step).regions.patterns
    return [tuple(int(bit) for bit in row) for row in unpack(found, network.n_units)]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9), step=st.integers(1, 50))
def test_lists_what_the_oracle_lists(seed: int, step: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    widths = [int(k) for k in rng.integers(1, 4, int(rng.integers(1, 3)))]
    box = Box(-np.ones(d) * rng.integers(0, 3), np.ones(d) * rng.integers(1, 4))
    network = degenerate_network(rng, d, widths)
    assert _patterns(network, box, step) == exact_patterns(network, box)


@pytest.mark.parametrize(
    "known", [k for k in KNOWN_ANSWERS if k.regions < 300], ids=lambda known: known.name
)
def test_known_answers(known: KnownAnswer) -> None:
    found = listed(ExactEngine(Problem.of(known.network, known.box)))
    assert len(found.regions) == known.regions
    assert known.prefix is None or found.prefix_counts == known.prefix


@pytest.mark.parametrize("exponent", [-60, -52, 0])
def test_a_gap_of_any_width_is_seen(exponent: int) -> None:
    # Two parallel lines, and a third across them: 6 regions however close the two are.
    gap = 2.0**exponent
    network = one_layer([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0.0, -gap / 4, 0.1])
    assert len(_patterns(network, Box.uniform(-1, 1, 2))) == 6


def test_generic_networks_as_the_tree() -> None:
    network = random_network(np.random.default_rng(3), 4, [6, 5, 4])
    box = Box.uniform(-1, 1, 4)
    found = listed(ExactEngine(Problem.of(network, box), with_points=True))
    expected = listed(tree(network, box, with_points=True))
    assert np.array_equal(found.regions.patterns, expected.regions.patterns)
    assert found.prefix_counts == expected.prefix_counts
    assert np.array_equal(pack(network.bits(found.regions.points)), found.regions.patterns)
    assert np.allclose(found.regions.inradii, expected.regions.inradii, rtol=1e-9, atol=1e-13)


def test_cubes_and_limits() -> None:
    network = random_network(np.random.default_rng(5), 2, [5, 5])
    engine = ExactEngine(Problem.of(network, Box.uniform(-1, 1, 2)))
    whole = listed(engine).patterns
    halves = [listed(engine, roots=(Cube((k,)),)).patterns for k in (-1, 1)]
    assert halves[0] | halves[1] == whole
    assert not halves[0] & halves[1]
    assert ROOT.weight == 1


def test_too_much_work_is_said() -> None:
    network = random_network(np.random.default_rng(5), 2, [5])
    engine = ExactEngine(Problem.of(network, Box.uniform(-1, 1, 2)), most_effort=20)
    advance = engine.advance(ROOT, Budget(100, time.monotonic() + 10))
    assert "too much work" in advance.unresolved
    assert advance.open
