"""The law: float engines list what the exact engine lists, however thin regions are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.cells import CellsEngine
from cpwl_milp.engines.exact import ExactEngine
from cpwl_milp.engines.tree import TreeEngine
from tests.engines.listing import listed
from tests.networks import mlp, one_layer, random_network
from tests.oracles_exact import exact_patterns
from tests.slivers import sliver_network


def test_a_cell_that_float64_holds_too_large() -> None:
    # A wedge of nearly parallel hyperplanes, in which float64 goes on to see cuts.
    rng = np.random.default_rng(370)
    d = int(rng.integers(3, 5))
    widths = [int(k) for k in rng.integers(1, 6, int(rng.integers(1, 4)))]
    network = sliver_network(rng, d, widths)
    problem = Problem.of(network, Box(*_drawn_box(rng, d)))
    bounds = pre_activation_bounds(problem.network, problem.domain)
    found = listed(TreeEngine(problem, bounds))
    assert np.array_equal(found.regions.patterns, listed(ExactEngine(problem)).regions.patterns)


def test_a_block_that_is_entered_twice() -> None:
    # The questions about a block come up after rows that bound nothing were left behind. Kept
    # twice, such a row once counted a coordinate double: a region in which the last unit,
    # -1 + relu(1 - relu(x)), is above 0.
    network = mlp(
        ([[0, -1, 2, 1, 2], [0, 2, 0, 1, 1], [0, 2, -2, 0, 0], [2, -2, 2, 0, -1]], [0, 0, 0, 0]),
        ([[2, 2, 2, -1], [-1, -1, 2, -1], [2, 2, 0, -1]], [0, 0, 1]),
        ([[2, -2, 0], [-1, -2, 1]], [0, -1]),
        ([[1, 1]], [0]),
    )
    half = np.array([0.27176573, 0.23498272, 0.21554609, 0.23743118, 0.25])
    problem = Problem.of(network, Box(-half, half))
    found = listed(TreeEngine(problem, pre_activation_bounds(problem.network, problem.domain)))
    assert np.array_equal(found.regions.patterns, listed(ExactEngine(problem)).regions.patterns)
    assert len(found.regions) == 33


def test_bounds_from_a_vertex_of_nearly_parallel_hyperplanes() -> None:
    # Two units of the second layer are parallel but for 1e-10. Values at the vertex where they
    # meet err by 1e-6, and so did the bounds by which the last unit was given a bit.
    first = Layer(Affine(np.array([[0.0, 0, 1], [0, 1, 0]]), np.array([0.0, 1.0])), np.full(2, 1.5))
    rows = [[-0.27669463529461974, 0.240483098595919], [-0.8300839059114343, 0.7214492957411326]]
    second = Layer(Affine(np.array([*rows, [0.0, 1.0]]), np.zeros(3)), np.array([1.5, 1.5, 0.0]))
    third = Layer(Affine(np.array([[0.0, 1.0, -0.4]]), np.array([5e-324])), np.array([0.1]))
    network = Network((first, second, third), Affine(np.ones((1, 1)), np.zeros(1)))
    box = Box(np.array([-3.0, -1.0, -1.0]), np.array([-1.0, 1.0, 0.38]))
    problem = Problem.of(network, box)
    found = listed(TreeEngine(problem, pre_activation_bounds(network, box)))
    assert np.array_equal(found.regions.patterns, listed(ExactEngine(problem)).regions.patterns)


@pytest.mark.parametrize("with_points", [False, True])
def test_a_triangle_no_larger_than_the_tolerance(with_points: bool) -> None:
    # Four lines that nearly meet. No vertex of the triangle between three of them tells on which
    # side of the other two it lies.
    rows = [
        [0.3536673795768612, -0.012994831320909384],
        [-0.9227470172034757, -0.4594858636541502],
        [1.421262264817488, -0.277389903967743],
        [-0.12121036580891092, 1.6676759483268258],
    ]
    bias = [-0.11203655335677265, 0.4058735455974361, -0.39840870053089844, -0.34441735498563636]
    problem = Problem.of(one_layer(rows, bias), Box.uniform(0, 1, 2))
    bounds = pre_activation_bounds(problem.network, problem.domain)
    found = listed(CellsEngine(problem, bounds, with_points=with_points))
    assert np.array_equal(found.regions.patterns, listed(ExactEngine(problem)).regions.patterns)


def test_answers_are_of_one_cell() -> None:
    # On one cell two units of the last layer are asked about, and the first of them cuts it. The
    # answer about the second was taken for that on a later cell once, where it is constantly 0.
    network = mlp(
        ([[0.0, 1.0], [9.910707555853516e-08, 0.0], [-9.910707555929557e-07, 0.0]], [0.0] * 3),
        ([[0.0, 1.6222145690560657e-05, 0.0], [46.0, -37.0, -87.0]], [0.0, 0.0]),
        ([[-0.04, 1.0], [1.0, 1.0]], [1e-15, 0.0]),
        ([[1.0, 1.0]], [0.0]),
    )
    problem = Problem.of(network, Box.uniform(-1, 2, 2))
    found = listed(TreeEngine(problem, pre_activation_bounds(network, problem.domain)))
    assert np.array_equal(found.regions.patterns, listed(ExactEngine(problem)).regions.patterns)


def test_a_table_that_has_left_a_steep_vertex() -> None:
    # Units 1 and 2 are nearly parallel, and so are 3 and 4. Where the first two met, the table took
    # in errors of 1e-7, which made a wedge between the others look thick.
    rows = [
        [0.44121355285498753, 0.6716439391344531, -0.49763703192756864],
        [1.3236406585649627, 2.014931816960074, -1.4929110967680272],
        [0.12903486640399542, 0.44949691242755707, 0.5379589927513055],
        [-0.12903486640399542, -0.44949691241766815, -0.5379589927394705],
        [1.0, 0.0, 0.0],
    ]
    bias = [-0.01665432933198401, -0.05, 0.039777398252456145, -0.039777398249830835, 0.0]
    problem = Problem.of(one_layer(rows, bias), Box.uniform(-1e5, 1e5, 3))
    bounds = pre_activation_bounds(problem.network, problem.domain)
    found = listed(TreeEngine(problem, bounds))
    assert np.array_equal(found.regions.patterns, listed(ExactEngine(problem)).regions.patterns)


def _drawn_box(rng: np.random.Generator, d: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return -np.ones(d) * rng.integers(0, 3), np.ones(d) * rng.integers(1, 4)


@pytest.mark.parametrize("kind", [TreeEngine, CellsEngine])
@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        # A positive value whose terms underflow: 1.4e-16 times 5e-324.
        (20007380, 1),
        # A sequence of pivots that fails numerically: the cell goes on in exact arithmetic.
        (20009765, 121),
    ],
)
def test_networks_that_were_wrong_or_stuck(
    kind: type[CellsEngine | TreeEngine], seed: int, expected: int
) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 5))
    widths = [int(k) for k in rng.integers(1, 6, int(rng.integers(1, 4)))]
    network = sliver_network(rng, d, widths)
    problem = Problem.of(network, Box(*_drawn_box(rng, d)))
    bounds = pre_activation_bounds(problem.network, problem.domain)
    found = listed(kind(problem, bounds))
    assert np.array_equal(found.regions.patterns, listed(ExactEngine(problem)).regions.patterns)
    assert len(found.regions) == expected


@pytest.mark.parametrize("kind", [TreeEngine, CellsEngine])
@settings(max_examples=80, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9), step=st.sampled_from([1, 3, 10**6]))
def test_the_same_regions_in_the_same_order(
    kind: type[CellsEngine | TreeEngine], seed: int, step: int
) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 5))
    widths = [int(k) for k in rng.integers(1, 5, int(rng.integers(1, 4)))]
    box = Box(-np.ones(d) * rng.integers(0, 3), np.ones(d) * rng.integers(1, 4))
    problem = Problem.of(sliver_network(rng, d, widths), box)
    bounds = pre_activation_bounds(problem.network, box)
    expected = listed(ExactEngine(problem))
    found = listed(kind(problem, bounds, with_points=bool(seed % 2)), step=step)
    assert np.array_equal(found.regions.patterns, expected.regions.patterns)
    assert found.prefix_counts == expected.prefix_counts
    assert found.decisions.get("doubts", 0) == 0


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_the_exact_engine_on_slivers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    network = sliver_network(rng, d, [int(k) for k in rng.integers(1, 4, 2)])
    box = Box.uniform(-1, 1, d)
    found = listed(ExactEngine(Problem.of(network, box))).patterns
    expected = {np.packbits(p, bitorder="little").tobytes() for p in exact_patterns(network, box)}
    assert found == expected


def _twice(network: Network) -> Network:
    """The first unit of the first layer twice, one bias an ulp larger."""
    first = network.layers[0].affine
    weight, bias = first.dense().copy(), first.bias.copy()
    weight[1], bias[1] = weight[0], np.nextafter(bias[0], np.inf)
    second = network.layers[1].affine
    return mlp((weight, bias), (second.dense(), second.bias), ([[1.0] * second.n_out], [0.0]))


@pytest.mark.parametrize("kind", [TreeEngine, CellsEngine])
def test_a_unit_twice_but_for_an_ulp(kind: type[CellsEngine | TreeEngine]) -> None:
    network = _twice(random_network(np.random.default_rng(0), 3, [5, 4]))
    problem = Problem.of(network, Box.uniform(-1, 1, 3))
    bounds = pre_activation_bounds(network, problem.domain)
    found = listed(kind(problem, bounds))
    assert np.array_equal(found.regions.patterns, listed(ExactEngine(problem)).regions.patterns)
    assert found.decisions["slivers"] > 0
    assert found.decisions["exact"] > 0


def test_ties_that_are_zero_are_settled_as_such() -> None:
    # Four lines through one point that is no float: the thirds decide on a sliver or none.
    rows = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]]
    for point, expected in (((0.5, 0.25), 8), ((1 / 3, 1 / 7), None)):
        bias = [-(a * point[0] + b * point[1]) for a, b in rows]
        network, box = one_layer(rows, bias), Box.uniform(-1, 1, 2)
        problem = Problem.of(network, box)
        found = listed(TreeEngine(problem, pre_activation_bounds(network, box)))
        assert len(found.regions) == len(exact_patterns(network, box))
        assert expected is None or len(found.regions) == expected
