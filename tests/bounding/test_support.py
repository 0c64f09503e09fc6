"""Minima over balls, exactly sound, and bounds of networks in balls."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.bounding import METHODS, pre_activation_bounds
from cpwl_milp.bounding.interval import interval_bounds
from cpwl_milp.bounding.support import BallSupport, BoxSupport, supports_of
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Ball
from tests.bounding.reference import assert_exactly_inside
from tests.networks import degenerate_network, mlp, random_network

WIDE = st.builds(lambda m, e: float(np.ldexp(m, e)), st.floats(-1, 1), st.integers(-40, 40))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(["1", "2"]), st.booleans())
def test_the_minimum_is_below_the_exact_one_and_near(
    data: st.DataObject, norm: str, sparse: bool
) -> None:
    n = data.draw(st.integers(1, 5))
    numbers = st.lists(WIDE, min_size=n, max_size=n)
    row, centre = np.array(data.draw(numbers)), np.array(data.draw(numbers))
    radius = abs(data.draw(WIDE)) + 2.0**-30 + 1e-9 * float(np.abs(centre).max())
    constant = np.array([data.draw(WIDE)])
    matrix = sp.csr_array(row[None, :]) if sparse else row[None, :]
    found = BallSupport(Ball(centre, radius, norm)).minimum(matrix, constant)[0]
    exact = [Fraction(float(v)) for v in row]
    at_centre = sum(
        (w * Fraction(float(c)) for w, c in zip(exact, centre, strict=True)),
        Fraction(float(constant[0])),
    )
    gap = at_centre - Fraction(float(found))
    if norm == "1":
        assert gap >= Fraction(radius) * max(abs(w) for w in exact)
    else:
        # gap >= radius |w| without a root.
        assert gap >= 0
        assert gap * gap >= Fraction(radius) ** 2 * sum(w * w for w in exact)
    dual = np.linalg.norm(row) if norm == "2" else np.abs(row).max()
    size = np.abs(row) @ np.abs(centre) + abs(constant[0]) + radius * dual
    assert float(gap) - radius * dual <= 1e-14 * size + 1e-150


def test_which_sets_contain_a_domain() -> None:
    assert [type(s) for s in supports_of(Box.uniform(0, 1, 2))] == [BoxSupport]
    for norm in ("1", "2"):
        kinds = [type(s) for s in supports_of(Ball(np.zeros(2), 1.0, norm))]
        assert kinds == [BoxSupport, BallSupport]
    assert [type(s) for s in supports_of(Ball(np.zeros(2), 1.0, "inf"))] == [BoxSupport]


@pytest.mark.parametrize("norm", ["1", "2"])
@pytest.mark.parametrize("seed", range(10))
def test_every_method_is_sound_in_a_ball(seed: int, norm: str) -> None:
    rng = np.random.default_rng(seed)
    network = degenerate_network(rng, int(rng.integers(1, 5)), [5, 4, 3])
    ball = Ball(rng.normal(size=network.n_inputs), 0.7, norm)
    # Inner points and extreme ones, where rounding of the points keeps them inside.
    way = ball.sample(200, rng) - ball.centre
    length = np.linalg.norm(way, ord=int(norm), axis=1)[:, None]
    points = np.concatenate([ball.centre + way, ball.centre + way / length * 0.7 * (1 - 1e-12)])
    before = None
    for method in METHODS:
        bounds = pre_activation_bounds(network, ball, method=method)
        if method != "milp":  # its bounds rest on a margin around tolerances
            assert_exactly_inside(network, bounds, list(points[::20]))
        for layer, z in enumerate(network.pre_activations(points)):
            assert np.all(z >= bounds.lower[layer] - 1e-12)
            assert np.all(z <= bounds.upper[layer] + 1e-12)
        if before is not None:
            assert all(np.all(a >= b) for a, b in zip(bounds.lower, before.lower, strict=True))
            assert all(np.all(a <= b) for a, b in zip(bounds.upper, before.upper, strict=True))
        before = bounds


@pytest.mark.parametrize(("norm", "half"), [("2", 5.0), ("1", 4.0)])
def test_the_first_layer_is_exact(norm: str, half: float) -> None:
    network = mlp(([[3.0, -4.0]], [1.0]), ([[1.0]], [0.0]))
    bounds = interval_bounds(network, Ball(np.array([1.0, 1.0]), 2.0, norm))
    assert bounds.lower[0] == pytest.approx([-2 * half], abs=1e-13)
    assert bounds.upper[0] == pytest.approx([2 * half], abs=1e-13)


def test_crown_in_a_ball_is_tighter_than_in_its_box() -> None:
    network = random_network(np.random.default_rng(0), 20, [20, 20])
    ball = Ball(np.zeros(20), 0.3, "2")
    inside = pre_activation_bounds(network, ball)
    outside = pre_activation_bounds(network, ball.box)
    widths = [b.upper[1] - b.lower[1] for b in (inside, outside)]
    assert widths[0].mean() < 0.6 * widths[1].mean()
