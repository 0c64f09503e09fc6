"""Polytopes: what is refused, what is found inside, and that all engines count alike on them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Ball, Polytope, domain_from
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.network import Network
from cpwl_milp.domains import polytope
from tests.domains.counting import listed_on, sampled_on
from tests.networks import degenerate_network, random_network


def random_polytope(rng: np.random.Generator, dim: int, n_rows: int) -> Polytope:
    """Half-spaces around a random point, in a box."""
    A = rng.normal(size=(n_rows, dim))
    inside = rng.uniform(-0.5, 0.5, dim)
    b = A @ inside + rng.uniform(0.1, 1.0, n_rows)
    return polytope(A, b, within=Box.uniform(-1.0, 1.0, dim), origin="test")


@pytest.mark.parametrize(
    ("A", "b", "words"),
    [
        ([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], [1.0, 1.0, 1.0], "input 1 has no lower limit"),
        ([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], [1.0, -2.0, 1.0, 1.0], "empty"),
        ([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], [1.0, -1.0, 1.0, 1.0], "flat"),
        ([[0.0, 0.0]], [-1.0], "row 0 says 0 <= -1"),
        ([[np.nan, 0.0]], [1.0], r"A\[0, 0\] is nan"),
        ([[1.0, 0.0]], [np.inf], r"b\[0\] is inf"),
        ([[1.0, 0.0]], [1.0, 2.0], "shape"),
    ],
)
def test_domains_that_are_refused(A: list[list[float]], b: list[float], words: str) -> None:
    with pytest.raises(DomainError, match=words):
        polytope(np.array(A), np.array(b), origin="test")


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_the_box_holds_the_polytope_and_the_point_lies_inside(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 5))
    A = np.concatenate([rng.normal(size=(6, d)), np.eye(d), -np.eye(d)])
    b = np.concatenate([rng.uniform(0.1, 1.0, 6), np.full(2 * d, 3.0)])
    found = polytope(A, b, origin="test")
    assert np.all(A @ found.inside < b)
    x = rng.uniform(-3.0, 3.0, size=(2000, d))
    assert found.box.contains(x[np.all(x @ A.T <= b, axis=1)]).all()
    assert found.contains(found.sample(200, rng)).all()
    again = domain_from(found.describe(), "test")
    np.testing.assert_array_equal(again.contains(x), found.contains(x))


def test_samples_spread_over_the_whole_polytope() -> None:
    triangle = polytope(
        np.array([[1.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]), np.array([1.0, 0.0, 0.0]), origin="test"
    )
    x = triangle.sample(20_000, np.random.default_rng(0))
    np.testing.assert_allclose(x.mean(axis=0), [1 / 3, 1 / 3], atol=0.02)
    assert np.mean(x.sum(axis=1) < 0.5) == pytest.approx(0.25, abs=0.02)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_tree_cells_and_milp_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    network = degenerate_network(rng, d, [4, 3])
    domain = random_polytope(rng, d, int(rng.integers(1, 12)))
    tree = listed_on(network, domain)
    assert tree.patterns == listed_on(network, domain, "cells").patterns
    assert tree.patterns == listed_on(network, domain, "milp").patterns
    assert tree.patterns <= listed_on(network, domain.box).patterns
    assert sampled_on(network, domain, 500, rng) <= tree.patterns


def test_cubes_add_up_and_small_steps_change_nothing() -> None:
    rng = np.random.default_rng(11)
    network = random_network(rng, 3, [6, 5])
    domain = random_polytope(rng, 3, 5)
    whole = listed_on(network, domain)
    assert listed_on(network, domain, step=3).patterns == whole.patterns
    halves = listed_on(network, domain, roots=(Cube.of([2]), Cube.of([-2])), step=4)
    assert halves.patterns == whole.patterns


def test_points_lie_inside_polytope_and_region() -> None:
    rng = np.random.default_rng(4)
    network = random_network(rng, 3, [5, 4])
    domain = random_polytope(rng, 3, 6)
    found = listed_on(network, domain, with_points=True).regions
    assert domain.contains(found.points).all()
    from cpwl_milp.core.pattern import pack

    np.testing.assert_array_equal(pack(network.bits(found.points)), found.patterns)


def test_an_affine_network_has_one_region() -> None:
    rng = np.random.default_rng(0)
    network = Network((), random_network(rng, 2, []).output)
    domain = random_polytope(rng, 2, 4)
    for engine in ("tree", "cells"):
        assert len(listed_on(network, domain, engine).regions) == 1


def _facets(dim: int) -> Dense:
    grid = np.meshgrid(*[[-1.0, 1.0]] * dim)
    return np.stack([axis.ravel() for axis in grid], axis=1)


@pytest.mark.parametrize("dim", [2, 3, 5, 6])
def test_an_l1_ball_is_the_polytope_of_its_facets(dim: int) -> None:
    rng = np.random.default_rng(dim)
    for _ in range(4):
        network = degenerate_network(rng, dim, [5, 3])
        centre, radius = rng.uniform(-1, 1, dim), float(rng.uniform(0.2, 1.5))
        facets = _facets(dim)
        written = polytope(facets, facets @ centre + radius, origin="test")
        ball = Ball(centre, radius, "1")
        found = listed_on(network, ball)
        assert found.patterns == listed_on(network, written).patterns
        assert sampled_on(network, ball, 1000, rng) <= found.patterns


@pytest.mark.parametrize("seed", range(10))
def test_balls_lie_between_boxes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 6))
    network = random_network(rng, d, [6, 4])
    centre, r = rng.uniform(-1, 1, d), 0.8
    largest = listed_on(network, Ball(centre, r, "inf")).patterns
    assert largest == listed_on(network, Box(centre - r, centre + r)).patterns
    ball = listed_on(network, Ball(centre, r, "1")).patterns
    assert listed_on(network, Ball(centre, r / d, "inf")).patterns <= ball <= largest
