"""The tree engine against an independent oracle, dense sampling and its own symmetries."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import pack
from tests.engines.listing import listed, tree
from tests.engines.symmetries import rescaled, shuffled
from tests.networks import degenerate_network, mlp, random_network
from tests.oracles import OracleDoubtError, facet_walk_regions


def _small_problem(seed: int) -> tuple[Network, Box]:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    widths = [int(k) for k in rng.integers(1, 6, int(rng.integers(1, 4)))]
    # Boxes with corners on the hyperplanes of nets with integer weights, too.
    box = Box(-np.ones(d) * rng.integers(0, 3), np.ones(d) * rng.integers(1, 4))
    return degenerate_network(rng, d, widths), box


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_agrees_with_the_facet_walk(seed: int) -> None:
    network, box = _small_problem(seed)
    try:
        expected = facet_walk_regions(network, box)
    except OracleDoubtError:
        return
    assert listed(tree(network, box)).patterns == set(expected)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_regions_have_witnesses_and_samples_are_listed(seed: int) -> None:
    network, box = _small_problem(seed)
    listing = listed(tree(network, box, with_points=True))
    regions = listing.regions
    clear = regions.inradii > 1e-9
    assert np.all(box.contains(regions.points))
    assert np.array_equal(pack(network.bits(regions.points))[clear], regions.patterns[clear])
    x = box.sample(5000, np.random.default_rng(seed))
    off_boundary = np.all(
        [np.all((np.abs(z) > 1e-9) | (z == 0), axis=1) for z in network.pre_activations(x)], axis=0
    )
    sampled = {bytes(row) for row in pack(network.bits(x[off_boundary]))}
    assert sampled <= listing.patterns


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_neither_order_nor_scale_of_units_matters(seed: int) -> None:
    network, box = _small_problem(seed)
    rng = np.random.default_rng(seed)
    expected = listed(tree(network, box))
    assert listed(tree(shuffled(network, rng), box)).prefix_counts == expected.prefix_counts
    assert listed(tree(rescaled(network, rng), box)).patterns == expected.patterns


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9), step=st.integers(1, 7))
def test_any_slicing_lists_the_same_in_the_same_order(seed: int, step: int) -> None:
    network, box = _small_problem(seed)
    whole, sliced = listed(tree(network, box)), listed(tree(network, box), step=step)
    assert np.array_equal(whole.regions.patterns, sliced.regions.patterns)
    assert whole.prefix_counts == sliced.prefix_counts


def test_a_cube_lists_exactly_its_own_regions() -> None:
    rng = np.random.default_rng(3)
    network, box = random_network(rng, 3, [6, 6]), Box.uniform(-1, 1, 3)
    everything = listed(tree(network, box)).patterns
    # Decisions need not follow the order of the units, nor touch a unit that cuts.
    for literals in ((1,), (-1, 8), (12, -3), (5, 6, 7, 8), (-12, -11)):
        own = listed(tree(network, box), roots=(Cube(literals),)).patterns
        expected = {
            pattern
            for pattern in everything
            if all(
                (pattern[(abs(k) - 1) // 8] >> ((abs(k) - 1) % 8) & 1) == (k > 0) for k in literals
            )
        }
        assert own == expected


@pytest.mark.parametrize("limit", [1, 2, 5, 17])
def test_a_layer_limit_parks_the_rest(limit: int) -> None:
    network, box = random_network(np.random.default_rng(5), 2, [6, 6, 6]), Box.uniform(-1, 1, 2)
    engine = tree(network, box)
    expected = listed(engine)
    advance = engine.advance(ROOT, Budget(10**6, time.monotonic() + 60, (limit,) * 3))
    assert not advance.open
    assert tuple(advance.prefix_counts) == tuple(min(limit, k) for k in expected.prefix_counts)
    # What was parked and what was listed are the whole, and nothing twice.
    rest = listed(engine, roots=advance.parked)
    patterns = [*advance.regions.patterns, *rest.regions.patterns]
    assert len(patterns) == len({bytes(row) for row in patterns}) == expected.prefix_counts[-1]
    total = advance.prefix_counts + np.array(rest.prefix_counts)
    assert tuple(total) == expected.prefix_counts


def test_tiny_biases_and_extreme_scales() -> None:
    rng = np.random.default_rng(11)
    network = random_network(rng, 2, [8, 8])
    box = Box.uniform(-1, 1, 2)
    # Shrinking biases and box together shrinks the picture.
    small = Network(
        tuple(
            Layer(Affine(layer.affine.weight, layer.affine.bias * 2.0**-20), layer.slope)
            for layer in network.layers
        ),
        network.output,
    )
    expected = listed(tree(network, box)).patterns
    assert listed(tree(small, Box.uniform(-(2.0**-20), 2.0**-20, 2))).patterns == expected
    for exponent in (-40, 40):
        scaled = Network(
            tuple(
                Layer(
                    Affine(
                        layer.affine.dense() * 2.0**exponent,
                        layer.affine.bias * 2.0 ** (exponent * (k + 1)),
                    ),
                    layer.slope,
                )
                for k, layer in enumerate(network.layers)
            ),
            network.output,
        )
        assert listed(tree(scaled, box)).patterns == expected


def test_an_affine_network_is_one_region() -> None:
    network = mlp(([[1.0, 2.0]], [0.5]))
    listing = listed(tree(network, Box.uniform(-1, 1, 2), with_points=True))
    assert len(listing.regions) == 1
    assert listing.regions.inradii[0] == 1.0


def test_fixed_coordinates_are_taken_out() -> None:
    rng = np.random.default_rng(2)
    network = random_network(rng, 3, [6, 6])
    lower, upper = np.array([-1.0, 0.25, -1.0]), np.array([1.0, 0.25, 1.0])
    on_slice = listed(tree(network, Box(lower, upper), with_points=True))
    points = np.insert(on_slice.regions.points, 1, 0.25, axis=1)
    assert {bytes(row) for row in pack(network.bits(points))} == on_slice.patterns
    x = np.insert(rng.uniform(-1, 1, (20_000, 2)), 1, 0.25, axis=1)
    assert {bytes(row) for row in pack(network.bits(x))} <= on_slice.patterns


def test_inradius_of_an_anisotropic_box() -> None:
    # One line x = 0 in [-1, 1] x [-8, 8]: two cells of 1 x 16, whose largest ball has radius 1/2.
    network = mlp(([[1.0, 0.0]], [0.0]), ([[1.0]], [0.0]))
    box = Box(np.array([-1.0, -8.0]), np.array([1.0, 8.0]))
    listing = listed(tree(network, box, with_points=True))
    assert listing.regions.inradii == pytest.approx([0.5, 0.5])
