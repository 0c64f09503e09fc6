"""Two searches kept in step: the working one, and the one that confirms its last word."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cpwl_milp.core.pattern import Bits
from cpwl_milp.encoding.pattern_search import PatternSearch, Proposal, Units


class Searches:
    """A working search and a confirming one, built when it is first needed.

    Parameters
    ----------
    working : PatternSearch
    confirming : callable
        Builds the second search.
    """

    def __init__(self, working: PatternSearch, confirming: Callable[[], PatternSearch]) -> None:
        self._working = working
        self._build = confirming
        self._confirming: PatternSearch | None = None
        self._cuts: list[tuple[Units, Bits]] = []
        self._literals: Mapping[int, bool] = {}
        self.exhausted = False

    def fix(self, literals: Mapping[int, bool]) -> None:
        """Fix the bits of some unstable units in both, and free all others."""
        self._literals = literals
        self._working.fix(literals)
        if self._confirming is not None:
            self._confirming.fix(literals)

    def cut(self, units: Units, bits: Bits) -> None:
        """Cut a pattern in both. Without an unstable unit nothing is left: `exhausted`."""
        if not units.size:
            self.exhausted = True
            return
        self._working.cut(units, bits)
        if self._confirming is None:
            self._cuts.append((units, bits))
        else:
            self._confirming.cut(units, bits)

    def propose(self, time_limit: float) -> Proposal:
        """Ask the working search."""
        return self._working.propose(time_limit)

    def confirm(self, time_limit: float) -> Proposal:
        """Ask the confirming search."""
        if self._confirming is None:
            self._confirming = self._build()
            for units, bits in self._cuts:
                self._confirming.cut(units, bits)
            self._cuts.clear()
            self._confirming.fix(self._literals)
        return self._confirming.propose(time_limit)
