"""Solves that are left and taken up again."""

from __future__ import annotations

import gc
import threading
import time

import pytest

from cpwl_milp.core.errors import SolverError
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.pausable import PausableSolves
from cpwl_milp.solvers.program import Solution, SolveStatus
from tests.solvers.test_highs import knapsacks


def _at_work() -> bool:
    return any(thread.name == "cpwl-milp solve" for thread in threading.enumerate())


def _ends(seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while _at_work() and time.monotonic() < end:
        time.sleep(0.01)
    return not _at_work()


def test_a_solve_goes_on_where_it_was_left(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, begun = threading.Event(), []
    answer = Solution(SolveStatus.INFEASIBLE, None, 0.0, 0.0)

    def solve(self: HighsSession) -> Solution:
        begun.append(threading.current_thread())
        may_end.wait(20)
        return answer

    monkeypatch.setattr(HighsSession, "solve", solve)
    solves = PausableSolves(HighsSession(knapsacks()))
    assert not solves.under_way
    assert solves.solve(0.01) is None
    assert solves.under_way
    assert solves.solve(0.01) is None
    may_end.set()
    assert solves.solve(20) is answer
    assert not solves.under_way
    assert len(begun) == 1
    assert solves.solve(20) is answer
    assert len(begun) == 2


def test_what_is_given_up_stops_and_the_session_can_be_changed() -> None:
    session = HighsSession(knapsacks())
    solves = PausableSolves(session)
    assert solves.solve(0.3) is None
    began = time.monotonic()
    solves.give_up()
    assert time.monotonic() - began < 10
    assert not solves.under_way
    session.add_row([0], [1.0], 2.0, 2.0)
    solution = solves.solve(60)
    assert solution is not None
    assert solution.status is SolveStatus.INFEASIBLE


def test_a_solve_that_nobody_can_wait_for_any_more_ends() -> None:
    assert not _at_work()
    solves = PausableSolves(HighsSession(knapsacks()))
    assert solves.solve(0.2) is None
    assert _at_work()
    del solves
    gc.collect()
    assert _ends()


def test_a_solve_forgotten_for_long_ends_and_is_begun_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cpwl_milp.solvers.pausable._FORGOTTEN", 0.2)
    solves = PausableSolves(HighsSession(knapsacks()))
    assert solves.solve(0.1) is None
    assert _ends()
    assert solves.solve(0.1) is None
    assert not solves.under_way
    assert solves.solve(0.1) is None
    assert solves.under_way
    solves.give_up()


def test_errors_reach_whoever_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def solve(self: HighsSession) -> Solution:
        raise SolverError("HiGHS", "broke")

    monkeypatch.setattr(HighsSession, "solve", solve)
    with pytest.raises(SolverError, match="broke"):
        PausableSolves(HighsSession(knapsacks())).solve(20)
