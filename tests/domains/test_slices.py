"""Slices: the network on them is the network, and their limits are the limits' own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains import Ball, Slice, WholeSpace, domain_from
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.problem import Problem
from cpwl_milp.domains import plane_through, polytope, slice_of
from tests.domains.counting import listed_on, sampled_on
from tests.networks import degenerate_network, random_network


def _limits(kind: int, rng: np.random.Generator, n: int) -> Domain:
    if kind == 0:
        return Box.uniform(-1.0, 1.0, n)
    if kind == 1:
        A = rng.normal(size=(5, n))
        box = Box.uniform(-1.0, 1.0, n)
        return polytope(A, np.full(5, 0.8), within=box, origin="test")
    return Ball(np.zeros(n), 1.5, "1")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_regions_of_a_slice_are_those_that_its_points_meet(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 7))
    network = degenerate_network(rng, n, [5, 4])
    plane = plane_through(rng.uniform(-0.15, 0.15, size=(3, n)), _limits(seed % 3, rng, n))
    tree, cells = listed_on(network, plane), listed_on(network, plane, "cells")
    assert tree.patterns == cells.patterns
    x = plane.sample(1500, rng)
    assert plane.limits.contains(x).mean() > 0.99  # but for rounding on the limits
    assert plane.contains(x).all()
    assert sampled_on(network, plane, 1500, rng) <= tree.patterns
    # Every region listed has a point of the limits in it.
    problem = Problem.of(network, plane)
    points = problem.embed(listed_on(network, plane, with_points=True).regions.points)
    assert len({bytes(row) for row in np.packbits(network.bits(points), axis=1)}) == len(points)
    assert plane.contains(points).all()


@pytest.mark.parametrize("norm", ["1", "2", "inf"])
def test_a_slice_of_a_ball_is_cut_where_the_ball_ends(norm: str) -> None:
    rng = np.random.default_rng(1)
    ball = Ball(rng.uniform(-1, 1, 6), 1.3, norm)
    plane = plane_through(ball.centre + rng.uniform(-0.2, 0.2, size=(3, 6)), ball)
    t = rng.uniform(-2, 2, size=(4000, 2))
    x = Problem.of(random_network(rng, 6, [2]), plane).coordinates.embed(t)
    np.testing.assert_array_equal(plane.inner.contains(t), ball.contains(x))
    assert 0.05 < ball.contains(x).mean() < 0.95


def test_coordinates_are_orthonormal_and_run_from_the_first_point_to_the_second() -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(size=(3, 5))
    plane = plane_through(points, WholeSpace(5))
    np.testing.assert_allclose(plane.basis @ plane.basis.T, np.eye(2), atol=1e-14)
    problem = Problem.of(random_network(rng, 5, [3]), plane)
    t = problem.coordinates.steps[0].project(points)  # type: ignore[attr-defined]
    np.testing.assert_allclose(t[0], 0.0, atol=1e-14)
    np.testing.assert_allclose(t[1], [np.linalg.norm(points[1] - points[0]), 0.0], atol=1e-12)
    assert t[2, 1] > 0


def test_a_slice_of_the_whole_space_is_a_whole_space() -> None:
    rng = np.random.default_rng(7)
    network = random_network(rng, 5, [5, 3])
    plane = plane_through(rng.normal(size=(3, 5)), WholeSpace(5))
    far = slice_of(plane.start, plane.basis, Box.uniform(-1e5, 1e5, 5), origin="test")
    assert listed_on(network, plane).patterns == listed_on(network, far).patterns


@pytest.mark.parametrize(
    ("points", "limits", "words"),
    [
        ([[0, 0, 0], [1, 1, 1], [2, 2, 2]], Box.uniform(-1, 1, 3), "fewer than 2 dimensions"),
        ([[0, 0, 0], [0, 0, 0], [1, 0, 0]], Box.uniform(-1, 1, 3), "length 0"),
        ([[0, 0, 5], [1, 0, 5], [0, 1, 5]], Box.uniform(-1, 1, 3), "empty"),
        ([[0, 0, 5], [1, 0, 5], [0, 1, 5]], Ball(np.zeros(3), 2.0, "2"), "distance 5"),
        ([[0, 0, 5], [1, 0, 5], [0, 1, 5]], Ball(np.zeros(3), 2.0, "1"), "empty"),
        ([[0, 0], [1, 0], [0, 1]], Box.uniform(-1, 1, 3), "2 coordinates"),
        ([[0, 0, np.nan], [1, 0, 5], [0, 1, 5]], Box.uniform(-1, 1, 3), "NaN"),
    ],
)
def test_slices_that_are_refused(points: list[list[float]], limits: Domain, words: str) -> None:
    with pytest.raises(DomainError, match=words):
        plane_through(np.array(points, dtype=np.float64), limits)


def test_a_slice_along_a_face_of_its_limits_has_the_regions_of_the_face() -> None:
    rng = np.random.default_rng(8)
    network = random_network(rng, 3, [5, 4])
    box = Box.uniform(-1, 1, 3)
    plane = plane_through(np.array([[0, 0, 1.0], [1, 0, 1], [0, 1, 1]]), box)
    face = Box(np.array([-1.0, -1.0, 1.0]), np.ones(3))
    assert listed_on(network, plane).patterns == listed_on(network, face).patterns


def test_descriptions_come_back() -> None:
    rng = np.random.default_rng(3)
    network = random_network(rng, 4, [5])
    plane = plane_through(rng.uniform(-0.5, 0.5, size=(3, 4)), Box.uniform(-1, 1, 4))
    again = domain_from(plane.describe(), "test")
    assert isinstance(again, Slice)
    assert again.describe() == plane.describe()
    assert listed_on(network, again).patterns == listed_on(network, plane).patterns
