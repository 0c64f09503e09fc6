"""Advances in the order of their cubes, made by one worker or ahead of their turn by several.

Whoever is done takes the earliest cube that waits. An advance hands back all siblings along its
path, deep ones first, and is short while fewer cubes wait than there are workers; so there are
always some large ones. What comes out before its turn waits, up to a bound, beyond which only the
front is worked on: memory stays flat. What is seen from outside (rows, journal, limits, progress)
is the run of one worker.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Executor, Future
from functools import partial

from cpwl_milp.enumeration.interrupts import Interrupts
from cpwl_milp.enumeration.limits import Pace
from cpwl_milp.enumeration.schedule import Schedule, Slot
from cpwl_milp.enumeration.session import Session
from cpwl_milp.enumeration.work import Finding, Work
from cpwl_milp.enumeration.workers import Workers

# What small advances that wait for their turn count at least, as a share of a full one.
_LEAST_SHARE = 1 / 64


class Advances:
    """The source of advances for the loop.

    Parameters
    ----------
    session : Session
        Its frontier's open cubes are where to begin.
    work : Work
    interrupts : Interrupts
    workers : Workers
        Not called before it is clear that they are needed.
    """

    def __init__(
        self,
        session: Session,
        work: Work,
        interrupts: Interrupts,
        workers: Workers,
    ) -> None:
        regions = session.pace.regions
        self._session = session
        self._work = work
        self._interrupts = interrupts
        self._schedule = Schedule(session.frontier.open, max(1, int(regions * _LEAST_SHARE)))
        self._workers = workers
        self._executor: Executor | None = None
        # Held by whoever looks at the schedule or changes it, workers that are done included.
        self._lock = threading.Lock()
        self._n_busy = 0
        self._begun = False
        self._closing = False
        self._fault: BaseException | None = None
        # Wakes the loop; a Ctrl-C may break in while it waits there, and nowhere else.
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()

    def next(self) -> Finding | None:
        """The advance of the front, booked; None if Ctrl-C came first.

        Raises
        ------
        CheckFailedError
            As `Session.take`.
        Exception
            Whatever the engine or a sink raised on this cube.
        """
        slot = self._front()
        if self._executor is None:
            if not (self._workers.several and self._begun):
                # What is done by one short advance is not worth a second worker.
                self._begun = True
                self._schedule.begin(slot)
                return self._alone(slot)
            self._executor = self._workers.executor(self._work)
            self._feed()
        while not slot.done:
            if not slot.begun:
                self._feed()
            if self._nobody_for(slot):
                return self._alone(slot)
            self._wait()
            if self._interrupts.requested:
                return None
        if slot.finding is not None and not self._session.fits(slot.finding.tally):
            # A limit was nearer than it seemed when this was begun. Now its budget is known.
            with self._lock:
                slot = self._schedule.redo(slot)
                self._schedule.begin(slot)
            return self._alone(slot)
        return self._taken(slot)

    def rest(self) -> Finding | None:
        """After a stop: the next advance that was begun before it; None when there is no more."""
        with self._lock:
            self._closing = True
        slot = self._schedule.front
        if self._executor is None or slot is None or not slot.begun:
            return None
        while not slot.done:
            if self._interrupts.insistent:
                return None
            self._wait()
        if slot.finding is not None and not self._session.fits(slot.finding.tally):
            return None
        return self._taken(slot)

    def close(self) -> None:
        """Let the workers go; what they still do is dropped."""
        with self._lock:
            self._closing = True
        if self._executor is not None:
            self._executor.shutdown(wait=not self._interrupts.insistent, cancel_futures=True)

    def _front(self) -> Slot:
        slot = self._schedule.front
        assert slot is not None, "the loop asks only while cubes are open"
        return slot

    @property
    def _pace(self) -> Pace:
        return self._session.pace.among(self._workers.slots)

    def _nobody_for(self, slot: Slot) -> bool:
        """Whether no worker is left for the front, nor anybody who would be one soon; begin it."""
        with self._lock:
            if slot.begun or self._n_busy or self._workers.slots:
                return False
            self._schedule.begin(slot)
            return True

    def _alone(self, slot: Slot) -> Finding | None:
        """Work on the front, which is begun with, here and now."""
        pace = self._pace
        if self._workers.several and self._executor is None:
            pace = pace.short
        finding = None
        with self._interrupts.in_engine():
            (finding,) = self._work((slot.cube,), self._session.budget(slot.patience, pace))
        with self._lock:
            if finding is None:
                self._schedule.put_back(slot)
                return None
            self._schedule.finish(slot, finding)
        return self._taken(slot)

    def _taken(self, slot: Slot) -> Finding:
        """Book what came out of the front, and go on to the next."""
        if slot.failure is not None:
            raise slot.failure
        assert slot.finding is not None
        self._session.take(slot.finding, slot.patience)
        with self._lock:
            self._schedule.take()
        # There is room for one more advance that waits for its turn.
        self._feed()
        return slot.finding

    def _wait(self) -> None:
        """Wait until a worker is done, or Ctrl-C says that it has come for the second time."""
        with self._interrupts.in_engine():
            self._news.get()
        if self._fault is not None:
            raise self._fault

    def _feed(self) -> None:
        """Give every free worker the earliest cube that waits; called by whoever is done."""
        while (executor := self._executor) is not None:
            with self._lock:
                slots = self._next_to_begin()
                if not slots:
                    return
                pace = self._pace
                if self._schedule.n_waiting < self._workers.n:
                    pace = pace.short
                for slot in slots:
                    self._schedule.begin(slot)
                self._n_busy += 1
                budget = self._session.budget(slots[0].patience, pace)
                future = executor.submit(self._work, tuple(slot.cube for slot in slots), budget)
            # Without the lock: a worker that is done already calls back here and now.
            future.add_done_callback(partial(self._finished, slots))

    def _next_to_begin(self) -> list[Slot]:
        """The earliest cubes that wait; none if no worker is free, or too much is done already."""
        schedule, workers = self._schedule, self._workers
        if self._closing or self._n_busy >= workers.slots:
            return []
        slots = schedule.earliest_waiting(workers.most_cubes, workers.slots)
        pace = self._pace
        ahead = schedule.ahead + (self._n_busy + 1) * pace.regions
        if ahead > pace.most_ahead(workers.slots):
            # No further, but for the front itself.
            return [slot for slot in slots if slot is schedule.front]
        # One that needs its time alone is not put behind others.
        alone = (k for k, slot in enumerate(slots) if k and slot.patience.doublings)
        return slots[: next(alone, len(slots))]

    def _finished(self, slots: list[Slot], future: Future[tuple[Finding, ...]]) -> None:
        """A worker is done: called in its thread."""
        try:
            with self._lock:
                self._n_busy -= 1
                if future.cancelled():
                    return
                failure = future.exception()
                findings = future.result() if failure is None else ()
                for slot, finding in zip(slots, findings, strict=False):
                    self._schedule.finish(slot, finding)
                if failure is not None:
                    # Raised in the loop, when it is this cube's turn.
                    self._schedule.fail(slots[0], failure)
                for slot in slots[max(1, len(findings)) :]:
                    self._schedule.put_back(slot)
            self._feed()
        except BaseException as fault:
            # Nobody would hear of it, and the loop would wait for ever.
            self._fault = fault
        finally:
            self._news.put(None)
