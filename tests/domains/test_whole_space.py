"""All of R^n by homogeneous coordinates: closed forms, and boxes that grow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import WholeSpace
from cpwl_milp.core.network import Network
from cpwl_milp.core.problem import Problem
from tests.definitions import tent
from tests.domains.counting import listed_on, sampled_on
from tests.known_answers import KNOWN_ANSWERS, KnownAnswer
from tests.networks import degenerate_network, one_layer, random_network

WHOLE = [known for known in KNOWN_ANSWERS if known.whole_space]


@pytest.mark.parametrize("known", WHOLE, ids=lambda known: known.name)
def test_known_counts_of_the_whole_space(known: KnownAnswer) -> None:
    found = listed_on(known.network, WholeSpace(known.network.n_inputs))
    assert len(found.regions) == known.regions
    if known.prefix is not None:
        assert found.prefix_counts == known.prefix


@pytest.mark.parametrize(("depth", "regions"), [(1, 3), (2, 6), (3, 10), (4, 18), (6, 66)])
def test_tent_nets_have_two_more_regions_than_on_the_unit_interval(
    depth: int, regions: int
) -> None:
    assert len(listed_on(tent(depth), WholeSpace(1)).regions) == regions


@pytest.mark.parametrize(
    ("weight", "bias", "regions"),
    [
        ([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]], [0.0, 1.0, -1.0], 4),  # three parallel lines
        ([[1.0, 1.0], [2.0, 2.0], [-3.0, -3.0]], [1.0, 2.0, -3.0], 2),  # one line three times
        ([[0.0, 0.0], [1.0, 0.0]], [1.0, 0.0], 2),  # a unit that is constant
        ([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, 0.0, 0.0], 6),  # three lines in one point
        ([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, 0.0, 1e-5], 7),  # and nearly so
        ([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, 0.0, 1e5], 7),
    ],
)
def test_edge_cases_of_one_layer(
    weight: list[list[float]], bias: list[float], regions: int
) -> None:
    network = one_layer(weight, bias)
    for engine in ("tree", "cells", "milp"):
        assert len(listed_on(network, WholeSpace(2), engine).regions) == regions


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_a_large_box_holds_the_same_regions(seed: int) -> None:
    network = random_network(np.random.default_rng(seed), 2, [5, 4])
    # Vertices of a generic net of this size lie within it.
    assert (
        listed_on(network, WholeSpace(2)).patterns
        == listed_on(network, Box.uniform(-1e5, 1e5, 2)).patterns
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_engines_agree_and_hold_every_sampled_pattern(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    network = degenerate_network(rng, d, [4, 3])
    tree = listed_on(network, WholeSpace(d))
    assert tree.patterns == listed_on(network, WholeSpace(d), "cells").patterns
    assert sampled_on(network, WholeSpace(d), 500, rng) <= tree.patterns
    box = Box.uniform(-3.0, 3.0, d)
    assert listed_on(network, box).patterns <= tree.patterns


def test_zero_biases_make_cones_around_the_origin() -> None:
    network = random_network(np.random.default_rng(3), 3, [5, 4])
    conic = Network(
        tuple(
            type(layer)(type(layer.affine)(layer.affine.weight, 0 * layer.affine.bias), layer.slope)
            for layer in network.layers
        ),
        network.output,
    )
    everywhere = listed_on(conic, WholeSpace(3)).patterns
    assert everywhere == listed_on(conic, Box.uniform(-1.0, 1.0, 3)).patterns


def test_points_go_back_to_the_inputs_that_have_the_pattern() -> None:
    network = random_network(np.random.default_rng(5), 2, [5, 4])
    problem = Problem.of(network, WholeSpace(2))
    found = listed_on(network, WholeSpace(2), with_points=True)
    presented = problem.presented(found.regions)
    assert presented.points.shape == (len(found.regions), 2)
    from cpwl_milp.core.pattern import pack

    np.testing.assert_array_equal(pack(network.bits(presented.points)), found.regions.patterns)
    assert np.isnan(presented.inradii).all()


def test_projection_and_embedding_are_inverse() -> None:
    rng = np.random.default_rng(0)
    network = random_network(rng, 3, [4])
    problem = Problem.of(network, WholeSpace(3))
    x = rng.normal(size=(50, 3)) * 10.0 ** rng.uniform(-3, 3, size=(50, 1))
    t = problem.project(x)
    assert problem.domain.contains(t).all()
    np.testing.assert_allclose(problem.embed(t), x, rtol=1e-12)
    np.testing.assert_array_equal(problem.network.bits(t), network.bits(x))
