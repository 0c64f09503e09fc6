"""The loop that drives an engine over open cubes until nothing is left or a limit says stop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.exploration import Advance, Budget, Engine
from cpwl_milp.enumeration.frontier import Frontier
from cpwl_milp.enumeration.interrupts import Interrupts
from cpwl_milp.enumeration.limits import Limits, Pace
from cpwl_milp.enumeration.outcome import Outcome, Tally
from cpwl_milp.enumeration.progress import ProgressReporter, SilentProgress, Snapshot

# An engine that hands a cube back so often, untouched and before its time, never ends.
_MOST_IDLE_ADVANCES = 100
# Seconds that an engine gets at most when shorter slices got it nowhere.
_LONGEST_SLICE = 3600.0


class Sink(Protocol):
    """Anything that wants each advance: the run folder's recorder, counters of patterns ..."""

    def accept(self, advance: Advance) -> None:
        """Take what one advance found."""
        ...


def enumerate_regions(
    engine: Engine,
    n_layers: int,
    *,
    roots: Sequence[Cube] = (ROOT,),
    before: Tally | None = None,
    closed: Fraction = Fraction(0),
    limits: Limits | None = None,
    sinks: Sequence[Sink] = (),
    progress: ProgressReporter | None = None,
    pace: Pace | None = None,
) -> Outcome:
    """List the regions of some cubes, depth first.

    Ctrl-C ends the session after the current advance, with everything handed to the sinks.

    Parameters
    ----------
    engine : Engine
    n_layers : int
        Layers of the network, the length of `prefix_counts`.
    roots : sequence of Cube
        The open cubes to begin with.
    before : Tally, optional
        Counts of earlier sessions (`resume.restart`).
    closed : Fraction
        Weight of the cubes closed in earlier sessions.
    limits : Limits, optional
    sinks : sequence of Sink
        Each gets every advance, in order.
    progress : ProgressReporter, optional
    pace : Pace, optional

    Returns
    -------
    Outcome

    Raises
    ------
    CheckFailedError
        If the engine breaks its contract: cubes of another place, more regions than asked for, or
        a cube handed back again and again untouched.
    """
    nothing = Tally(prefix_counts=(0,) * n_layers)
    before = nothing if before is None else nothing.plus(before)
    session = _Session(engine, Frontier(roots, closed), before, limits or Limits(), pace or Pace())
    progress = progress or SilentProgress()
    interrupts = Interrupts()
    with interrupts.caught():
        try:
            while (reason := session.stop_reason(interrupts)) is None:
                advance = None
                with interrupts.in_engine():
                    advance = session.advance()
                if advance is None:
                    continue
                session.take(advance)
                for sink in sinks:
                    sink.accept(advance)
                progress.update(session.snapshot())
        finally:
            progress.finish(session.snapshot())
    return session.outcome(reason)


class _Session:
    """The state of one call of `enumerate_regions`."""

    def __init__(
        self,
        engine: Engine,
        frontier: Frontier,
        before: Tally,
        limits: Limits,
        pace: Pace,
    ) -> None:
        self.engine = engine
        self.frontier = frontier
        self.tally = before
        self._before = before
        self._limits = limits
        self._pace = pace
        self._slice = pace.seconds
        self._idle = 0
        self._begin = time.monotonic()

    def stop_reason(self, interrupts: Interrupts) -> str | None:
        """Why there is to be no further advance; "" when nothing is open, None to go on."""
        limits = self._limits
        if not self.frontier.open:
            return ""
        if interrupts.requested:
            return "interrupted"
        if limits.max_regions is not None and self.tally.n_regions >= limits.max_regions:
            return "max-regions"
        if limits.max_seconds is not None and self._seconds >= limits.max_seconds:
            return "max-seconds"
        return None

    def advance(self) -> Advance:
        """Let the engine work on the cube taken up last."""
        limits = self._limits
        regions, end, prefix_left = self._pace.regions, self._slice, None
        if limits.max_regions is not None:
            regions = min(regions, limits.max_regions - self.tally.n_regions)
        if limits.max_seconds is not None:
            end = min(end, limits.max_seconds - self._seconds)
        if limits.max_per_layer is not None:
            prefix_left = tuple(max(0, limits.max_per_layer - k) for k in self.tally.prefix_counts)
        budget = Budget(regions, time.monotonic() + end, prefix_left)
        found = self.engine.advance(self.frontier.open[-1], budget)
        self._require_progress(found, budget)
        return found

    def take(self, advance: Advance) -> None:
        """Book one advance.

        Raises
        ------
        CheckFailedError
            If it goes beyond a limit or is none of the cube's.
        """
        self.frontier.replace(advance)
        self.tally = self.tally.plus(Tally.of(advance))
        allowed = self._limits.max_regions
        if allowed is not None and self.tally.n_regions > allowed:
            raise CheckFailedError(
                f"engine {self.engine.name}",
                f"{self.tally.n_regions} regions listed",
                f"at most {allowed}",
            )

    def snapshot(self) -> Snapshot:
        """The state, for the progress report."""
        n = self.tally.n_regions
        return Snapshot(
            closed=float(self.frontier.closed),
            n_regions=n,
            n_new=n - self._before.n_regions,
            n_open=len(self.frontier.open),
            seconds=self._seconds,
        )

    def outcome(self, reason: str) -> Outcome:
        """The state, as the answer; `reason` is why the loop stopped with cubes open."""
        frontier = self.frontier
        if not reason and frontier.unresolved:
            reason = f"unresolved: {frontier.unresolved[0][0]}"
        elif not reason and frontier.parked:
            reason = "max-per-layer"
        doubts = self.tally.doubts
        if not reason and doubts:
            reason = f"unresolved: {doubts} decisions too close to zero for floating point"
        return Outcome(
            reason=reason,
            tally=self.tally.plus(Tally(seconds=self._seconds)),
            closed=frontier.closed,
            open=tuple(frontier.open),
            parked=tuple(frontier.parked),
            unresolved=tuple(frontier.unresolved),
            nonempty=self.engine.open_cubes_nonempty,
        )

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._begin

    def _require_progress(self, advance: Advance, budget: Budget) -> None:
        """Give an engine that got nowhere more time, and notice one that never will."""
        if advance.unresolved or len(advance.regions) or advance.open != (advance.cube,):
            self._slice, self._idle = self._pace.seconds, 0
            return
        self._slice = min(2 * self._slice, _LONGEST_SLICE)
        # Found within its time, this is no want of time.
        self._idle = self._idle + 1 if budget.seconds_left > 0 else 0
        if self._idle >= _MOST_IDLE_ADVANCES:
            raise CheckFailedError(
                f"engine {self.engine.name}",
                f"handed one cube back untouched {self._idle} times before its time was up",
                "regions, other cubes, or the reason why it is unresolved",
            )
