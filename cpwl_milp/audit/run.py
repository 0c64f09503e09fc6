"""The loop of an audit: questions out to processes, results into the file, one at a time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from cpwl_milp.audit import applying
from cpwl_milp.audit.endings import not_run, now, result_of, tail
from cpwl_milp.audit.folder import ERRORS, OUTPUT, files_of
from cpwl_milp.audit.jobs import Job
from cpwl_milp.audit.plan import FIRST
from cpwl_milp.audit.progress import AuditReporter, AuditSnapshot, Forecast, Working
from cpwl_milp.audit.runners import Process, Runners
from cpwl_milp.enumeration.interrupts import Interrupts
from cpwl_milp.storage.audit_rows import Asked, Result, State
from cpwl_milp.storage.audit_store import AuditStore

RERUN: Mapping[str, frozenset[State]] = {
    "never": frozenset(),
    "failed": frozenset(state for state in State if state.failed),
    "incomplete": frozenset({State.INCOMPLETE, *(state for state in State if state.failed)}),
    "always": frozenset(State),
}
"""Which results are asked for again, by the name of the policy."""

_POLL_SECONDS = 0.02
_NOTE_SECONDS = 0.5


class Task(NamedTuple):
    """A distinct question.

    Attributes
    ----------
    job : Job
    key, sha256 : str
        Of the question, and of its model.
    first : str
        The key of the model's inspection.
    beside : str
        For a picture: the key of a question whose answer tells the domain's dimension, if there is
        one; else "".
    """

    job: Job
    key: str
    sha256: str
    first: str
    beside: str = ""


@dataclass
class _Work:
    """A task at work."""

    task: Task
    process: Process
    place: Path
    began: str
    said: str = ""

    def listen(self) -> None:
        """Take note of the last line of its progress."""
        lines = tail(self.place / ERRORS)
        self.said = lines[-1][:200] if lines else ""


@dataclass
class Audit:
    """One session of an audit.

    Parameters
    ----------
    folder : Path
    store : AuditStore
    runners : Runners
    reporter : AuditReporter
    """

    folder: Path
    store: AuditStore
    runners: Runners
    reporter: AuditReporter
    _states: dict[str, State] = field(default_factory=dict)
    _working: list[_Work] = field(default_factory=list)
    _forecast: Forecast = field(default_factory=Forecast)
    _began: float = field(default_factory=time.monotonic)

    def run(self, policy: str) -> bool:
        """Run what is not done, or is to be done again; False if interrupted."""
        tasks = list(distinct_tasks(self.store.jobs()))
        again = RERUN[policy]
        known = {key: s for key, s in self.store.states().items() if s not in again}
        # What was blocked is open again if its inspection is.
        self._states = {
            task.key: known[task.key]
            for task in tasks
            if task.key in known
            and not (known[task.key] is State.BLOCKED and task.first not in known)
        }
        waiting = [task for task in tasks if task.key not in self._states]
        interrupts = Interrupts()
        noted = 0.0
        try:
            with interrupts.caught():
                while (waiting or self._working) and not interrupts.requested:
                    waiting = self._begin(waiting)
                    changed = self._collect()
                    if time.monotonic() - noted > _NOTE_SECONDS:
                        noted = time.monotonic()
                        self._note_working()
                        self.reporter.update(self._snapshot(waiting, len(tasks)))
                    if not changed:
                        time.sleep(_POLL_SECONDS)
        finally:
            for work in self._working:
                work.process.stop()
            self._working.clear()
            self.store.note_running({})
            self.reporter.finish(self._snapshot(waiting, len(tasks)))
        return not interrupts.requested

    def _note_working(self) -> None:
        for work in self._working:
            work.listen()
        self.store.note_running({w.task.key: (w.began, w.said) for w in self._working})

    def _begin(self, waiting: list[Task]) -> list[Task]:
        """Start what there is room for; what still waits."""
        still: list[Task] = []
        for place, task in enumerate(waiting):
            if len(self._working) >= self.runners.room:
                return still + waiting[place:]
            gate = self._states.get(task.first)
            if any(
                k not in self._states for k in (task.first, task.beside) if k not in ("", task.key)
            ):
                still.append(task)
            elif task.key != task.first and gate is not State.COMPLETE:
                first = self.store.result(task.first)
                reason = first.reason if first is not None else ""
                self._keep(task, not_run(task.job, task.key, State.BLOCKED, f"{FIRST}: {reason}"))
            elif (why := self._not_applicable(task)) is not None:
                self._keep(task, not_run(task.job, task.key, State.NOT_APPLICABLE, why))
            else:
                self._working.append(self._started(task))
        return still

    def _not_applicable(self, task: Task) -> str | None:
        first = self.store.result(task.first) if task.job.question == "plot" else None
        if first is None or first.answer is None:
            return None
        beside = self.store.result(task.beside) if task.beside else None
        in_domain = beside.answer if beside is not None else None
        return applying.why_no_picture(task.job, first.answer, in_domain)

    def _started(self, task: Task) -> _Work:
        place = files_of(self.folder, task.key)
        before = self.store.result(task.key)
        go_on = before is None or before.state is not State.COMPLETE
        return _Work(task, self.runners.start(task.job, place, go_on=go_on), place, now())

    def _collect(self) -> bool:
        """Record what has ended; whether anything had."""
        before = len(self._working)
        for work in list(self._working):
            ending = work.process.poll()
            if ending is None:
                continue
            self._working.remove(work)
            task = work.task
            self._keep(
                task,
                result_of(
                    *(task.job, task.key, task.sha256, ending),
                    *(work.place / OUTPUT, work.place / ERRORS),
                ),
            )
            self._forecast.saw(task.job, ending.seconds)
        return len(self._working) < before

    def _keep(self, task: Task, result: Result) -> None:
        self.store.record(result)
        self._states[task.key] = result.state
        self.reporter.ended(task.job, result)

    def _snapshot(self, waiting: Sequence[Task], total: int) -> AuditSnapshot:
        jobs = [task.job for task in waiting] + [work.task.job for work in self._working]
        return AuditSnapshot(
            len(self._states),
            total,
            Counter(self._states.values()),
            [
                Working(w.task.job.label, w.task.job.question, round(w.process.seconds, 1), w.said)
                for w in self._working
            ],
            time.monotonic() - self._began,
            self._forecast.left(jobs, self.runners.room),
        )


def distinct_tasks(asked: Sequence[Asked]) -> Iterator[Task]:
    """Questions in order, each once, however many rows share it."""
    jobs = [(Job.from_json(one.job), one) for one in asked]
    first = {(job.model, job.reading): one.key for job, one in jobs if job.question == FIRST}
    told = {
        (job.model, job.reading, job.domain): one.key
        for job, one in jobs
        if job.question in ("bounds", "count")
    }
    seen: set[str] = set()
    for job, one in jobs:
        if one.key in seen:
            continue
        seen.add(one.key)
        beside = ""
        if job.question == "plot" and applying.dimension_from_elsewhere(job):
            beside = told.get((job.model, job.reading, job.domain), "")
        yield Task(job, one.key, one.sha256, first[job.model, job.reading], beside)
