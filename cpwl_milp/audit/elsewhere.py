"""Jobs of an audit by the workers of a cluster, which share a file system with this machine."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cpwl_milp.audit import warming
from cpwl_milp.audit.folder import ERRORS, FILES, OUTPUT
from cpwl_milp.audit.jobs import QUESTIONS, Job
from cpwl_milp.audit.processes import Ending
from cpwl_milp.audit.runners import PROGRAM, launched
from cpwl_milp.cluster.calls import Calls
from cpwl_milp.cluster.connection import Cluster
from cpwl_milp.cluster.wanted import still_wanted
from cpwl_milp.core.errors import InputError, RunFolderError
from cpwl_milp.storage.lock import FolderLock

_TOKEN = "token"
_POLL_SECONDS = 0.02
_LOOK_SECONDS = 0.5
# Directories that another machine has written to may be seen late.
_SHARED_SECONDS = 60.0
_warming = threading.Lock()


@cache
def _warm_once() -> None:
    """Have the engines compiled on this machine, before a job's time begins."""
    if not warming.compiled():
        warming.warm()


@dataclass(frozen=True)
class Ended:
    """How a process ended, and how large its streams are, by which they are known to have come."""

    ending: Ending
    sizes: tuple[int, int]


@dataclass
class RunsJobs:
    """Runs jobs of one audit; sent to each worker once.

    Parameters
    ----------
    program : str
    here : Path
        Where the audit was started: paths of jobs may be relative to it.
    files : Path
        The audit's folder of files, absolute.
    token : str
        What a file there says.
    patience : float
        Seconds after which a worker that does not see that file never will.
    """

    program: str
    here: Path
    files: Path
    token: str
    patience: float = 5.0
    _stopped: bool = field(default=False, init=False)

    def stop(self) -> None:
        """End what runs in this process, at home."""
        self._stopped = True

    def __call__(self, asked: Mapping[str, Any], name: str, go_on: bool) -> Ended | None:
        """Run a job; None if nobody wants it any more.

        Parameters
        ----------
        asked : mapping
            The job, as JSON.
        name : str
            Of its folder in the audit's.
        go_on : bool
            As `Runners.start` takes it.
        """
        self._require_shared()
        job, place = Job.from_json(asked), self.files / name
        if QUESTIONS[job.question].stops:
            with _warming:
                _warm_once()
        with self._alone(place) as alone:
            if not alone:
                return None
            process = launched(self.program, job, place, go_on=go_on, folder=self.here)
            looked = time.monotonic()
            while (ending := process.poll()) is None:
                if time.monotonic() - looked > _LOOK_SECONDS or self._stopped:
                    looked = time.monotonic()
                    if not self._wanted():
                        process.stop()
                        return None
                time.sleep(_POLL_SECONDS)
        return Ended(ending, _sizes(place))

    def _wanted(self) -> bool:
        return not self._stopped and still_wanted()

    @contextmanager
    def _alone(self, place: Path) -> Iterator[bool]:
        """Hold the job's folder alone: a worker that was given up may still be at it."""
        lock: FolderLock | None = None
        while lock is None and self._wanted():
            try:
                lock = FolderLock(place.with_name(f"{place.name}.lock"))
            except RunFolderError:
                time.sleep(_LOOK_SECONDS)
        try:
            yield lock is not None
        finally:
            if lock is not None:
                lock.release()

    def _require_shared(self) -> None:
        end = time.monotonic() + self.patience
        while (why := self._why_not_shared()) and time.monotonic() < end:
            time.sleep(_LOOK_SECONDS)
        if why:
            raise InputError(
                "--cluster",
                f"the worker on {socket.gethostname()} {why}",
                "models, data and the audit's folder under the same paths for all workers",
                "a file system that they share",
            )

    def _why_not_shared(self) -> str:
        if not self.here.is_dir():
            return f"sees no folder {self.here}"
        try:
            seen = (self.files / _TOKEN).read_text(encoding="ascii")
        except (OSError, ValueError):
            return f"does not see {self.files}"
        return "" if seen == self.token else f"sees another {self.files}"


class RemoteProcess:
    """A job given to a cluster.

    Parameters
    ----------
    answer : Future
        Of `Ended`.
    place : Path
    """

    def __init__(self, answer: Future[Ended | None], place: Path) -> None:
        self._answer = answer
        self._place = place
        self._began = time.monotonic()
        self._told = 0.0

    @property
    def seconds(self) -> float:
        """Since it was ordered."""
        return time.monotonic() - self._began

    def poll(self) -> Ending | None:
        """How it ended if it has, once its files are there.

        Raises
        ------
        CpwlError
            If a worker cannot run jobs of this audit.
        """
        if not self._answer.done():
            return None
        self._told = self._told or time.monotonic()
        try:
            ended = self._answer.result()
        except RuntimeError as error:
            raise InputError("--cluster", f"a worker could not run a job: {error}") from None
        assert ended is not None, "only what was dropped ends without an ending"
        if _sizes(self._place) != ended.sizes:
            if time.monotonic() - self._told < _SHARED_SECONDS:
                return None
            raise InputError(
                "--cluster", f"{self._place}: what a worker wrote is not seen here", "its files"
            )
        return ended.ending

    def stop(self) -> None:
        """Nothing: closing the runners drops all that is at work."""


class Elsewhere:
    """Runners on a cluster: as many jobs at a time as its workers have threads.

    Parameters
    ----------
    cluster : Cluster
    folder : Path
        Of the audit.
    program : str
    patience : float
        Seconds without any worker after which jobs are run here.

    Attributes
    ----------
    files : Path
        Where jobs' files lie, absolute.
    """

    def __init__(
        self, cluster: Cluster, folder: Path, program: str = PROGRAM, patience: float = 15.0
    ) -> None:
        self.files = folder.resolve() / FILES
        self.files.mkdir(exist_ok=True)
        token = secrets.token_hex(16)
        (self.files / _TOKEN).write_text(token, encoding="ascii")
        away, self._at_home = (RunsJobs(program, Path.cwd(), self.files, token) for _ in range(2))
        self._calls = Calls(cluster, away, self._at_home, patience=patience)

    @property
    def room(self) -> int:
        """One job a thread; one where nobody is there just now."""
        return max(1, self._calls.threads)

    def start(self, job: Job, place: Path, *, go_on: bool) -> RemoteProcess:
        """Order a job."""
        return RemoteProcess(self._calls.submit(job.to_json(), place.name, go_on), place)

    def close(self) -> None:
        """Drop all that is at work; its processes are killed."""
        self._at_home.stop()
        self._calls.close()


def _sizes(place: Path) -> tuple[int, int]:
    try:
        return (place / OUTPUT).stat().st_size, (place / ERRORS).stat().st_size
    except OSError:
        return -1, -1
