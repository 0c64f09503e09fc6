"""How far an enumeration is: a bar on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress


@dataclass(frozen=True)
class Snapshot:
    """The state of a run at one moment.

    Attributes
    ----------
    closed : float
        Share of the closed cubes, 0..1.
    n_regions : int
        Listed so far, in all sessions.
    n_new : int
        Listed in this session.
    n_open : int
        Open cubes.
    seconds : float
        Since this session began.
    """

    closed: float
    n_regions: int
    n_new: int
    n_open: int
    seconds: float

    @property
    def rate(self) -> float:
        """Regions per second in this session."""
        return self.n_new / self.seconds if self.seconds > 0 else 0.0

    def __str__(self) -> str:
        return (
            f"{100 * self.closed:.4g} % closed, {self.n_regions:,} regions, "
            f"{self.rate:,.0f}/s, {self.seconds:.0f} s"
        )


class ProgressReporter(Protocol):
    """Told after each advance; decides itself how often to show it."""

    def update(self, snapshot: Snapshot) -> None:
        """Take note of the state."""
        ...

    def finish(self, snapshot: Snapshot) -> None:
        """The session is over."""
        ...


class SilentProgress:
    """Shows nothing."""

    def update(self, snapshot: Snapshot) -> None:
        """Do nothing."""

    def finish(self, snapshot: Snapshot) -> None:
        """Do nothing."""


class LineProgress:
    """A plain line every few seconds, and one at the end if there was any.

    Parameters
    ----------
    stream : TextIO
    every : float
        Seconds between lines.
    """

    def __init__(self, stream: TextIO, every: float = 5.0) -> None:
        self._stream = stream
        self._every = every
        self._due = time.monotonic() + every
        self._shown = False

    def update(self, snapshot: Snapshot) -> None:
        """Print a line if one is due."""
        if time.monotonic() >= self._due:
            self._print(snapshot)

    def finish(self, snapshot: Snapshot) -> None:
        """Print the last line, unless the run was too short for any."""
        if self._shown:
            self._print(snapshot)

    def _print(self, snapshot: Snapshot) -> None:
        print(snapshot, file=self._stream, flush=True)
        self._due = time.monotonic() + self._every
        self._shown = True


class BarProgress:
    """A rich bar of the closed share, gone when the session is over.

    Parameters
    ----------
    stream : TextIO
        A terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: Progress | None = None

    def update(self, snapshot: Snapshot) -> None:
        """Redraw (rich itself keeps to ten times a second)."""
        if self._bar is None:
            self._bar = self._started()
        self._bar.update(
            self._bar.task_ids[0],
            completed=snapshot.closed,
            regions=f"{snapshot.n_regions:,} regions",
            rate=f"{snapshot.rate:,.0f}/s",
        )

    def finish(self, snapshot: Snapshot) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _started(self) -> Progress:
        # Here, because rich is heavy and a quiet run does not need it.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        bar = Progress(
            TextColumn("{task.percentage:.4g} % closed"),
            BarColumn(),
            TextColumn("{task.fields[regions]}"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            console=Console(file=self._stream),
            transient=True,
        )
        bar.add_task("", total=1.0, regions="", rate="")
        bar.start()
        return bar


def progress_on(stream: TextIO, *, quiet: bool = False) -> ProgressReporter:
    """The reporter that suits a stream: a bar on a terminal, else plain lines."""
    if quiet:
        return SilentProgress()
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)
