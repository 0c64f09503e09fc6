"""Solves that can be left and taken up again where they stand."""

from __future__ import annotations

import threading
import weakref

from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.program import Solution, SolveStatus

# A solve that nobody has asked for during so many seconds ends itself.
_FORGOTTEN = 5.0


class PausableSolves:
    """The solves of one mixed-integer session, one after the other, each in a thread.

    HiGHS cannot stop a branch and bound and go on with it later: a run that is stopped is lost.
    So a solve that takes longer than its caller waits goes on behind the caller's back, and the
    next call waits for the same one. Whoever changes the session must `give_up` first.

    Parameters
    ----------
    session : HighsSession
    """

    def __init__(self, session: HighsSession) -> None:
        self._session = session
        self._running: _Running | None = None
        # Nobody is left to wait for it.
        weakref.finalize(self, session.leash.pull)

    @property
    def under_way(self) -> bool:
        """Whether a solve was left unfinished."""
        return self._running is not None

    def solve(self, seconds: float) -> Solution | None:
        """Begin a solve, or go on with the one under way.

        Returns
        -------
        Solution or None
            None: not finished within so many seconds.
        """
        self._session.leash.let_go()
        running = self._running or _Running(self._session)
        self._running = running
        solution = running.wait(seconds)
        if solution is None:
            self._session.leash.let_go(_FORGOTTEN)
            return None
        self._running = None
        # Forgotten for too long: to be begun again.
        return None if solution.status is SolveStatus.TIME_LIMIT else solution

    def give_up(self) -> None:
        """Stop the solve under way, if there is one; returns when it has stopped."""
        if self._running is not None:
            self._session.leash.pull()
            self._running.wait(None)
            self._running = None


class _Running:
    """A solve in a thread."""

    def __init__(self, session: HighsSession) -> None:
        self._solution: Solution | None = None
        self._error: Exception | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._work, args=(session,), name="cpwl-milp solve").start()

    def _work(self, session: HighsSession) -> None:
        try:
            self._solution = session.solve()
        except Exception as error:  # handed on to whoever waits
            self._error = error
        finally:
            self._ended.set()

    def wait(self, seconds: float | None) -> Solution | None:
        if not self._ended.wait(seconds):
            return None
        if self._error is not None:
            raise self._error
        return self._solution
