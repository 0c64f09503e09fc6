"""Who runs the processes of an audit: this machine, or whoever else offers to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cpwl_milp.audit.folder import ERRORS, OUTPUT, cleared
from cpwl_milp.audit.jobs import QUESTIONS, Job
from cpwl_milp.audit.processes import Confined, Ending

PROGRAM = "cpwl_milp.cli"
"""The module that is run with the command line of a job."""

# A search is told to stop this long before its process is killed, or at half of a short limit: what
# is found must still be summed up.
_SECONDS_TO_END = 10.0


class Process(Protocol):
    """A job's process."""

    @property
    def seconds(self) -> float:
        """Since it was ordered."""
        ...

    def poll(self) -> Ending | None:
        """How it ended if it has."""
        ...

    def stop(self) -> None:
        """End it, whatever it does."""
        ...


class Runners(Protocol):
    """Whoever runs processes."""

    @property
    def room(self) -> int:
        """How many at a time; it may change."""
        ...

    def start(self, job: Job, place: Path, *, go_on: bool) -> Process:
        """Start the process of a job.

        Parameters
        ----------
        job : Job
        place : Path
            Takes its files.
        go_on : bool
            Whether what a job left there that was cut off may be taken up.
        """
        ...


@dataclass(frozen=True)
class Here:
    """Processes of this machine.

    Attributes
    ----------
    room : int
    program : str
    """

    room: int = 1
    program: str = PROGRAM

    def start(self, job: Job, place: Path, *, go_on: bool) -> Confined:
        """Start the process of a job."""
        return launched(self.program, job, place, go_on=go_on)


def launched(
    program: str, job: Job, place: Path, *, go_on: bool, folder: Path | None = None
) -> Confined:
    """Start the process of a job on this machine.

    Parameters
    ----------
    program : str
    job : Job
    place : Path
    go_on : bool
        As `Runners.start` takes them.
    folder : Path, optional
        Where it runs, if not here.
    """
    command = continued(job, place) if go_on else None
    if command is None:
        command = job.command(cleared(place))
    arguments = [*command, *_limits(job), "--json"]
    return Confined(program, arguments, job.limits, place / OUTPUT, place / ERRORS, folder=folder)


def continued(job: Job, place: Path) -> list[str] | None:
    """The command that goes on with an enumeration begun before; None if none was."""
    run = place / "run"
    if not (run / "run.json").is_file():
        return None
    return ["enumerate", job.model, "--resume", str(run)]


def _limits(job: Job) -> list[str]:
    if not QUESTIONS[job.question].stops:
        return []
    seconds = job.limits.seconds
    found = [f"--max-seconds={max(0.5 * seconds, seconds - _SECONDS_TO_END):g}"]
    if job.limits.max_regions is not None:
        found.append(f"--max-regions={job.limits.max_regions}")
    return found
