from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.bounding.crown import WayBack
from cpwl_milp.bounding.lp import LinearMinima, refined_by_lp, tightened_layer
from cpwl_milp.bounding.triangle import TriangleRelaxation
from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.solvers.program import Program
from tests.bounding.reference import (
    Polytope,
    assert_exactly_inside,
    brute_force_range,
    corners,
    extreme_points,
)
from tests.networks import degenerate_network, mlp, random_network


@pytest.mark.parametrize("seed", range(20))
def test_no_point_leaves_the_bounds_in_exact_arithmetic(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    build = random_network if seed % 3 == 0 else degenerate_network
    network = build(rng, int(rng.integers(1, 4)), rng.integers(2, 6, size=3).tolist())
    box = Box(-rng.random(network.n_inputs), rng.random(network.n_inputs))
    bounds = pre_activation_bounds(network, box, method="lp")
    points = corners(box) + extreme_points(network, box, rng, n=100, rounds=8)
    assert_exactly_inside(network, bounds, points)


@pytest.mark.parametrize("seed", range(5))
def test_convex_functions_of_one_input_are_bounded_exactly(seed: int) -> None:
    """Sums of relus with weights >= 0: the chords meet the relus at the ends, and the least
    value of the relaxation is that of the functions themselves."""
    rng = np.random.default_rng(seed)
    second = rng.random((4, 6))
    network = mlp(
        (rng.normal(size=(6, 1)), rng.normal(size=6) / 2),
        (second, -0.5 * second.sum(axis=1)),
        (np.ones((1, 4)), [0.0]),
    )
    box = Box.uniform(-1, 1, 1)
    lower, upper = brute_force_range(network, box, 1)
    bounds = pre_activation_bounds(network, box, method="lp")
    both = np.flatnonzero((lower < 0) & (upper > 0))
    assert both.size
    np.testing.assert_allclose(bounds.lower[1][both], lower[both], atol=1e-9)
    np.testing.assert_allclose(bounds.upper[1][both], upper[both], atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_first_layer_over_a_polytope_is_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 3, [8])
    box = Box.uniform(-1, 1, 3)
    matrix = rng.normal(size=(4, 3))
    domain = Polytope(box, matrix, 0.3 * np.ones(4))
    bounds = pre_activation_bounds(network, domain, method="lp")
    affine = network.layers[0].affine
    solved = 0
    for i, row in enumerate(affine.dense()):
        ends = [
            sign * linprog(sign * row, matrix, domain.offset, bounds=[(-1, 1)] * 3).fun
            + affine.bias[i]
            for sign in (1, -1)
        ]
        if ends[0] < 0 < ends[1]:
            solved += 1
            np.testing.assert_allclose(
                [bounds.lower[0][i], bounds.upper[0][i]], ends, atol=1e-9, rtol=1e-9
            )
        assert bounds.lower[0][i] <= ends[0] + 1e-12
        assert bounds.upper[0][i] >= ends[1] - 1e-12
    assert solved
    assert_exactly_inside(network, bounds, list(domain.sample(200, rng)))


def _relaxed(seed: int, slope: float = 0.0) -> tuple[LinearMinima, TriangleRelaxation, Network]:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 3, [6, 5, 4])
    maps = [(k.affine.weight, k.affine.bias) for k in network.layers]
    network = mlp(*maps, (np.ones((1, 4)), [0.0]), slope=slope)
    box = Box.uniform(-1, 1, 3)
    way, relaxation = WayBack(box), TriangleRelaxation(box)
    bounds = pre_activation_bounds(network, box)
    for layer, low, high in zip(network.layers[:2], bounds.lower, bounds.upper, strict=False):
        way.append(layer, low, high)
        relaxation.append(layer, low, high)
    return LinearMinima(relaxation.program()), relaxation, network


def _inequalities(program: Program) -> tuple[Dense, Vector]:
    matrix = program.matrix.toarray()
    rows = np.concatenate([matrix, -matrix])
    limits = np.concatenate([program.row_upper, -program.row_lower])
    return rows[np.isfinite(limits)], limits[np.isfinite(limits)]


@pytest.mark.parametrize("slope", [0.0, 0.1, -1.0, 1.5])
def test_true_points_satisfy_the_relaxation(slope: float) -> None:
    """With inputs and last values held at a true point, the rows in between can be met."""
    _, relaxation, network = _relaxed(1, slope)
    program = relaxation.program()
    rows, limits = _inequalities(program)
    alive = relaxation.value_columns >= 0
    for x in Box.uniform(-1, 1, 3).sample(20, np.random.default_rng(0)):
        values = network.truncated(2)(x[None])[0]
        assert np.all(values[~alive] == 0)
        lower, upper = program.lower.copy(), program.upper.copy()
        for columns, at in ((np.arange(3), x), (relaxation.value_columns[alive], values[alive])):
            lower[columns], upper[columns] = at - 1e-9, at + 1e-9
        limits_of_columns = list(zip(lower, upper, strict=True))
        answer = linprog(np.zeros(lower.size), rows, limits, bounds=limits_of_columns)
        assert answer.status == 0


@pytest.mark.parametrize("slope", [0.0, 0.1, -1.0, 1.5])
def test_dual_bounds_are_sound_for_any_duals_and_tight_for_good_ones(slope: float) -> None:
    minima, relaxation, network = _relaxed(2, slope)
    program = relaxation.program()
    rng = np.random.default_rng(1)
    affine = network.layers[2].affine
    rows, limits = _inequalities(program)
    for row in range(affine.n_out):
        columns, coefficients = relaxation.objective(affine, row)
        costs = np.zeros(program.n_columns)
        costs[columns] = coefficients
        limits_of_columns = list(zip(program.lower, program.upper, strict=True))
        answer = linprog(costs, rows, limits, bounds=limits_of_columns)
        best = minima.least(columns, coefficients, 0.0)
        assert best <= answer.fun + 1e-9
        assert best >= answer.fun - 1e-7
        for size in (1e-6, 1e-2, 1.0, 100.0):
            duals = size * rng.normal(size=program.n_rows)
            assert minima.dual_bound(costs, duals) <= answer.fun + 1e-9
        assert minima.dual_bound(costs, np.zeros(program.n_rows)) <= answer.fun


def test_the_dual_bound_itself_is_evaluated_downward() -> None:
    """Against the same formula in rational arithmetic, at duals of very different sizes."""
    minima, relaxation, _ = _relaxed(3)
    program = relaxation.program()
    rng = np.random.default_rng(2)
    matrix = program.matrix.toarray()
    for _ in range(5):
        duals = rng.normal(size=program.n_rows) * 2.0 ** rng.integers(-30, 30, program.n_rows)
        costs = rng.normal(size=program.n_columns)
        exact = Fraction(0)
        residual = [Fraction(float(c)) for c in costs]
        for i, y in enumerate(duals):
            at = program.row_lower[i] if y > 0 else program.row_upper[i]
            if not np.isfinite(at):
                continue
            exact += Fraction(float(y)) * Fraction(float(at))
            for j in np.flatnonzero(matrix[i]):
                residual[j] -= Fraction(float(y)) * Fraction(float(matrix[i, j]))
        for j, d in enumerate(residual):
            exact += d * Fraction(float(program.lower[j] if d > 0 else program.upper[j]))
        bound = minima.dual_bound(costs, duals)
        assert bound <= exact
        assert bound == pytest.approx(float(exact), rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_rounding_of_the_residual_is_charged(seed: int) -> None:
    """Duals that fit the costs to the last digit leave a residual that float64 calls zero."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(6, 5))
    zeros, ones = np.zeros(6), np.ones(5)
    minima = LinearMinima(Program.linear(matrix, zeros, zeros, -ones, ones))
    duals = rng.normal(size=6)
    costs = sp.csr_array(matrix.T) @ duals
    exact = Fraction(0)
    for j in range(5):
        products = (
            Fraction(float(y)) * Fraction(float(a))
            for y, a in zip(duals, matrix[:, j], strict=True)
        )
        exact -= abs(Fraction(float(costs[j])) - sum(products, Fraction(0)))
    assert exact < 0
    assert minima.dual_bound(costs, duals) <= exact


def test_a_fixed_sign_ends_the_work_on_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    plain = LinearMinima.least

    def counted(self: LinearMinima, *args: Any) -> float:
        asked.append(args)
        return plain(self, *args)

    monkeypatch.setattr(LinearMinima, "least", counted)
    network = mlp(
        ([[1.0]], [0.0]), ([[1.0], [-1.0], [1.0]], [0.1, -0.1, -0.5]), ([[1.0] * 3], [0.0])
    )
    relaxation = TriangleRelaxation(Box.uniform(-1, 1, 1))
    relaxation.append(network.layers[0], np.array([-1.0]), np.array([1.0]))
    low, high = np.array([-1.0, -5.0, -4.0]), np.array([5.0, 1.0, 4.0])
    low, high = tightened_layer(relaxation, network.layers[1], low, high)
    # One program each for the two that it settles, two for the third.
    assert len(asked) == 4
    np.testing.assert_allclose(low, [0.1, -5.0, -0.5], atol=1e-9)
    np.testing.assert_allclose(high, [5.0, -0.1, 0.5], atol=1e-9)


def test_a_passed_deadline_leaves_the_bounds_given() -> None:
    network = random_network(np.random.default_rng(0), 3, [6, 6, 6])
    box = Box.uniform(-1, 1, 3)
    given = pre_activation_bounds(network, box)
    bounds = refined_by_lp(network, box, given, deadline=time.monotonic() - 1)
    for a, b in zip((*given.lower, *given.upper), (*bounds.lower, *bounds.upper), strict=True):
        np.testing.assert_array_equal(a, b)
