from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

from cpwl_milp.solvers.inradius import largest_ball
from cpwl_milp.solvers.program import SolveStatus


@pytest.mark.parametrize("seed", range(8))
def test_radius_agrees_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(1, 12)), int(rng.integers(1, 6))
    A = rng.normal(size=(m, n)) * 10.0 ** rng.integers(-3, 4, (m, 1))
    b = np.linalg.norm(A, axis=1) * rng.uniform(-0.2, 0.5, m)
    lower, upper = rng.uniform(-2, -1, n), rng.uniform(1, 2, n)
    norms = np.linalg.norm(A, axis=1)
    rows = np.vstack([np.c_[A / norms[:, None], np.ones(m)], np.c_[np.eye(n), np.ones(n)]])
    rows = np.vstack([rows, np.c_[-np.eye(n), np.ones(n)]])
    rhs = np.concatenate([b / norms, upper, -lower])
    expected = -scipy.optimize.linprog(
        [0.0] * n + [-1.0], rows, rhs, bounds=[(None, None)] * (n + 1)
    ).fun
    ball = largest_ball(A, b, lower, upper)
    assert ball.status is SolveStatus.OPTIMAL
    assert ball.radius == pytest.approx(expected, abs=1e-8)
    assert ball.radius - 1e-9 <= ball.radius_bound <= ball.radius + 1e-7
    assert ball.centre is not None


def test_no_rows_is_the_box() -> None:
    ball = largest_ball(np.zeros((0, 2)), np.zeros(0), np.zeros(2), np.array([1.0, 4.0]))
    assert ball.radius == pytest.approx(0.5)
    assert ball.radius_bound == 0.5


def test_thin_and_empty_cells() -> None:
    A = np.array([[1.0, 1.0], [-1.0, -1.0]])
    box = (-np.ones(2), np.ones(2))
    thin = largest_ball(A, np.zeros(2), *box)
    assert abs(thin.radius) < 1e-9
    assert abs(thin.radius_bound) < 1e-9
    empty = largest_ball(A, np.array([-0.1, -0.1]), *box)
    assert empty.status is SolveStatus.OPTIMAL
    assert empty.radius_bound == pytest.approx(-0.1 / np.sqrt(2))


@pytest.mark.parametrize(
    ("value", "strict", "holds"),
    [(1.0, True, True), (0.0, True, False), (0.0, False, True), (-1.0, False, False)],
)
def test_constant_rows(value: float, strict: bool, holds: bool) -> None:
    A = np.array([[0.0, 0.0], [1.0, 0.0]])
    ball = largest_ball(
        A, np.array([value, 0.5]), -np.ones(2), np.ones(2), strict=np.array([strict, True])
    )
    assert (ball.status is SolveStatus.OPTIMAL) == holds
    assert ball.radius == (pytest.approx(0.75) if holds else -np.inf)


def test_noise_decides_what_is_constant() -> None:
    A, b = np.array([[1e-9]]), np.array([1e-10])
    box = (np.array([-1.0]), np.array([1.0]))
    strict = np.array([True])
    assert largest_ball(A, b, *box, strict=strict).radius == pytest.approx(0.55)
    noisy = largest_ball(A, b, *box, strict=strict, noise=np.array([1e-8]))
    assert noisy.status is SolveStatus.INFEASIBLE


def test_tiny_cells_are_resolved() -> None:
    """The radius is evaluated at the centre, so far smaller cells than 1e-9 are certain."""
    for width in (1e-6, 1e-8, 1e-10):
        ball = largest_ball(
            np.array([[1.0], [-1.0]]),
            np.array([0.3 + width, -0.3]),
            np.array([-1.0]),
            np.array([1.0]),
        )
        assert ball.radius == pytest.approx(width / 2, rel=1e-3)


def test_tiny_entries_do_no_harm() -> None:
    A = np.array([[1.0, 1e-14], [-1.0, 1.0 + 1e-15]])
    ball = largest_ball(A, np.array([0.5, 0.5]), -np.ones(2), np.ones(2))
    assert ball.status is SolveStatus.OPTIMAL
    assert ball.radius == pytest.approx(2 / (2 + np.sqrt(2)), abs=1e-9)
