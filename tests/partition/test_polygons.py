"""Polygons of regions and classes: areas add up, edges know their unit, winners win."""

from __future__ import annotations

import numpy as np
import pytest

from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed, unpack
from cpwl_milp.domains import polytope
from cpwl_milp.partition.outlines import outline_of
from cpwl_milp.partition.polygons import Polygons, class_polygons, region_polygons
from tests.domains.counting import listed_on
from tests.networks import degenerate_network, random_network

SQUARE = Box(np.array([-1.0, 0.0]), np.array([1.0, 3.0]))
TRIANGLE = polytope(
    np.array([[1.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]), np.array([1.0, 0.5, 0.5]), origin="test"
)
DISC = Ball(np.array([0.2, -0.1]), 0.9, "2")


def _regions(network: Network, domain: Domain) -> tuple[Polygons, Packed]:
    engine = "ball" if isinstance(domain, Ball) else "tree"
    patterns = listed_on(network, domain, engine).regions.patterns
    return region_polygons(network, outline_of(domain), patterns), patterns


@pytest.mark.parametrize("domain", [SQUARE, TRIANGLE, DISC], ids=["square", "triangle", "disc"])
@pytest.mark.parametrize("seed", range(4))
def test_areas_add_up_to_the_domain(domain: Domain, seed: int) -> None:
    network = degenerate_network(np.random.default_rng(seed), 2, [6, 5])
    polygons, _ = _regions(network, domain)
    outline = outline_of(domain)
    areas = polygons.areas(outline.disc)
    assert (areas > 0).all()
    assert areas.sum() == pytest.approx(outline.area, rel=1e-9)


def test_areas_in_a_disc_are_shares_of_random_points() -> None:
    rng = np.random.default_rng(1)
    network = random_network(rng, 2, [4, 3])
    polygons, patterns = _regions(network, DISC)
    x = DISC.sample(200_000, rng)
    keys = {row.tobytes(): k for k, row in enumerate(unpack(patterns, network.n_units))}
    hits = np.bincount([keys[row.tobytes()] for row in network.bits(x)], minlength=len(patterns))
    shares = polygons.areas(outline_of(DISC).disc) / outline_of(DISC).area
    np.testing.assert_allclose(hits / len(x), shares, atol=5e-3)


def test_vertices_run_counter_clockwise_around_the_outline() -> None:
    for domain in (SQUARE, TRIANGLE):
        corners = outline_of(domain).corners
        edges = np.roll(corners, -1, axis=0) - corners
        after = np.roll(edges, -1, axis=0)
        assert (edges[:, 0] * after[:, 1] - edges[:, 1] * after[:, 0] > 0).all()
    np.testing.assert_allclose(outline_of(TRIANGLE).area, 2.0)
    assert len(outline_of(TRIANGLE).corners) == 3


@pytest.mark.parametrize("seed", range(4))
def test_an_edge_lies_on_the_zero_set_of_its_unit_or_on_the_outline(seed: int) -> None:
    network = random_network(np.random.default_rng(seed), 2, [6, 5])
    polygons, patterns = _regions(network, TRIANGLE)
    middles = 0.5 * (polygons.vertices + polygons.vertices[polygons.following])
    z = np.concatenate(
        [
            z[:, layer.units]
            for layer, z in zip(network.layers, network.pre_activations(middles), strict=True)
        ],
        axis=1,
    )
    inner = polygons.sides >= 0
    assert inner.any()
    assert not inner.all()
    np.testing.assert_allclose(z[inner, polygons.sides[inner]], 0.0, atol=1e-9)
    A, b = TRIANGLE.inequalities()
    slack = (b - middles[~inner] @ A.T).min(axis=1)
    np.testing.assert_allclose(slack, 0.0, atol=1e-9)
    # Each inner edge has one region on either side, and in one of them its unit is active.
    owners = np.repeat(polygons.regions, np.diff(polygons.starts))[inner]
    bits = unpack(patterns, network.n_units)[owners, polygons.sides[inner]]
    lengths = np.linalg.norm(polygons.vertices - polygons.vertices[polygons.following], axis=1)[
        inner
    ]
    assert lengths[bits].sum() == pytest.approx(lengths[~bits].sum())


@pytest.mark.parametrize("n_outputs", [1, 2, 5])
def test_the_class_of_a_part_is_the_largest_output_there(n_outputs: int) -> None:
    rng = np.random.default_rng(20 + n_outputs)
    network = random_network(rng, 2, [5, 5], n_outputs)
    # Outputs about zero: no class has the whole square.
    output = network.output
    centred = output.bias - np.median(network(SQUARE.sample(5000, rng)), axis=0)
    network = Network(network.layers, type(output)(output.weight, centred))
    polygons, patterns = _regions(network, SQUARE)
    parts, winners = class_polygons(network, polygons, patterns)
    assert parts.areas().sum() == pytest.approx(outline_of(SQUARE).area, rel=1e-9)
    assert len(parts) > len(polygons)
    weights = rng.dirichlet(np.ones(3), size=len(parts))
    x = np.stack([w @ parts[k][:3] for k, w in enumerate(weights)])
    outputs = network(x)
    expected = outputs[:, 0] > 0 if n_outputs == 1 else outputs.argmax(axis=1)
    np.testing.assert_array_equal(winners, expected)
    bits = unpack(patterns, network.n_units)[parts.regions]
    np.testing.assert_array_equal(network.bits(x), bits)


def test_equal_outputs_give_the_part_to_the_first() -> None:
    network = random_network(np.random.default_rng(0), 2, [3], 1)
    twice = Network(
        network.layers,
        type(network.output)(
            np.repeat(network.output.dense(), 3, axis=0), np.repeat(network.output.bias, 3)
        ),
    )
    polygons, patterns = _regions(twice, SQUARE)
    parts, winners = class_polygons(twice, polygons, patterns)
    assert len(parts) == len(polygons)
    assert not winners.any()


def test_other_dimensions_are_refused() -> None:
    with pytest.raises(DomainError, match="3 coordinates"):
        outline_of(Box.uniform(0, 1, 3))
