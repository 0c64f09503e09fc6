"""The open cubes of a run in their order, while several are worked on at once.

Every advance replaces its cube by the cubes it left, in place. So the cubes that are waiting, at
work and done stand in one sequence all the time, and its order is that of a single worker: what is
taken off its front is the sequence of advances that a depth-first search makes.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from cpwl_milp.core.cube import Cube
from cpwl_milp.enumeration.work import Finding


@dataclass(frozen=True)
class Patience:
    """How an engine fared with a cube before: one that gets nowhere is given more time.

    Attributes
    ----------
    doublings : int
        How often its time was doubled.
    idle : int
        How often it handed the cube back untouched, and before its time: no want of time.
    """

    doublings: int = 0
    idle: int = 0


@dataclass(eq=False)
class Slot:
    """The place of a cube in the sequence.

    Attributes
    ----------
    cube : Cube
    patience : Patience
    begun : bool
        Somebody works on it, or has done so.
    finding : Finding or None
        What came out.
    failure : BaseException or None
        What went wrong instead.
    dropped : bool
        No longer in the sequence: its finding is not wanted.
    """

    cube: Cube
    patience: Patience = field(default_factory=Patience)
    begun: bool = False
    finding: Finding | None = None
    failure: BaseException | None = None
    dropped: bool = False

    @property
    def done(self) -> bool:
        """Whether there is anything to be had."""
        return self.finding is not None or self.failure is not None


class Schedule:
    """The sequence. Not thread-safe: whoever shares it holds a lock.

    Parameters
    ----------
    roots : sequence of Cube
        The last is the first of the sequence, as in a depth-first stack.
    least_cost : int
        An advance that waits for its turn counts for at least so many regions.
    """

    def __init__(self, roots: Sequence[Cube], least_cost: int = 1) -> None:
        # The front is the end, where a list changes at no cost.
        self._slots = [Slot(cube) for cube in roots]
        self._least_cost = least_cost
        self._n_begun = 0
        self.ahead = 0
        """Regions (or `least_cost`) of the advances that wait for their turn."""

    @property
    def front(self) -> Slot | None:
        """The slot whose turn it is; None when nothing is open."""
        return self._slots[-1] if self._slots else None

    @property
    def n_waiting(self) -> int:
        """Cubes that nobody has begun with."""
        return len(self._slots) - self._n_begun

    def earliest_waiting(self, most: int = 1, shares: int = 1) -> list[Slot]:
        """The first cubes of the sequence that nobody has begun with.

        The first of them lie deepest and hold the least: of these as many, up to `most`, as weigh
        less together than half a fair share of what waits.

        Parameters
        ----------
        most : int
        shares : int
            How many may want one.
        """
        waiting = (slot for slot in reversed(self._slots) if not slot.begun)
        if most == 1 or self.n_waiting < 2:
            return list(itertools.islice(waiting, min(1, self.n_waiting)))
        first = list(itertools.islice(waiting, min(self.n_waiting, most + shares)))
        least = min(slot.cube.depth for slot in first)
        sums = list(itertools.accumulate(2.0 ** (least - slot.cube.depth) for slot in first))
        light = bisect.bisect_right(sums, sums[-1] / (2 * shares))
        return first[: max(1, min(most, max(light, self.n_waiting // shares)))]

    def begin(self, slot: Slot) -> None:
        """Somebody works on it from now on."""
        slot.begun = True
        self._n_begun += 1

    def put_back(self, slot: Slot) -> None:
        """Nobody works on it after all."""
        if not slot.dropped:
            slot.begun = False
            self._n_begun -= 1

    def finish(self, slot: Slot, finding: Finding) -> None:
        """Note what came out, and put the cubes that are left behind it."""
        if slot.dropped:
            return
        slot.finding = finding
        self.ahead += self._cost(finding)
        if finding.advance.unresolved:
            return
        patience = _patience_after(slot, finding)
        left = [Slot(cube, patience) for cube in reversed(finding.advance.open)]
        place = next(k for k in reversed(range(len(self._slots))) if self._slots[k] is slot)
        self._slots[place:place] = left

    def fail(self, slot: Slot, failure: BaseException) -> None:
        """Note that nothing will come out."""
        slot.failure = failure

    def take(self) -> None:
        """The front has had its turn."""
        slot = self._slots.pop()
        assert slot.finding is not None
        self._n_begun -= 1
        self.ahead -= self._cost(slot.finding)

    def redo(self, slot: Slot) -> Slot:
        """Forget what came out of the front, and of all that it left; the new front."""
        depth, literals = slot.cube.depth, slot.cube.literals
        place = len(self._slots) - 1
        while place and self._slots[place - 1].cube.literals[:depth] == literals:
            place -= 1
        for each in self._slots[place:]:
            self._n_begun -= each.begun
            if each.finding is not None:
                self.ahead -= self._cost(each.finding)
            each.dropped = True
        again = Slot(slot.cube, slot.patience)
        self._slots[place:] = [again]
        return again

    def _cost(self, finding: Finding) -> int:
        return max(self._least_cost, finding.tally.n_regions)


def _patience_after(slot: Slot, finding: Finding) -> Patience:
    if not finding.untouched:
        return Patience()
    before = slot.patience
    return Patience(before.doublings + 1, before.idle + 1 if finding.in_time else 0)
