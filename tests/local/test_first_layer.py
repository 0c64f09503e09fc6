"""Cells of one layer in a ball: independent sets of hyperplanes that meet it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cpwl_milp.core.domains import Ball
from cpwl_milp.local.arrangement import arrangement_of
from cpwl_milp.local.ball_bound import BallBounder
from cpwl_milp.local.exact import count_in_ball
from cpwl_milp.local.first_layer import (
    FirstLayer,
    first_layer_bound,
    most_faces,
)
from tests.local.balls import NORMS, independent_sets_that_meet
from tests.networks import one_layer


def _bound(weight: np.ndarray, bias: np.ndarray, ball: Ball, limit: int = 10**6) -> FirstLayer:
    z = weight @ ball.centre + bias
    return first_layer_bound(arrangement_of(weight, z, z, ball.norm, ball.radius), limit)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("norm", NORMS)
def test_equals_the_exact_count_in_general_position(seed: int, norm: str) -> None:
    random = np.random.default_rng(seed)
    n, dim = int(random.integers(2, 9)), int(random.integers(1, 4))
    weight, bias = random.normal(size=(n, dim)), random.normal(size=n)
    network = one_layer(weight.tolist(), bias.tolist())
    ball = Ball(random.normal(size=dim), float(random.uniform(0.2, 2.0)), norm)
    bound = BallBounder(network, norm).at(ball)
    count = count_in_ball(network, ball, bound, limits=None, n_samples=0, seed=0)
    assert not count.complete or bound.upper == 1
    from cpwl_milp.enumeration.limits import Limits

    count = count_in_ball(network, ball, bound, limits=Limits(), n_samples=200, seed=0)
    assert count.complete
    assert bound.first_layer is not None
    # In the 1- and the infinity-norm y is found by iteration: it may miss the last digits.
    assert bound.first_layer.upper == count.lower
    assert bound.upper == count.lower


@pytest.mark.parametrize("seed", range(20))
def test_is_the_definition_in_the_2_norm(seed: int) -> None:
    random = np.random.default_rng(100 + seed)
    n, dim = int(random.integers(2, 8)), int(random.integers(1, 5))
    weight, bias = np.round(2 * random.normal(size=(n, dim))), np.round(random.normal(size=n))
    weight[~weight.any(axis=1), 0] = 1.0
    ball = Ball(random.normal(size=dim), float(random.uniform(0.2, 2.0)), "2")
    assert _bound(weight, bias, ball).upper == independent_sets_that_meet(weight, bias, ball)


def test_dependent_sets_do_not_count() -> None:
    # Three lines through the origin, one of them twice: {1, 2, 3 lines}, pairs, no triple.
    weight = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 2.0]])
    found = _bound(weight, np.zeros(4), Ball(np.zeros(2), 1.0, "2"))
    assert found.sets == (1, 4, 5)


def test_what_touches_within_rounding_counts() -> None:
    line = np.array([[1.0, 0.0]]), np.array([-1.0])
    for radius, cells in ((1 - 1e-9, 1), (1.0, 2), (1 + 1e-9, 2)):
        assert _bound(*line, Ball(np.zeros(2), radius, "2")).upper == cells


def test_a_limit_only_raises_the_bound() -> None:
    random = np.random.default_rng(5)
    weight, bias = random.normal(size=(12, 4)), 0.3 * random.normal(size=12)
    ball = Ball(np.zeros(4), 0.5, "2")
    true = _bound(weight, bias, ball).upper
    bounds = [_bound(weight, bias, ball, limit).upper for limit in (0, 12, 60, 200, 10**6)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] == true < bounds[0] == sum(_binomial(12, k) for k in range(5))
    assert true < bounds[2]


def _binomial(n: int, k: int) -> int:
    return len(list(itertools.combinations(range(n), k)))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_kruskal_katona_is_reached_by_initial_segments(size: int) -> None:
    # The first sets in colexicographic order have the most sets of one element more.
    pool = sorted(itertools.combinations(range(8), size), key=lambda s: s[::-1])
    for n in range(len(pool) + 1):
        faces = set(pool[:n])
        more = sum(
            all(part in faces for part in itertools.combinations(s, size))
            for s in itertools.combinations(range(8), size + 1)
        )
        assert most_faces(n, size) == more


def test_scale_of_rows_does_not_matter() -> None:
    random = np.random.default_rng(6)
    weight, bias = random.normal(size=(6, 3)), 0.2 * random.normal(size=6)
    scales = np.array([1e-200, 1e200, 1.0, 1e-160, 1e155, 3.0])
    for norm in NORMS:
        ball = Ball(np.zeros(3), 0.6, norm)
        plain = _bound(weight, bias, ball)
        assert _bound(weight * scales[:, None], bias * scales, ball) == plain
