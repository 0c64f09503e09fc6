"""The state of one call of the loop: what is counted, what is left, what the next may use."""

from __future__ import annotations

import time

from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.exploration import Budget, Engine
from cpwl_milp.enumeration.frontier import Frontier
from cpwl_milp.enumeration.limits import Limits, Pace
from cpwl_milp.enumeration.outcome import Outcome, Tally
from cpwl_milp.enumeration.progress import Snapshot
from cpwl_milp.enumeration.schedule import Patience
from cpwl_milp.enumeration.work import Finding

# An engine that hands a cube back so often, untouched and before its time, never ends.
_MOST_IDLE_ADVANCES = 100
# Seconds that an engine gets at most when shorter slices got it nowhere.
_LONGEST_SLICE = 3600.0


class Session:
    """Books advances one after the other.

    Parameters
    ----------
    engine : Engine
    frontier : Frontier
    before : Tally
        Counts of earlier sessions.
    limits : Limits
    pace : Pace
    """

    def __init__(
        self, engine: Engine, frontier: Frontier, before: Tally, limits: Limits, pace: Pace
    ) -> None:
        self.frontier = frontier
        self.tally = before
        self.pace = pace
        self._engine = engine
        self._before = before
        self._limits = limits
        self._begin = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time since the session began."""
        return time.monotonic() - self._begin

    def stop_reason(self, *, interrupted: bool) -> str | None:
        """Why there is to be no further advance; "" when nothing is open, None to go on."""
        limits = self._limits
        if not self.frontier.open:
            return ""
        if interrupted:
            return "interrupted"
        if limits.max_regions is not None and self.tally.n_regions >= limits.max_regions:
            return "max-regions"
        if limits.max_seconds is not None and self.seconds >= limits.max_seconds:
            return "max-seconds"
        return None

    def budget(self, patience: Patience, pace: Pace) -> Budget:
        """What an advance that begins now may use; exact if its cube's turn is now.

        Parameters
        ----------
        patience : Patience
            Of the cube; its engine may need more time than the pace leaves to get anywhere.
        pace : Pace
        """
        limits, tally = self._limits, self.tally
        regions, prefix_left = pace.regions, None
        end = min(_LONGEST_SLICE, pace.seconds * 2.0 ** min(60, patience.doublings))
        if limits.max_regions is not None:
            regions = max(1, min(regions, limits.max_regions - tally.n_regions))
        if limits.max_seconds is not None:
            end = min(end, limits.max_seconds - self.seconds)
        if limits.max_per_layer is not None:
            prefix_left = tuple(max(0, limits.max_per_layer - k) for k in tally.prefix_counts)
        return Budget(regions, time.monotonic() + end, prefix_left)

    def fits(self, new: Tally) -> bool:
        """Whether an advance made before its turn is what it would be now.

        Its budget was of an earlier moment and left more, never less. If it kept to what is left
        now, the engine met no limit then that it would not meet now at the same cell.
        """
        limits, tally = self._limits, self.tally
        n_regions = tally.n_regions + new.n_regions
        if limits.max_regions is not None and n_regions > limits.max_regions:
            return False
        counts = tally.plus(new).prefix_counts
        most = limits.max_per_layer
        return most is None or all(count <= most for count in counts)

    def take(self, finding: Finding, patience: Patience) -> None:
        """Book one advance.

        Raises
        ------
        CheckFailedError
            If it goes beyond a limit, is none of the cube's, or the engine will never end.
        """
        if patience.idle >= _MOST_IDLE_ADVANCES:
            raise CheckFailedError(
                f"engine {self._engine.name}",
                f"handed one cube back untouched {patience.idle} times before its time was up",
                "regions, other cubes, or the reason why it is unresolved",
            )
        self.frontier.replace(finding.advance)
        self.tally = self.tally.plus(finding.tally)
        allowed = self._limits.max_regions
        if allowed is not None and self.tally.n_regions > allowed:
            raise CheckFailedError(
                f"engine {self._engine.name}",
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
            seconds=self.seconds,
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
            reason = f"unresolved: {doubts} decisions near zero could not be settled exactly"
        return Outcome(
            reason=reason,
            tally=self.tally.plus(Tally(seconds=self.seconds)),
            closed=frontier.closed,
            open=tuple(frontier.open),
            parked=tuple(frontier.parked),
            unresolved=tuple(frontier.unresolved),
            nonempty=self._engine.open_cubes_nonempty,
        )
