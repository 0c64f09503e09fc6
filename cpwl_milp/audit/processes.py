"""One job's process: started with limits, watched, ended."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cpwl_milp.audit.jobs import Limits

# A job uses one core: libraries that would start threads of their own are told so.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_MEGABYTE = 1_000_000
# Of each stream. What prints more is out of control, and would fill the disk.
_LARGEST_STREAM = 100_000_000


@dataclass(frozen=True)
class Ending:
    """How a process ended.

    Attributes
    ----------
    exit_code : int
        Negative for a signal.
    killed_for : str
        "time", "memory" or "output" if it was stopped at a limit, else "".
    seconds, cpu_seconds : float
    peak_bytes : int
        Largest resident memory.
    """

    exit_code: int
    killed_for: str
    seconds: float
    cpu_seconds: float
    peak_bytes: int


class Confined:
    """A module run in a process of its own, under limits.

    Its output goes to files: nothing that it prints, however much, fills this process's memory or
    makes it wait.

    Parameters
    ----------
    module : str
    arguments : sequence of str
    limits : Limits
    output, errors : Path
        Where its streams go.
    folder : Path, optional
        Where it runs, if not here.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        limits: Limits,
        output: Path,
        errors: Path,
        *,
        folder: Path | None = None,
    ) -> None:
        self._limits = limits
        self._streams = (output, errors)
        self._began = time.monotonic()
        self._killed_for = ""
        self._peak = 0
        confined = (str(os.getpid()), str(limits.memory_mb))
        command = [sys.executable, "-m", "cpwl_milp.audit.child", *confined]
        environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONUNBUFFERED": "1"}
        with output.open("wb") as out, errors.open("wb") as err:
            # Its own group, so that what it starts ends with it.
            self._process = subprocess.Popen(
                [*command, module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment,
                cwd=folder,
                process_group=0,
            )

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def poll(self) -> Ending | None:
        """Enforce the limits; how it ended if it has."""
        ending = self._reaped(os.WNOHANG)
        if ending is None:
            resident = _resident_bytes(self._process.pid)
            self._peak = max(self._peak, resident)
            if self.seconds > self._limits.seconds:
                self._kill("time")
            elif resident > self._limits.memory_mb * _MEGABYTE:
                self._kill("memory")
            elif any(stream.stat().st_size > _LARGEST_STREAM for stream in self._streams):
                self._kill("output")
        return ending

    def stop(self) -> None:
        """Kill it and wait until it is gone."""
        self._kill("stop")
        self._reaped(0)

    def _kill(self, reason: str) -> None:
        self._killed_for = self._killed_for or reason
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            # Between fork and setpgid, or already gone.
            self._process.kill()

    def _reaped(self, options: int) -> Ending | None:
        pid, status, usage = os.wait4(self._process.pid, options)
        if pid == 0:
            return None
        # Told to subprocess, which would else wait for a process that is gone.
        self._process.returncode = os.waitstatus_to_exitcode(status)
        scale = 1 if sys.platform == "darwin" else 1024
        # A process starts with its parent's maximum: only what exceeds it is its own.
        inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        own = usage.ru_maxrss if usage.ru_maxrss > inherited or not self._peak else 0
        return Ending(
            self._process.returncode,
            self._killed_for,
            self.seconds,
            usage.ru_utime + usage.ru_stime,
            max(self._peak, own * scale),
        )


def _resident_bytes(pid: int) -> int:
    """Resident memory of a process and its children, where /proc tells it; else 0."""
    total, waiting = 0, [pid]
    while waiting:
        place = Path("/proc") / str(waiting.pop())
        try:
            pages = int((place / "statm").read_text(encoding="ascii").split()[1])
            for children in (place / "task").glob("*/children"):
                waiting += [int(child) for child in children.read_text(encoding="ascii").split()]
        except (OSError, IndexError):
            continue
        total += pages * os.sysconf("SC_PAGE_SIZE")
    return total
