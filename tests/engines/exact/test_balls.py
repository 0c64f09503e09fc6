"""The law in L2 balls: the ball engine lists what exact arithmetic lists, ties and all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.domains.whole_space import WholeSpace
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.ball import BallEngine
from cpwl_milp.engines.ball.exact import ExactBallEngine
from cpwl_milp.engines.tree import TreeEngine
from cpwl_milp.enumeration.limits import Pace
from cpwl_milp.enumeration.listing import ListedRegions
from cpwl_milp.enumeration.loop import enumerate_regions
from tests.engines.listing import Listing, listed
from tests.networks import braid, degenerate_network, one_layer, random_network
from tests.oracles_ball_exact import exact_patterns_in_ball
from tests.slivers import sliver_network

RADII = [2.0**-40, 1e-3, 0.1, 0.5, 1.0, np.sqrt(2), 2.0, 3.0, 5.0, 2.0**40]


def _found(
    network: Network, ball: Ball, *, with_points: bool = False, step: int = 10**6
) -> Listing:
    problem = Problem.of(network, ball)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    return listed(BallEngine(problem, bounds, with_points=with_points), step=step)


def _sliver_question(seed: int, most_inputs: int) -> tuple[Network, Ball]:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, most_inputs + 1))
    network = sliver_network(rng, d, [int(k) for k in rng.integers(1, 5, int(rng.integers(1, 4)))])
    near = np.round(rng.normal(size=d))
    centre = [np.zeros(d), near, near / 3, rng.normal(size=d)][rng.integers(4)]
    return network, Ball(centre, float(rng.choice(RADII)), "2")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9), step=st.sampled_from([1, 3, 10**6]))
def test_the_same_regions_in_the_same_order(seed: int, step: int) -> None:
    network, ball = _sliver_question(seed, 5)
    expected = listed(ExactBallEngine(network, ball))
    found = _found(network, ball, with_points=seed % 4 == 0, step=step)
    assert np.array_equal(found.regions.patterns, expected.regions.patterns)
    assert found.prefix_counts == expected.prefix_counts
    assert found.decisions.get("doubts", 0) == 0


def test_nearest_points_whose_squares_underflow() -> None:
    """A hyperplane at 5e-324 from the centre: the nearest point's direction is lost."""
    network, ball = _sliver_question(7200, 5)
    assert network.layers[0].affine.bias[1] == 5e-324
    expected = listed(ExactBallEngine(network, ball))
    assert np.array_equal(_found(network, ball).regions.patterns, expected.regions.patterns)
    assert len(expected.patterns) == 54


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        # Values of 1e-15 that are sums of terms of 7: what the next layer makes of them is noise.
        (5115331, 1),
        # The cell's point is on the thin side of a cut: the thick side has another one.
        (5121652, 15),
    ],
)
def test_slivers_that_were_miscounted(seed: int, expected: int) -> None:
    network, ball = _sliver_question(seed, 4)
    exact = listed(ExactBallEngine(network, ball))
    assert np.array_equal(_found(network, ball).regions.patterns, exact.regions.patterns)
    assert len(exact.patterns) == expected


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_exact_distances_by_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    family = degenerate_network if seed % 2 else sliver_network
    network = family(rng, d, [int(k) for k in rng.integers(1, 4, 2)])
    centre = np.round(2 * rng.normal(size=d)) / 2
    ball = Ball(centre, float(rng.choice([0.25, 0.5, 1.0, 1.5])), "2")
    expected = {
        np.packbits(pattern, bitorder="little").tobytes()
        for pattern in exact_patterns_in_ball(network, ball)
    }
    assert listed(ExactBallEngine(network, ball)).patterns == expected
    assert _found(network, ball).patterns == expected


@pytest.mark.parametrize(
    ("bias", "radius", "expected"),
    [
        (-1.0, 1.0, 1),
        (-1.0, np.nextafter(1.0, 2.0), 2),
        (np.nextafter(-1.0, 0.0), 1.0, 2),
        (-(2.0**-40), 2.0**-40, 1),
        (-(2.0**-40), np.nextafter(2.0**-40, 1.0), 2),
        (2.0**40, 2.0**40, 1),
        (np.nextafter(2.0**40, 0.0), 2.0**40, 2),
    ],
)
def test_a_sphere_that_touches_a_hyperplane(bias: float, radius: float, expected: int) -> None:
    # Where the sphere just touches, the region beyond has no point in the open ball.
    found = _found(one_layer([[1.0, 0.0]], [bias]), Ball(np.zeros(2), radius, "2"))
    assert len(found.regions) == expected
    assert found.decisions["doubts"] == 0


@pytest.mark.parametrize(("radius", "expected"), [(5.0, 3), (np.nextafter(5.0, 6.0), 4)])
def test_a_vertex_on_the_sphere(radius: float, expected: int) -> None:
    # The lines x = 3 and y = 4 cross at distance 5: the quarter beyond both only touches.
    network = one_layer([[1.0, 0.0], [0.0, 1.0]], [-3.0, -4.0])
    assert len(_found(network, Ball(np.zeros(2), radius, "2")).regions) == expected


def test_a_unit_of_the_second_layer_that_touches_the_sphere_inside_a_cell() -> None:
    # relu(x) + relu(y) - 1 vanishes at (1, 0), (0, 1) and between, at a distance of 1 / sqrt(2).
    network = one_layer([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])
    second = one_layer([[1.0, 1.0]], [-1.0])
    deep = Network((*network.layers, *second.layers), second.output)
    # 4 quarters; beyond 1 / sqrt(2) the first one is cut, beyond 1 two more are.
    for radius, expected in ((0.7071067, 4), (0.7071068, 5), (1.0, 5), (1.0 + 1e-15, 7)):
        assert len(_found(deep, Ball(np.zeros(2), radius, "2")).regions) == expected


@pytest.mark.parametrize("radius", [2.0**-40, 1.0, 2.0**40])
def test_hyperplanes_through_the_centre(radius: float) -> None:
    found = _found(braid(4), Ball(np.ones(4), radius, "2"))
    assert len(found.regions) == 24
    assert found.decisions["doubts"] == 0


def test_a_vast_ball_holds_the_regions_of_the_whole_space() -> None:
    for seed in range(6):
        network = random_network(np.random.default_rng(seed), 2, [5, 4])
        problem = Problem.of(network, WholeSpace(2))
        bounds = pre_activation_bounds(problem.network, problem.domain)
        everywhere = listed(TreeEngine(problem, bounds)).regions
        vast = _found(network, Ball(np.zeros(2), 2.0**40, "2"))
        assert len(vast.regions) == len(everywhere)
        assert vast.decisions["doubts"] == 0


def test_units_twice_but_for_an_ulp() -> None:
    rows = [[0.5, 0.25], [0.5, 0.25], [-1.0, -0.5], [0.3, -0.7]]
    bias = [0.125, np.nextafter(0.125, 1.0), -0.25, 0.0]
    # Three parallel lines, two of them an ulp apart, and one across.
    found = _found(one_layer(rows, bias), Ball(np.zeros(2), 1.0, "2"), with_points=True)
    assert len(found.regions) == 6
    assert found.decisions["slivers"] > 0
    assert sorted(found.regions.inradii)[1] < 1e-15


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_cones_of_networks_without_biases(seed: int) -> None:
    network, ball = _sliver_question(seed, 5)
    layers = tuple(
        Layer(Affine(layer.affine.weight, 0.0 * layer.affine.bias), layer.slope)
        for layer in network.layers
    )
    cones = Network(layers, network.output)
    expected = listed(ExactBallEngine(cones, ball))
    found = _found(cones, ball)
    assert np.array_equal(found.regions.patterns, expected.regions.patterns)
    assert found.decisions.get("doubts", 0) == 0


@pytest.mark.parametrize("seed", range(4))
def test_threads_ask_at_the_same_time(seed: int) -> None:
    network, _ = _sliver_question(seed, 5)
    rng = np.random.default_rng(seed)
    wide = sliver_network(rng, 3, [10, 8])
    for each in (network, wide):
        ball = Ball(np.zeros(each.n_inputs), 2.0, "2")
        problem = Problem.of(each, ball)
        bounds = pre_activation_bounds(problem.network, problem.domain)
        alone, together = (ListedRegions(each.n_units, each.n_inputs) for _ in range(2))
        for sink, jobs in ((alone, 1), (together, 3)):
            outcome = enumerate_regions(
                BallEngine(problem, bounds),
                n_layers=len(each.layers),
                sinks=[sink],
                pace=Pace(regions=3),
                jobs=jobs,
            )
            assert outcome.complete
            assert outcome.tally.doubts == 0
        assert np.array_equal(alone.regions.patterns, together.regions.patterns)


def test_exact_radii() -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        d = int(rng.integers(1, 5))
        network = random_network(rng, d, [5, 4])
        ball = Ball(rng.normal(size=d), 1.0, "2")
        exact = listed(ExactBallEngine(network, ball, with_points=True)).regions
        found = _found(network, ball, with_points=True).regions
        assert exact.inradii == pytest.approx(found.inradii, rel=1e-7)
