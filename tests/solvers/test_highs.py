from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import highspy
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp

from cpwl_milp.core.errors import SolverError
from cpwl_milp.encoding.pattern_search import FEASIBILITY
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.highs_settings import HighsSettings
from cpwl_milp.solvers.program import Program, SolveStatus

RNG = np.random.default_rng(0)


def random_lp(rng: np.random.Generator, m: int, n: int) -> Program:
    a = rng.normal(size=(m, n))
    return Program.linear(
        a, np.full(m, -np.inf), rng.uniform(0.1, 1, m), -np.ones(n), np.ones(n), rng.normal(size=n)
    )


def knapsacks(n: int = 60, m: int = 20) -> Program:
    """Equations that keep any solver busy for minutes."""
    w = np.random.default_rng(0).integers(1, 1000, (m, n)).astype(float)
    half = w.sum(axis=1) // 2
    return Program(
        np.zeros(n),
        sp.csr_array(w),
        half,
        half,
        np.zeros(n),
        np.ones(n),
        np.ones(n, dtype=np.bool_),
    )


@pytest.mark.parametrize("seed", range(5))
def test_lp_optimum_and_duals_agree_with_scipy(seed: int) -> None:
    program = random_lp(np.random.default_rng(seed), 12, 5)
    solution = HighsSession(program).solve()
    expected = scipy.optimize.linprog(
        program.objective, program.matrix, program.row_upper, bounds=[(-1, 1)] * 5
    )
    assert solution.status is SolveStatus.OPTIMAL
    assert solution.objective == pytest.approx(expected.fun, abs=1e-9)
    assert solution.dual_bound == solution.objective
    assert solution.x is not None
    assert program.violation(solution.x) < 1e-9
    assert solution.row_duals is not None
    assert solution.reduced_costs is not None
    residual = program.objective - program.matrix.T @ solution.row_duals
    np.testing.assert_allclose(residual, solution.reduced_costs, atol=1e-9)


def test_session_follows_changes_of_rows_bounds_and_objective() -> None:
    program = Program.linear(
        np.array([[1.0, 1.0]]), np.array([-np.inf]), np.array([1.5]), np.zeros(2), np.ones(2)
    )
    session = HighsSession(program)
    session.set_objective([0, 1], [1.0, 2.0], maximise=True)
    best = session.solve()
    assert best.objective == pytest.approx(2.5)
    assert best.dual_bound == pytest.approx(2.5)
    session.set_column_bounds([1], 0.0, 0.25)
    assert session.solve().objective == pytest.approx(1.5)
    row = session.add_row([0, 1], [1.0, -1.0], -np.inf, 0.5)
    assert row == 1
    assert session.solve().objective == pytest.approx(1.25)
    session.set_row_bounds(row, 5.0, np.inf)
    assert session.solve().status is SolveStatus.INFEASIBLE
    session.set_row_bounds(row, -np.inf, np.inf)
    session.set_objective([0], [1.0])
    assert session.solve().objective == pytest.approx(0.0)


def test_mixed_integer_optimum_against_enumeration() -> None:
    rng = np.random.default_rng(3)
    n = 8
    w, v = rng.uniform(1, 5, n), rng.uniform(1, 5, n)
    program = Program(
        -v,
        sp.csr_array(w[None]),
        np.array([-np.inf]),
        np.array([10.0]),
        np.zeros(n),
        np.ones(n),
        np.ones(n, dtype=np.bool_),
    )
    points = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    best = (points @ v)[points @ w <= 10].max()
    for settings in (HighsSettings(), HighsSettings(presolve=False, seed=7)):
        solution = HighsSession(program, settings).solve()
        assert solution.status is SolveStatus.OPTIMAL
        assert -solution.objective == pytest.approx(best)
        assert solution.dual_bound == pytest.approx(solution.objective)
        assert solution.x is not None
        assert program.violation(solution.x) < 1e-8


def test_infeasible_and_unbounded_are_told_apart() -> None:
    n = 2
    free = Program.linear(
        np.zeros((0, n)),
        np.zeros(0),
        np.zeros(0),
        np.full(n, -np.inf),
        np.full(n, np.inf),
        np.ones(n),
    )
    assert HighsSession(free).solve().status is SolveStatus.UNBOUNDED
    session = HighsSession(free)
    session.add_row([0, 1], [1.0, 1.0], 1.0, 1.0)
    session.add_row([0, 1], [1.0, 1.0], 2.0, 2.0)
    assert session.solve().status is SolveStatus.INFEASIBLE


def test_time_limit_is_kept_on_every_solve() -> None:
    session = HighsSession(knapsacks())
    for _ in range(2):
        start = time.monotonic()
        solution = session.solve(time_limit=0.3)
        assert solution.status is SolveStatus.TIME_LIMIT
        assert 0.2 < time.monotonic() - start < 3.0
    assert session.solve(time_limit=-1.0).status is SolveStatus.TIME_LIMIT


def test_time_limit_of_a_linear_program_is_per_solve() -> None:
    """HiGHS's own clock for linear programs never stops at zero again."""
    program = random_lp(np.random.default_rng(0), 60, 40)
    session = HighsSession(program)
    start = time.monotonic()
    while time.monotonic() - start < 0.5:
        session.forget()
        assert session.solve(time_limit=0.4).status is SolveStatus.OPTIMAL


def test_tiny_coefficients_widen_their_row_and_are_reported() -> None:
    tiny, wide = 1e-13, 1e6
    program = Program.linear(
        np.array([[1.0, tiny]]),
        np.array([-np.inf]),
        np.array([1.0]),
        np.array([0.0, -wide]),
        np.array([5.0, wide]),
        np.array([-1.0, 0.0]),
    )
    session = HighsSession(program)
    assert session.dropped_entries == 1
    # The true maximum of x is 1 + 1e-7; a plain drop would say 1.
    assert -session.solve().objective >= 1 + tiny * wide - 1e-12
    session.add_row([0, 1], [2.0, -tiny], -np.inf, 1.0)
    assert session.dropped_entries == 2
    assert -session.solve().objective >= 0.5 + tiny * wide / 2 - 1e-12
    # Coefficients that HiGHS drops by default (below 1e-9) are kept.
    kept = Program.linear(
        np.array([[1e-10]]), np.array([-np.inf]), np.array([1.0]), np.zeros(1), np.array([1e12])
    )
    session = HighsSession(kept)
    session.set_objective([0], [1.0], maximise=True)
    assert session.dropped_entries == 0
    assert session.solve().objective == pytest.approx(1e10)


def test_tiny_coefficient_at_an_unbounded_column_is_refused() -> None:
    program = Program.linear(
        np.array([[1.0, 1e-13]]),
        np.zeros(1),
        np.ones(1),
        np.full(2, -np.inf),
        np.full(2, np.inf),
    )
    with pytest.raises(SolverError, match="unbounded"):
        HighsSession(program)


def test_ctrl_c_stops_a_long_solve_quietly() -> None:
    script = textwrap.dedent(
        """
        import signal
        from tests.solvers.test_highs import knapsacks
        from cpwl_milp.solvers.highs import HighsSession
        # Shells start what runs in the background with SIGINT ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        session = HighsSession(knapsacks())
        print("ready", flush=True)
        try:
            session.solve()
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        print(session.solve(time_limit=0.2).status.name)
        """
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    try:
        out, err = child.communicate(timeout=20)
    finally:
        child.kill()
    assert out == "interrupted\nTIME_LIMIT\n"
    assert err == ""


def test_an_answer_that_highs_disowns_is_found_another_way() -> None:
    """Recorded: HiGHS 1.15 ends this search with a row broken by 1.28 tolerances, and fails."""
    with np.load(Path(__file__).with_name("disowned.npz")) as stored:
        lower, row_lower = stored["lower"], stored["row_lower"]
        matrix = sp.csr_array(
            (stored["data"], stored["indices"].astype(np.int64), stored["indptr"].astype(np.int64)),
            shape=(row_lower.size, lower.size),
        )
        program = Program(
            np.zeros(lower.size),
            matrix,
            row_lower,
            stored["row_upper"],
            lower,
            stored["upper"],
            stored["integer"],
        )
    session = HighsSession(program, FEASIBILITY)
    for _ in range(2):
        solution = session.solve(60.0)
        assert solution.status in (SolveStatus.OPTIMAL, SolveStatus.FEASIBLE)
        assert solution.x is not None
        assert program.violation(solution.x) <= 1e-9


class _Failing:
    """Makes the next runs of HiGHS fail, and counts all runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
        self.runs = 0
        true_run = highspy.Highs.run

        def run(highs: highspy.Highs) -> highspy.HighsStatus:
            self.runs += 1
            return highspy.HighsStatus.kError if self.runs <= failures else true_run(highs)

        monkeypatch.setattr(highspy.Highs, "run", run)


@pytest.mark.parametrize("mixed_integer", [False, True])
def test_failed_runs_are_tried_again_and_leave_the_session_whole(
    monkeypatch: pytest.MonkeyPatch, mixed_integer: bool
) -> None:
    program = random_lp(np.random.default_rng(0), 12, 5)
    program = replace(program, integer=np.full(5, mixed_integer))
    expected = HighsSession(program).solve()
    runs = _Failing(monkeypatch, 2)
    session = HighsSession(program)
    assert session.solve().objective == pytest.approx(expected.objective, abs=1e-9)
    assert runs.runs == 3
    row = session.add_row([0], [1.0], 0.5, np.inf)
    session.set_objective([0], [1.0])
    least = session.solve()
    assert least.status is not SolveStatus.UNKNOWN
    if least.x is not None:
        assert least.x[0] >= 0.5 - 1e-9
    session.set_row_bounds(row, -np.inf, np.inf)
    session.set_objective(np.arange(5), program.objective)
    assert session.solve().objective == pytest.approx(expected.objective, abs=1e-9)


def test_a_solver_that_always_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    _Failing(monkeypatch, 10**6)
    session = HighsSession(random_lp(np.random.default_rng(0), 12, 5))
    solution = session.solve()
    assert solution.status is SolveStatus.UNKNOWN
    assert solution.x is None
    assert solution.dual_bound == -np.inf


def test_any_seed_is_taken() -> None:
    HighsSession(random_lp(np.random.default_rng(0), 3, 2), HighsSettings(seed=2**31)).solve()
