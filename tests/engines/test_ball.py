"""The ball engine against distances of regions from elsewhere, closed forms and symmetries."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.affine import Affine
from cpwl_milp.core.cell import Cell
from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import pack, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.ball import BallEngine
from cpwl_milp.engines.choice import EngineSettings, chosen_engine, make_engine
from tests.engines.ball_oracle import ball_regions, squared_distance
from tests.engines.listing import listed, tree
from tests.engines.symmetries import rescaled, shuffled
from tests.networks import braid, degenerate_network, mlp, one_layer, random_network


def ball_engine(network: Network, ball: Ball, *, with_points: bool = False) -> BallEngine:
    problem = Problem.of(network, ball)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    return BallEngine(problem, bounds, with_points=with_points)


def _small_problem(seed: int) -> tuple[Network, Ball]:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 7))
    widths = [int(k) for k in rng.integers(1, 6, int(rng.integers(1, 4)))]
    family = random_network if seed % 3 == 0 else degenerate_network
    network = family(rng, d, widths)
    # Centres on the hyperplanes of nets with integer weights, and spheres that touch them, too.
    centres = [np.zeros(d), np.round(rng.normal(size=d)), rng.normal(size=d)]
    return network, Ball(centres[rng.integers(3)], float(rng.choice([0.1, 0.5, 1, 2, 3])), "2")


@pytest.mark.parametrize("seed", range(120))
def test_agrees_with_distances_of_the_regions_of_a_box(seed: int) -> None:
    network, ball = _small_problem(seed)
    listing = listed(ball_engine(network, ball))
    assert listing.patterns == ball_regions(network, ball)
    assert listing.decisions["doubts"] == 0
    if seed % 4 == 0:
        inner = Box.uniform(-1, 1, ball.dim).half_widths * ball.radius / np.sqrt(ball.dim)
        inscribed = Box(ball.centre - inner, ball.centre + inner)
        assert listed(tree(network, inscribed)).patterns <= listing.patterns
        assert len(listing.regions) <= len(listed(tree(network, ball.box)).regions)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9), step=st.integers(1, 7))
def test_any_slicing_lists_the_same_in_the_same_order(seed: int, step: int) -> None:
    network, ball = _small_problem(seed)
    engine = ball_engine(network, ball)
    whole, sliced = listed(engine), listed(engine, step=step)
    assert np.array_equal(whole.regions.patterns, sliced.regions.patterns)
    assert whole.prefix_counts == sliced.prefix_counts
    keys = [tuple(np.unpackbits(row, bitorder="little")) for row in whole.regions.patterns]
    assert keys == sorted(keys)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_neither_order_nor_scale_nor_rotation_matters(seed: int) -> None:
    network, ball = _small_problem(seed)
    rng = np.random.default_rng(seed)
    expected = listed(ball_engine(network, ball))
    counts = listed(ball_engine(shuffled(network, rng), ball)).prefix_counts
    assert counts == expected.prefix_counts
    assert listed(ball_engine(rescaled(network, rng), ball)).patterns == expected.patterns
    rotation = np.linalg.qr(rng.normal(size=(ball.dim, ball.dim)))[0]
    turned = Ball(rotation @ ball.centre, ball.radius, "2")
    moved = network.restricted(Affine(rotation.T.copy(), np.zeros(ball.dim)))
    assert listed(ball_engine(moved, turned)).patterns == expected.patterns


@settings(max_examples=50, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_regions_have_balls_and_samples_are_listed(seed: int) -> None:
    network, ball = _small_problem(seed)
    listing = listed(ball_engine(network, ball, with_points=True))
    points, inradii = listing.regions.points, listing.regions.inradii
    clear = inradii > 1e-8 * ball.radius
    assert np.array_equal(pack(network.bits(points))[clear], listing.regions.patterns[clear])
    # The ball lies inside the domain, and points just inside of it in the region.
    way = np.random.default_rng(seed).normal(size=points.shape)
    way *= 0.999 / np.linalg.norm(way, axis=1, keepdims=True)
    edge = points + inradii[:, None] * way
    assert np.array_equal(pack(network.bits(edge))[clear], listing.regions.patterns[clear])
    reach = np.linalg.norm(points - ball.centre, axis=1) + inradii
    assert np.all(reach <= ball.radius * (1 + 1e-9))
    x = ball.sample(3000, np.random.default_rng(seed))
    z = network.pre_activations(x)
    off_boundary = np.all([np.all((np.abs(v) > 1e-9) | (v == 0), axis=1) for v in z], axis=0)
    assert {bytes(row) for row in pack(network.bits(x[off_boundary]))} <= listing.patterns


def test_inradii_of_a_ball_cut_in_two() -> None:
    # Two half-discs of radius 3: the largest disc inside has half of it.
    network = one_layer([[1.0, 0.0]], [-1.0])
    regions = listed(ball_engine(network, Ball(np.ones(2), 3.0, "2"), with_points=True)).regions
    assert regions.inradii == pytest.approx([1.5, 1.5])
    assert regions.points == pytest.approx(np.array([[-0.5, 1.0], [2.5, 1.0]]))


@pytest.mark.parametrize("seed", range(0, 40, 4))
def test_no_larger_ball_fits(seed: int) -> None:
    """The radius at which the shrunk cell just reaches into the shrunk ball, by bisection."""
    network, ball = _small_problem(seed)
    regions = listed(ball_engine(network, ball, with_points=True)).regions
    for packed, radius in list(zip(regions.patterns, regions.inradii, strict=True))[::7]:
        cell = Cell.of(network, unpack(packed[None, :], network.n_units)[0])
        matrix, limit = cell.inequalities()
        norms = np.linalg.norm(matrix, axis=1)
        matrix, limit, norms = matrix[norms > 1e-12], limit[norms > 1e-12], norms[norms > 1e-12]
        low, high = 0.0, ball.radius
        for _ in range(50 if len(norms) else 0):
            middle = 0.5 * (low + high)
            square = squared_distance(ball.centre, matrix, limit - middle * norms)
            fits = np.sqrt(square) + middle <= ball.radius
            low, high = (middle, high) if fits else (low, middle)
        assert radius == pytest.approx(high, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_one_generic_layer_has_as_many_regions_as_near_intersections(seed: int) -> None:
    """One region for each independent subset of hyperplanes that meet inside the open ball."""
    rng = np.random.default_rng(seed)
    d, n = int(rng.integers(1, 5)), 9
    weight, bias = rng.normal(size=(n, d)), rng.normal(size=n)
    centre, radius = rng.normal(size=d), 1.2
    expected = 0
    for k in range(d + 1):
        for chosen in itertools.combinations(range(n), k):
            rows = weight[list(chosen)]
            rest = -bias[list(chosen)] - rows @ centre
            expected += bool(np.linalg.norm(np.linalg.pinv(rows) @ rest) < radius)
    found = listed(
        ball_engine(one_layer(weight.tolist(), bias.tolist()), Ball(centre, radius, "2"))
    )
    assert len(found.regions) == expected


def test_the_radius_at_which_a_region_is_left() -> None:
    network = random_network(np.random.default_rng(4), 5, [8, 8])
    centre = np.random.default_rng(5).normal(size=5)
    # Inside one region the nearest boundary is the nearest hyperplane of its own maps.
    bits = network.bits(centre[None, :])[0]
    current = Affine.identity(5)
    nearest = np.inf
    for index, layer in enumerate(network.layers):
        z = layer.affine.after(current)
        gap = np.abs(z.dense() @ centre + z.bias) / np.linalg.norm(z.dense(), axis=1)
        nearest = min(nearest, float(gap.min()))
        factor = np.where(bits[network.layer_bits(index)], 1.0, layer.slope)
        current = Affine(z.dense() * factor[:, None], z.bias * factor)
    assert len(listed(ball_engine(network, Ball(centre, nearest * (1 - 1e-6), "2"))).regions) == 1
    assert len(listed(ball_engine(network, Ball(centre, nearest * (1 + 1e-6), "2"))).regions) == 2


def test_hyperplanes_through_the_centre_and_tangents() -> None:
    # All 24 orders of four coordinates meet at the centre; each cone reaches into any ball.
    assert len(listed(ball_engine(braid(4), Ball(np.ones(4), 1e-3, "2"))).regions) == 24
    # x = 1 touches the unit ball from outside, x = 1 - 1e-9 cuts it.
    for shift, expected in ((-1.0, 1), (-1.0 + 1e-9, 2)):
        touching = listed(
            ball_engine(one_layer([[1.0, 0.0]], [shift]), Ball(np.zeros(2), 1.0, "2"))
        )
        assert len(touching.regions) == expected


def test_a_cube_lists_exactly_its_own_regions() -> None:
    network = random_network(np.random.default_rng(3), 3, [6, 6])
    engine = ball_engine(network, Ball(np.zeros(3), 1.0, "2"))
    everything = listed(engine).regions.patterns
    bits = np.unpackbits(everything, axis=1, bitorder="little")
    for literals in ((1,), (-1, 8), (12, -3), (5, 6, 7, 8), (-12, -11)):
        own = np.all([bits[:, abs(k) - 1] == (k > 0) for k in literals], axis=0)
        found = listed(engine, roots=(Cube(literals),)).regions.patterns
        assert np.array_equal(found, everything[own])


@pytest.mark.parametrize("limit", [1, 2, 5, 17])
def test_a_layer_limit_parks_the_rest(limit: int) -> None:
    network = random_network(np.random.default_rng(5), 2, [6, 6, 6])
    engine = ball_engine(network, Ball(np.zeros(2), 1.5, "2"))
    expected = listed(engine)
    advance = engine.advance(ROOT, Budget(10**6, time.monotonic() + 60, (limit,) * 3))
    assert not advance.open
    assert tuple(advance.prefix_counts) == tuple(min(limit, k) for k in expected.prefix_counts)
    rest = listed(engine, roots=advance.parked)
    patterns = [*advance.regions.patterns, *rest.regions.patterns]
    assert len(patterns) == len({bytes(row) for row in patterns}) == expected.prefix_counts[-1]
    total = advance.prefix_counts + np.array(rest.prefix_counts)
    assert tuple(total) == expected.prefix_counts


@pytest.mark.parametrize("exponent", [-40, 40])
def test_far_and_tiny_and_vast(exponent: int) -> None:
    network = random_network(np.random.default_rng(11), 3, [6, 6])
    ball = Ball(np.array([0.5, -0.25, 0.125]), 1.0, "2")
    scale = 2.0**exponent
    scaled = Network(
        tuple(
            Layer(Affine(layer.affine.weight, layer.affine.bias * scale), layer.slope)
            for layer in network.layers
        ),
        network.output,
    )
    expected = listed(ball_engine(network, ball)).patterns
    grown = Ball(ball.centre * scale, ball.radius * scale, "2")
    assert listed(ball_engine(scaled, grown)).patterns == expected


def test_more_inputs_than_open_units() -> None:
    """The rows span a few of 60 dimensions; inputs that nothing depends on change nothing."""
    rng = np.random.default_rng(8)
    network = random_network(rng, 4, [7, 5])
    ball = Ball(rng.normal(size=4), 1.0, "2")
    expected = listed(ball_engine(network, ball, with_points=True))
    wide = np.linalg.qr(rng.normal(size=(60, 4)))[0]
    lifted = network.restricted(Affine(np.ascontiguousarray(wide.T), np.zeros(4)))
    found = listed(ball_engine(lifted, Ball(wide @ ball.centre, 1.0, "2"), with_points=True))
    assert found.patterns == expected.patterns
    assert found.regions.inradii == pytest.approx(expected.regions.inradii, rel=1e-6)
    assert np.array_equal(pack(lifted.bits(found.regions.points)), found.regions.patterns)


def test_networks_without_layers_and_without_open_units() -> None:
    ball = Ball(np.array([1.0, 2.0]), 0.5, "2")
    for network in (mlp(([[1.0, 2.0]], [0.5])), one_layer([[1.0, 0.0]], [3.0])):
        regions = listed(ball_engine(network, ball, with_points=True)).regions
        assert regions.inradii == pytest.approx([0.5])
        assert regions.points == pytest.approx(ball.centre[None, :])
    # A cube that asks for the other bit of a unit of one sign holds nothing.
    assert not len(listed(ball_engine(network, ball), roots=(Cube((-1,)),)).regions)


def test_the_choice_of_the_engine() -> None:
    network = random_network(np.random.default_rng(0), 2, [4])
    problem = Problem.of(network, Ball(np.zeros(2), 1.0, "2"))
    bounds = pre_activation_bounds(problem.network, problem.domain)
    assert chosen_engine(problem, EngineSettings()) == "ball"
    assert isinstance(make_engine(problem, bounds, EngineSettings()), BallEngine)
    for name in ("cells", "tree", "milp"):
        with pytest.raises(DomainError, match="L2 ball"):
            make_engine(problem, bounds, EngineSettings(name=name))
    box = Problem.of(network, Box.uniform(-1, 1, 2))
    with pytest.raises(DomainError, match="not an L2 ball"):
        make_engine(box, bounds, EngineSettings(name="ball"))
