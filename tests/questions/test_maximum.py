"""Maxima of outputs, margins and slopes: two ways, and by plain linear programs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from cpwl_milp.census import CountSettings
from cpwl_milp.conditions import Condition
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Ball, WholeSpace
from cpwl_milp.core.errors import DomainError, InputError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.domains import polytope
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.listing import list_regions
from cpwl_milp.questions import (
    Objective,
    lipschitz_constant,
    maximum_by_program,
    maximum_over_regions,
)
from tests.cli.command import MOONS, answer, invoke
from tests.conditions.oracle import output_map
from tests.networks import degenerate_network, mlp, random_network
from tests.oracles import region_rows


def _by_programs(network: Network, box: Box, objective: Objective) -> float:
    """The maximum by scipy, region by region."""
    regions, outcome = list_regions(Problem.of(network, box))
    assert outcome.complete
    n, best = box.dim, -np.inf
    for bits in unpack(regions.patterns, network.n_units):
        A, b = region_rows(network, bits)
        P, q = output_map(network, bits)
        G, h = objective.weight @ P, objective.weight @ q + objective.bias
        found = linprog(
            np.r_[np.zeros(n), -1.0],
            A_ub=np.concatenate([np.c_[A, np.zeros(len(A))], np.c_[-G, np.ones(len(G))]]),
            b_ub=np.concatenate([b, h]),
            bounds=[*zip(box.lower, box.upper, strict=True), (None, None)],
        )
        if found.status == 0:
            best = max(best, -found.fun)
    return best


@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_both_ways_find_the_maximum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d, n_outputs = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    widths = [int(k) for k in rng.integers(1, 5, int(rng.integers(0, 3)))]
    network = degenerate_network(rng, d, widths, n_outputs)
    box = Box(-np.ones(d), np.ones(d) * rng.integers(1, 3))
    objectives = [Objective.of("y0", n_outputs), Objective.of("0.5 - 2*y0", n_outputs)]
    if n_outputs > 1:
        objectives.append(Objective.margin(int(rng.integers(n_outputs)), n_outputs))
    for objective in objectives:
        expected = _by_programs(network, box, objective)
        near = 1e-6 * (1.0 + abs(expected))
        for found in (
            maximum_over_regions(network, box, objective),
            maximum_by_program(network, box, objective),
        ):
            assert found.complete, found.reason
            assert abs(found.value - expected) <= near
            assert found.value <= found.upper <= expected + 1e3 * near
            assert found.point is not None
            assert box.contains(found.point[None, :])[0]
            assert found.value == float(objective(network(found.point[None, :]))[0])


def test_an_appended_objective_is_the_objective() -> None:
    rng = np.random.default_rng(0)
    for n_outputs in range(1, 8):
        network = random_network(rng, 3, (4,), n_outputs)
        objectives = [Objective.of(f"y{n_outputs - 1} + 2", n_outputs)]
        if n_outputs > 1:
            objectives += [Objective.margin(k, n_outputs) for k in range(n_outputs)]
        x = rng.normal(size=(100, 3))
        for objective in objectives:
            values = objective.appended(network)(x)[:, 0]
            assert np.allclose(values, objective(network(x)), rtol=0, atol=1e-12)


def test_conditions_and_other_domains() -> None:
    # |x| + |y| on the unit square.
    network = mlp(
        ([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], [0.0] * 4), ([[1.0] * 4], [0.0])
    )
    box, objective = Box.uniform(-1, 1, 2), Objective.of("y0", 1)
    half = Condition.of("x0 <= 0.25", "x0 >= -0.5")
    found = maximum_over_regions(network, box, objective, half)
    assert found.value == pytest.approx(1.5, abs=1e-9)
    assert found.point is not None
    assert found.point[0] == pytest.approx(-0.5, abs=1e-9)
    below = Condition.of("y0 < 0.75")
    assert maximum_over_regions(network, box, objective, below).value == pytest.approx(0.75)
    none = maximum_over_regions(network, box, objective, Condition.of("x0 > 2"))
    assert none.complete
    assert none.point is None
    triangle = polytope(
        np.array([[1.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]), np.array([1.0, 0.0, 0.0]), origin="test"
    )
    for by in (maximum_over_regions, maximum_by_program):
        assert by(network, triangle, objective).value == pytest.approx(1.0)  # type: ignore[operator]
        fixed = Box(np.array([0.5, -1.0]), np.array([0.5, 1.0]))
        assert by(network, fixed, objective).value == pytest.approx(1.5)  # type: ignore[operator]
        with pytest.raises((DomainError, InputError)):
            by(network, Ball(np.zeros(2), 1.0, "2", "test"), objective)  # type: ignore[operator]
        with pytest.raises((DomainError, InputError)):
            by(network, WholeSpace(2, "test"), objective)  # type: ignore[operator]


def test_limits_leave_a_value_without_a_bound() -> None:
    network, box = random_network(np.random.default_rng(7), 2, (8, 8), 3), Box.uniform(-1, 1, 2)
    settings = CountSettings(limits=Limits(max_regions=3))
    found = maximum_over_regions(network, box, Objective.of("y0", 3), None, settings)
    assert found.reason == "max-regions"
    assert found.upper == np.inf
    assert found.value <= maximum_over_regions(network, box, Objective.of("y0", 3)).value + 1e-12


@pytest.mark.parametrize("norm", ["1", "2", "inf"])
def test_lipschitz_constants(norm: str) -> None:
    network, box = random_network(np.random.default_rng(3), 3, (5, 4), 2), Box.uniform(-1, 1, 3)
    found = lipschitz_constant(network, box, norm)
    assert found.complete
    regions, _ = list_regions(Problem.of(network, box))
    order = float(norm)
    expected = max(
        np.linalg.norm(output_map(network, bits)[0], ord=order)
        for bits in unpack(regions.patterns, network.n_units)
    )
    assert found.value == pytest.approx(expected, rel=1e-12)
    # Attained at the point, and never exceeded between samples.
    assert found.point is not None
    bits = network.bits(found.point[None, :])[0]
    here = np.linalg.norm(output_map(network, bits)[0], ord=order)
    assert here == pytest.approx(found.value, rel=1e-12)
    x, y = box.sample(2000, np.random.default_rng(0)), box.sample(2000, np.random.default_rng(1))
    rise = np.linalg.norm(network(x) - network(y), ord=order, axis=1)
    assert np.all(rise <= (1 + 1e-9) * found.value * np.linalg.norm(x - y, ord=order, axis=1))
    whole = lipschitz_constant(network, WholeSpace(3, "test"), norm)
    assert whole.value >= found.value


@pytest.mark.parametrize("text", ["y9", "x0", "y0 > 1", "", "1", "y0 +"])
def test_what_is_no_objective_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Objective.of(text, 2)


def test_the_command() -> None:
    box = ("--box", "0,1")
    by_regions = answer("maximum", MOONS, *box, "--margin", 1)
    by_program = answer("maximum", MOONS, *box, "--margin", 1, "--by", "program")
    assert by_regions["by"] == "regions"
    assert by_regions["value"] == pytest.approx(by_program["value"], rel=1e-9)
    assert by_regions["value"] <= by_regions["upper"] <= by_program["upper"]
    slope = answer("maximum", MOONS, *box, "--lipschitz", "2", "--where", "y0 > y1")
    assert 0 < slope["value"] <= answer("maximum", MOONS, *box, "--lipschitz", "2")["value"]
    cut = answer("maximum", MOONS, *box, "--of", "y0 - y1", "--max-regions", 5, code=3)
    assert cut["upper"] is None
    assert invoke("maximum", MOONS, *box, "--of", "y0", "--margin", 0).exit_code == 2
    assert invoke("maximum", MOONS, *box, "--by", "program", "--class", 0).exit_code == 2
    assert invoke("maximum", MOONS, *box, "--of", "y5").exit_code == 1
