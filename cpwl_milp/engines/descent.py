"""Driving a compiled depth-first search by the clock, and handing on what it finds and leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.core.region import RegionBatch

# Why a compiled search returned.
DONE = 0
PAUSED = 1  # the quota of work is spent, or the output is full
PARKED = 2  # the current cell lies beyond a layer's limit
STUCK = 3  # the current cell cannot be decided
NEEDS_SPACE = 4

# A value within this share of a tolerance is zero to rounding (equal, opposite, parallel units, a
# common zero). Between this share and the tolerance itself it is a doubt: probably not zero, but
# too small to build on.
ROUNDING_SHARE = 1e-2

# Seconds between two looks at the clock.
_SLICE = 0.05


class Search(Protocol):
    """A compiled search below one cube, with its memory."""

    stuck_reason: str
    full_reason: str

    def run(self, quota: int, *, leave: bool) -> int:
        """Search on; first leave the current cell if asked to. Returns one of the codes above."""
        ...

    def taken(self) -> RegionBatch:
        """The regions emitted since the last call."""
        ...

    def limit(self, room: int) -> None:
        """From now on emit at most `room` regions."""
        ...

    def grow(self) -> bool:
        """Make room; False where memory does not allow it."""
        ...

    def current(self) -> Cube:
        """The cell at hand as a cube."""
        ...

    def pending(self) -> list[Cube]:
        """The siblings still to come, the latest first."""
        ...

    @property
    def prefix_counts(self) -> NDArray[np.int64]:
        """Cells of each prefix completed so far."""
        ...

    @property
    def decisions(self) -> dict[str, int]:
        """How decisions were settled so far."""
        ...


def descend(search: Search, cube: Cube, budget: Budget, n_units: int, first_quota: int) -> Advance:
    """Run a search until its cube is closed or the budget is spent.

    Parameters
    ----------
    search : Search
        At the root of `cube`.
    cube : Cube
    budget : Budget
    n_units : int
    first_quota : int
        Work before the first look at the clock; later quotas follow the clock.
    """
    batches: list[RegionBatch] = []
    parked: list[Cube] = []
    stuck: list[Cube] = []
    reason = ""
    found = 0
    quota = first_quota
    leave = False
    while True:
        before = budget.seconds_left
        status = search.run(quota, leave=leave)
        seconds = before - budget.seconds_left
        batches.append(search.taken())
        found += len(batches[-1])
        search.limit(budget.max_regions - found)
        leave = status in (PARKED, STUCK)
        if status == DONE:
            break
        if status == PARKED:
            parked.append(search.current())
        elif status == STUCK:
            stuck.append(search.current())
        elif status == NEEDS_SPACE and not search.grow():
            reason = search.full_reason
            break
        if found >= budget.max_regions:
            break
        if budget.seconds_left <= 0:
            break
        quota = max(10, min(1 << 30, int(quota * min(4.0, _SLICE / max(seconds, 1e-4)))))
    left = [] if status == DONE else search.pending()
    if status != DONE and not leave:
        left.insert(0, search.current())
    if stuck and not left and not found:
        # Nothing but the failure itself is left of this cube: another try is no use.
        reason = search.stuck_reason
    return Advance(
        cube=cube,
        regions=RegionBatch.joined(batches),
        # The loop takes the first one up next: on with the search where it stopped.
        open=(*left, *stuck),
        prefix_counts=search.prefix_counts.copy(),
        thin=np.zeros((0, packed_size(n_units)), dtype=np.uint8),
        parked=tuple(parked),
        unresolved=reason,
        decisions=search.decisions,
    )


def with_doubts(advance: Advance, doubts: int) -> Advance:
    """The advance of a root cube with doubts that concern the whole run."""
    if advance.cube != ROOT or not doubts:
        return advance
    counted = advance.decisions.get("doubts", 0) + doubts
    return replace(advance, decisions={**advance.decisions, "doubts": counted})
