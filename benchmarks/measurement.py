"""Measurements, and the fresh process that they are made in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from benchmarks.timing import Seconds

_ROOT = Path(__file__).resolve().parent.parent
# Libraries below keep to one thread; threads of ours are asked for by `Job.jobs`.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)


@dataclass(frozen=True)
class Job:
    """What to measure.

    Attributes
    ----------
    tool : str
        A name of `benchmarks.worker.TOOLS`.
    network : str
        A name of `benchmarks.networks`.
    limit : int or None
        Stop after so many regions.
    max_seconds : float
        Stop after about so long, where the tool can.
    jobs : int
        Threads or workers, on as many cores.
    cores : int
        The number of cores where it is another; else 0.
    fresh_cache : bool
        Whether compiled kernels of earlier processes are out of sight.
    """

    tool: str
    network: str
    limit: int | None = None
    max_seconds: float = 60.0
    jobs: int = 1
    fresh_cache: bool = False
    cores: int = 0


@dataclass(frozen=True)
class Finding:
    """What a tool tells of one job.

    Attributes
    ----------
    seconds : Seconds
        Of the timed part, a median where it was repeated.
    regions : int
        Found within the timed part; all there are if `complete`.
    complete : bool
    details : dict
        What else there is to tell.
    """

    seconds: Seconds
    regions: int = 0
    complete: bool = True
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement:
    """A finding with what the process itself took.

    Attributes
    ----------
    job : Job
    wall, cpu : float
        Seconds of the timed part.
    regions : int
    complete : bool
    start_up : float
        Seconds of the process before the timed part and after it: imports, compiling or its cache.
    peak_mb : float
        Largest resident memory of the process.
    load : float
        Processes that wanted a core over the last minute, when the job began.
    round : int
        Measurements of one round belong together.
    details : dict
    error : str
        Why there is no figure.
    """

    job: Job
    wall: float = 0.0
    cpu: float = 0.0
    regions: int = 0
    complete: bool = False
    start_up: float = 0.0
    peak_mb: float = 0.0
    load: float = 0.0
    round: int = 0
    details: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def rate(self) -> float | None:
        """Regions (or points) a second of CPU time, of wall time for several threads."""
        seconds = self.cpu if self.job.jobs == 1 else self.wall
        return self.regions / seconds if seconds > 0 and self.regions else None

    @staticmethod
    def from_json(value: dict[str, Any]) -> Measurement:
        """The measurement that `dataclasses.asdict` took apart."""
        return Measurement(**{**value, "job": Job(**value["job"])})


def measured(jobs: Sequence[Job], round_number: int = 0) -> list[Measurement]:
    """Measure jobs one after the other in one fresh process; what goes wrong is told in `error`.

    All have the same `jobs` and `fresh_cache`.
    """
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        cache = {"NUMBA_CACHE_DIR": folder} if jobs[0].fresh_cache else {}
        found = _in_fresh_process(jobs, {**os.environ, **_ONE_THREAD, **cache})
    return [replace(each, round=round_number, load=load) for each in found]


def _in_fresh_process(jobs: Sequence[Job], environment: dict[str, str]) -> list[Measurement]:
    # Tools that cannot stop by themselves get some grace, then an end.
    patience = sum(3 * job.max_seconds + 60 for job in jobs)
    command = [sys.executable, "-m", "benchmarks.worker", json.dumps([asdict(j) for j in jobs])]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as answers:
        error = _error_of(command, answers, environment, patience)
        answers.seek(0)
        found = [Measurement.from_json(json.loads(line)) for line in answers]
    return found + [Measurement(job, error=error) for job in jobs[len(found) :]]


def _error_of(
    command: list[str], answers: IO[str], environment: dict[str, str], patience: float
) -> str:
    """Run a worker; why it did not answer all, or ""."""
    try:
        done = subprocess.run(
            command,
            stdout=answers,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=_ROOT,
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no end within {patience:.0f} s"
    if not done.returncode:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1][:300]
