"""Two searches kept in step: the working one, and the one that confirms its last word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from cpwl_milp.core.errors import SolverError
from cpwl_milp.core.pattern import Bits
from cpwl_milp.encoding.pattern_search import PatternSearch, Proposal, Units
from cpwl_milp.solvers.program import SolveStatus

Build = Callable[[], PatternSearch]


class Searches:
    """A working search and a confirming one, built when it is first needed.

    Parameters
    ----------
    working, confirming : callable
        Build the two. A search whose solver does not take the program proposes nothing.
    """

    def __init__(self, working: Build, confirming: Build) -> None:
        self._working = _opened(working)
        self._build = confirming
        self._confirming: PatternSearch | None = None
        self._cuts: list[tuple[Units, Bits]] = []
        self._literals: Mapping[int, bool] = {}
        # The working search's last word, as long as nothing changes.
        self._nothing_left: Proposal | None = None
        self.exhausted = False

    def fix(self, literals: Mapping[int, bool]) -> None:
        """Fix the bits of some unstable units in both, and free all others."""
        if literals == self._literals:
            return
        self._literals, self._nothing_left = literals, None
        self._working.fix(literals)
        if self._confirming is not None:
            self._confirming.fix(literals)

    def cut(self, units: Units, bits: Bits) -> None:
        """Cut a pattern in both. Without an unstable unit nothing is left: `exhausted`."""
        if not units.size:
            self.exhausted = True
            return
        self._nothing_left = None
        self._working.cut(units, bits)
        if self._confirming is None:
            self._cuts.append((units, bits))
        else:
            self._confirming.cut(units, bits)

    def propose(self, seconds: float) -> Proposal:
        """Ask the working search, unless it has said already that nothing is left."""
        if self._nothing_left is not None:
            return self._nothing_left
        proposal = self._working.propose(seconds)
        if proposal.status is SolveStatus.INFEASIBLE:
            self._nothing_left = replace(proposal, solves=0)
        return proposal

    def confirm(self, seconds: float) -> Proposal:
        """Ask the confirming search."""
        if self._confirming is None:
            self._confirming = _opened(self._build)
            for units, bits in self._cuts:
                self._confirming.cut(units, bits)
            self._cuts.clear()
            self._confirming.fix(self._literals)
        return self._confirming.propose(seconds)


class _NoSearch:
    """Stands for a search that could not be opened."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def fix(self, literals: Mapping[int, bool]) -> None:
        """Nothing to fix."""

    def cut(self, units: Units, bits: Bits) -> None:
        """Nothing to cut."""

    def propose(self, seconds: float) -> Proposal:
        """Nothing to propose, and why."""
        return Proposal(SolveStatus.UNKNOWN, reason=self._reason)


def _opened(build: Build) -> PatternSearch:
    try:
        return build()
    except SolverError as error:
        return _NoSearch(str(error))
