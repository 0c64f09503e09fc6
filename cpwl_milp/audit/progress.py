"""How far an audit is: for people a bar or lines, for machines lines of JSON."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from cpwl_milp.audit.jobs import Job
from cpwl_milp.storage.audit_rows import Result, State

if TYPE_CHECKING:
    from rich.progress import Progress


@dataclass(frozen=True)
class Working:
    """A job at work: what, since how many seconds, and the last line of its own progress."""

    label: str
    question: str
    seconds: float
    said: str


@dataclass(frozen=True)
class AuditSnapshot:
    """The state of an audit at one moment.

    Attributes
    ----------
    done, total : int
        Distinct questions; those answered before are done.
    states : mapping of State to int
        Of the done ones.
    working : sequence of Working
    seconds : float
        Since this session began.
    left : tuple of float or None
        Seconds left: as likely, and at most (every job at its limit). None before anything is
        known.
    """

    done: int
    total: int
    states: Counter[State]
    working: Sequence[Working]
    seconds: float
    left: tuple[float, float] | None

    @property
    def failed(self) -> int:
        """How many ended without an answer that was asked for."""
        return sum(number for state, number in self.states.items() if state.failed)

    def __str__(self) -> str:
        text = f"{self.done} of {self.total} jobs, {self.failed} failed, {self.seconds:.0f} s"
        if self.left is not None and self.done < self.total:
            text += f", {time_left(self.left)}"
        return text


def time_left(left: tuple[float, float]) -> str:
    """For people, no more exact than is known."""
    likely, most = (_rounded(seconds) for seconds in left)
    return f"{likely} left" if likely == most else f"some {likely} left, at most {most}"


def _rounded(seconds: float) -> str:
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{max(1.0, seconds):.0f} s"


@dataclass
class Forecast:
    """What jobs of a question took so far, and so what is left.

    A job of a question that was not seen yet is taken for half of its limit. The likely time is a
    mean; the upper end is no quantile but a certainty: every job at its limit.
    """

    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def saw(self, job: Job, seconds: float) -> None:
        """Learn from a job that ended."""
        self.taken[job.question].append(seconds)

    def left(self, waiting: Sequence[Job], workers: int) -> tuple[float, float]:
        """Seconds until all of `waiting` are done, likely and at most."""
        means = {name: statistics.fmean(times) for name, times in self.taken.items()}
        likely = sum(means.get(job.question, job.limits.seconds / 2) for job in waiting)
        most = sum(job.limits.seconds for job in waiting)
        longest = max((job.limits.seconds for job in waiting), default=0.0)
        return min(likely, most) / workers, most / workers + longest * (workers > 1)


class AuditReporter(Protocol):
    """Told of every job that ends and often in between."""

    def ended(self, job: Job, result: Result) -> None:
        """A job has ended."""
        ...

    def update(self, snapshot: AuditSnapshot) -> None:
        """Take note of the state."""
        ...

    def finish(self, snapshot: AuditSnapshot) -> None:
        """The session is over."""
        ...


class LineReporter:
    """A line of text now and then."""

    def __init__(self, stream: TextIO, every: float = 10.0) -> None:
        self._stream = stream
        self._every = every
        self._due = time.monotonic() + every

    def ended(self, job: Job, result: Result) -> None:
        """Name jobs that fail."""
        if result.state.failed:
            line = f"{job.label}: {job.question}: {result.state}: {result.reason}"
            print(line[:400], file=self._stream, flush=True)

    def update(self, snapshot: AuditSnapshot) -> None:
        """Print a line if one is due."""
        if time.monotonic() >= self._due:
            self.finish(snapshot)

    def finish(self, snapshot: AuditSnapshot) -> None:
        """Print a line."""
        print(snapshot, file=self._stream, flush=True)
        self._due = time.monotonic() + self._every


class JsonReporter:
    """A JSON object a line: `event` is `job`, `progress` or `end`."""

    def __init__(self, stream: TextIO, every: float = 1.0) -> None:
        self._stream = stream
        self._every = every
        self._due = time.monotonic()

    def ended(self, job: Job, result: Result) -> None:
        """Tell of the job."""
        self._print(
            event="job",
            model=job.label,
            question=job.question,
            domain=job.domain,
            data=job.data,
            state=result.state.value,
            reason=result.reason,
            seconds=result.seconds,
        )

    def update(self, snapshot: AuditSnapshot) -> None:
        """Tell of the state if that is due."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + self._every
            self._print(event="progress", **_as_json(snapshot))

    def finish(self, snapshot: AuditSnapshot) -> None:
        """Tell of the last state."""
        self._print(event="end", **_as_json(snapshot))

    def _print(self, **fields: Any) -> None:
        print(json.dumps(fields), file=self._stream, flush=True)


def _as_json(snapshot: AuditSnapshot) -> dict[str, Any]:
    likely, most = snapshot.left or (None, None)
    return {
        "done": snapshot.done,
        "total": snapshot.total,
        "states": {state.value: number for state, number in snapshot.states.items()},
        "working": [vars(one) for one in snapshot.working],
        "seconds": round(snapshot.seconds, 1),
        "seconds_left": None if likely is None else round(likely, 1),
        "seconds_left_at_most": None if most is None else round(most, 1),
    }


class BarReporter:
    """A rich bar over all jobs, and a line for each at work with its own progress."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: Progress | None = None

    def ended(self, job: Job, result: Result) -> None:
        """Name jobs that fail, above the bar."""
        if result.state.failed and self._bar is not None:
            from rich.markup import escape

            line = f"{job.label}: {job.question}: {result.state}: {result.reason}"
            self._bar.console.print(escape(line[:400]), highlight=False)

    def update(self, snapshot: AuditSnapshot) -> None:
        """Redraw."""
        if self._bar is None:
            self._bar = self._started(snapshot.total)
        bar = self._bar
        left = "" if snapshot.left is None else time_left(snapshot.left)
        bar.update(
            bar.task_ids[0], completed=snapshot.done, note=f"{snapshot.failed} failed, {left}"
        )
        for place, one in enumerate(snapshot.working, start=1):
            if place == len(bar.task_ids):
                bar.add_task("", total=None, note="")
            words = f"{one.label}: {one.question}, {one.seconds:.0f} s"
            bar.update(bar.task_ids[place], description=words, note=one.said, visible=True)
        for task in bar.task_ids[1 + len(snapshot.working) :]:
            bar.update(task, visible=False)

    def finish(self, snapshot: AuditSnapshot) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _started(self, total: int) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=Console(file=self._stream),
            transient=True,
        )
        bar.add_task("jobs", total=total, note="")
        bar.start()
        return bar


def reporter(kind: str, stream: TextIO) -> AuditReporter:
    """The reporter for `auto`, `bar`, `lines` or `json`; auto is a bar on a terminal."""
    if kind == "auto":
        kind = "bar" if stream.isatty() else "lines"
    kinds: dict[str, Callable[[TextIO], AuditReporter]] = {
        "bar": BarReporter,
        "lines": LineReporter,
        "json": JsonReporter,
    }
    return kinds[kind](stream)
