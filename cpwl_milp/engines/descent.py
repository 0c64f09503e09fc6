"""Driving a compiled depth-first search by the clock, and handing on what it finds and leaves."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.ambiguity import (
    Arbiter,
    Doubt,
    Question,
    Sign,
    UnfinishedError,
    Verdict,
)

# Why a compiled search returned.
DONE = 0
PAUSED = 1  # the quota of work is spent, or the output is full
PARKED = 2  # the current cell lies beyond a layer's limit
STUCK = 3  # the current cell cannot be decided
NEEDS_SPACE = 4
# 5: the tree's own, for a dictionary to be computed afresh.
AMBIGUOUS = 6  # float64 cannot tell what some units do on the current cell: `questions`
THIN = 7  # the current cell is too thin for float64

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

    def questions(self) -> list[Question]:
        """After AMBIGUOUS: what the search asks about the cell at hand."""
        ...

    def answer(self, verdicts: Sequence[Verdict]) -> None:
        """The answers, in the same order; the next `run` takes them up."""
        ...

    def standing(self) -> tuple[int, int]:
        """After THIN: the first unit whose bit on the cell is not known, and the layer at hand."""
        ...

    @property
    def bits(self) -> NDArray[np.uint8]:
        """The bits on the cell at hand, of all units that are decided."""
        ...

    @property
    def prefix_counts(self) -> NDArray[np.int64]:
        """Cells of each prefix completed so far."""
        ...

    @property
    def prefix_left(self) -> NDArray[np.int64]:
        """Cells of each prefix that may still be counted; written to."""
        ...

    @property
    def decisions(self) -> dict[str, int]:
        """How decisions were settled so far."""
        ...


class NeverAsks:
    """For searches that decide everything themselves."""

    def questions(self) -> list[Question]:
        """None."""
        return []

    def answer(self, verdicts: Sequence[Verdict]) -> None:
        """Nothing was asked."""

    def standing(self) -> tuple[int, int]:
        """Never called."""
        raise NotImplementedError


def descend(
    search: Search,
    cube: Cube,
    budget: Budget,
    n_units: int,
    first_quota: int,
    arbiter: Arbiter | None = None,
) -> Advance:
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
    arbiter : Arbiter, optional
        Who answers what the search asks; without, it goes on with its guesses (doubts).
    """
    exactly = _Exactly(search, arbiter)
    batches: list[RegionBatch] = []
    parked: list[Cube] = []
    stuck: list[Cube] = []
    thin: list[Cube] = []
    reason = ""
    stuck_reason = search.stuck_reason
    found = 0
    quota = first_quota
    leave = False
    while True:
        before = budget.seconds_left
        status = search.run(quota, leave=leave)
        seconds = before - budget.seconds_left
        batches.append(search.taken())
        found += len(batches[-1])
        leave = status in (PARKED, STUCK, THIN)
        if status == DONE:
            break
        if status == AMBIGUOUS:
            if not exactly.answer(budget):
                break
        elif exactly.takes(status) and found < budget.max_regions:
            rest = replace(budget, max_regions=budget.max_regions - found)
            advance = exactly.explore(rest, status)
            batches.append(advance.regions)
            found += len(advance.regions)
            parked.extend(advance.parked)
            if advance.unresolved:
                stuck_reason = advance.unresolved
                stuck.extend(advance.open)
            else:
                thin.extend(advance.open)
        elif exactly.takes(status):
            leave = False
        elif status == PARKED:
            parked.append(search.current())
        elif status == STUCK:
            stuck.append(search.current())
        elif status == NEEDS_SPACE and not search.grow():
            reason = search.full_reason
            break
        search.limit(budget.max_regions - found)
        if found >= budget.max_regions or thin or budget.seconds_left <= 0:
            break
        if status not in (AMBIGUOUS, THIN, STUCK):
            quota = max(10, min(1 << 30, int(quota * min(4.0, _SLICE / max(seconds, 1e-4)))))
    left = [] if status == DONE else search.pending()
    if status != DONE and not leave:
        left.insert(0, search.current())
    if stuck and not left and not found:
        # Nothing but the failure itself is left of this cube: another try is no use.
        reason = stuck_reason
    return Advance(
        cube=cube,
        regions=RegionBatch.joined(batches),
        # The loop takes the first one up next: on with the search where it stopped.
        open=(*thin, *left, *stuck),
        prefix_counts=search.prefix_counts.copy(),
        thin=np.zeros((0, packed_size(n_units)), dtype=np.uint8),
        parked=tuple(parked),
        unresolved=reason,
        decisions=exactly.added_to(search.decisions),
    )


class _Exactly:
    """What a search turns to its arbiter for."""

    def __init__(self, search: Search, arbiter: Arbiter | None) -> None:
        self._search = search
        self._arbiter = arbiter
        self._counts: Counter[str] = Counter()

    def answer(self, budget: Budget) -> bool:
        """Answer what the search asks about the cell at hand; False where time is up before."""
        questions = self._search.questions()
        if self._arbiter is None:
            self._search.answer([Verdict(None)] * len(questions))
            return True
        literals = self._search.current().literals
        bits = self._search.bits
        verdicts: list[Verdict] = []
        tried = False
        while len(verdicts) < len(questions):
            # Never before one try: the arbiter keeps what it has worked out for the next one.
            if tried and budget.seconds_left <= 0:
                return False
            question, tried = questions[len(verdicts)], True
            with contextlib.suppress(UnfinishedError):
                literals_below = bounding(literals, question.unit)
                verdicts.append(self._arbiter.settle(literals_below, bits, question))
        for question, verdict in zip(questions, verdicts, strict=True):
            self._counts["exact"] += verdict.settled
            self._counts["slivers"] += verdict.sign is Sign.CUTS and question.doubt is not Doubt.CUT
        self._search.answer(verdicts)
        return True

    def takes(self, status: int) -> bool:
        """Whether the arbiter explores the cell at which a search returned with this code."""
        return status == THIN or (status == STUCK and self._arbiter is not None)

    def explore(self, budget: Budget, status: int) -> Advance:
        """Explore the cell at hand exactly, and book what that counted."""
        search = self._search
        assert self._arbiter is not None, "only exact answers make a cell thin"
        # Of a cell in which a search got stuck nothing but the literals is sure.
        unit, layer = search.standing() if status == THIN else (0, 0)
        left = tuple(int(k) for k in search.prefix_left)
        advance = self._arbiter.explore(
            search.current(), search.bits, unit, layer, replace(budget, prefix_left=left)
        )
        search.prefix_left[:] -= advance.prefix_counts
        search.prefix_counts[:] += advance.prefix_counts
        self._counts.update(advance.decisions)
        return advance

    def added_to(self, decisions: dict[str, int]) -> dict[str, int]:
        """The counters of a search together with those of its arbiter."""
        found = Counter(self._counts)
        found.update(decisions)
        return dict(found)


def bounding(literals: Sequence[int], unit: int) -> list[int]:
    """The literals of units below `unit`, in the order of the units."""
    return sorted((k for k in literals if abs(k) <= unit), key=abs)
