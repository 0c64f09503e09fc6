from __future__ import annotations

import time

import numpy as np
import pytest

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.bounding.milp import MARGIN, OutputMinima, refined_by_milp
from cpwl_milp.core.domain import Box
from tests.bounding.reference import (
    Polytope,
    assert_exactly_inside,
    brute_force_range,
    corners,
    extreme_points,
)
from tests.networks import degenerate_network, random_network


@pytest.mark.parametrize("seed", range(8))
def test_bounds_are_the_exact_range(seed: int) -> None:
    """Of every unit whose sign is open; a settled one stays within its sign's exact range."""
    rng = np.random.default_rng(seed)
    build = random_network if seed % 2 else degenerate_network
    network = build(rng, 2, [3, 3, 3])
    box = Box.uniform(-1, 1, 2)
    bounds = pre_activation_bounds(network, box, method="milp")
    for k in (1, 2):
        lower, upper = brute_force_range(network, box, k)
        slack = 3e-6 * np.maximum(1, np.maximum(np.abs(lower), np.abs(upper)))
        assert np.all(bounds.lower[k] <= lower + 1e-9)
        assert np.all(upper <= bounds.upper[k] + 1e-9)
        open_still = (bounds.lower[k] <= 0) & (bounds.upper[k] > 0)
        open_still &= network.layers[k].slope != 1
        np.testing.assert_array_less((lower - bounds.lower[k])[open_still], slack[open_still])
        np.testing.assert_array_less((bounds.upper[k] - upper)[open_still], slack[open_still])
        # A unit clearly on one side of 0 must have been settled.
        assert not np.any(open_still & ((lower > 1e-4) | (upper < -1e-4)))


@pytest.mark.parametrize("seed", range(10))
def test_no_point_leaves_the_bounds_in_exact_arithmetic(seed: int) -> None:
    rng = np.random.default_rng(200 + seed)
    network = degenerate_network(rng, 2, [4, 4, 3])
    box = Box(-rng.random(2), rng.random(2))
    bounds = pre_activation_bounds(network, box, method="milp")
    points = corners(box) + extreme_points(network, box, rng, n=100, rounds=8)
    assert_exactly_inside(network, bounds, points)


def test_never_looser_than_linear_programs_and_tighter_somewhere() -> None:
    tighter = 0
    for seed in range(4):
        network = random_network(np.random.default_rng(seed), 3, [6, 5, 4])
        matrix, offset = np.array([[1.0, 1.0, 0.0]]), np.array([0.5])
        domain = Polytope(Box.uniform(-1, 1, 3), matrix, offset)
        lp = pre_activation_bounds(network, domain, method="lp")
        milp = pre_activation_bounds(network, domain, method="milp")
        for a, b in zip((*lp.lower, *milp.upper), (*milp.lower, *lp.upper), strict=True):
            assert np.all(a <= b)
            tighter += int(np.sum(a < b - 0.01))
        points = domain.sample(300, np.random.default_rng(seed))
        assert_exactly_inside(network, milp, list(points[:60]))
    assert tighter > 4


def test_time_limits_leave_sound_bounds() -> None:
    network = random_network(np.random.default_rng(0), 4, [12, 12, 12])
    box = Box.uniform(-1, 1, 4)
    given = pre_activation_bounds(network, box)
    over = refined_by_milp(network, box, given, deadline=time.monotonic() - 1)
    for a, b in zip((*given.lower, *given.upper), (*over.lower, *over.upper), strict=True):
        np.testing.assert_array_equal(a, b)
    start = time.monotonic()
    brief = refined_by_milp(network, box, given, deadline=start + 1.0, seconds=0.05)
    assert time.monotonic() - start < 5
    points = list(box.sample(60, np.random.default_rng(1)))
    assert_exactly_inside(network, brief, points)


def test_a_solver_that_samples_contradict_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(np.random.default_rng(0), 2, [6, 6])
    box = Box.uniform(-1, 1, 2)
    given = pre_activation_bounds(network, box)
    monkeypatch.setattr(OutputMinima, "tightened", lambda *_: (-MARGIN, MARGIN))
    assert refined_by_milp(network, box, given) is given
