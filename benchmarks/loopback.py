"""A Dask scheduler and workers as processes of their own on the loopback interface."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

_ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = 60.0
_DASK = [sys.executable, "-m", "dask"]
_HERE = ("--host", "127.0.0.1", "--no-dashboard")


@dataclass
class Loopback:
    """A scheduler with some workers of one thread. A context manager: leaving it ends them.

    Parameters
    ----------
    folder : Path
        Takes the scheduler's file, and what the processes say.
    n_workers : int
    settings : dict of str to str
        Of Dask, by the names of its environment variables.
    """

    folder: Path
    n_workers: int
    settings: dict[str, str] = field(default_factory=dict)
    scheduler: subprocess.Popen[bytes] = field(init=False)
    workers: list[subprocess.Popen[bytes]] = field(init=False, default_factory=list)

    @property
    def file(self) -> Path:
        """Where the scheduler wrote its address."""
        return self.folder / "scheduler.json"

    @property
    def address(self) -> str:
        """The scheduler's address."""
        found: str = json.loads(self.file.read_text(encoding="utf-8"))["address"]
        return found

    def __enter__(self) -> Loopback:
        arguments = ("--port", "0", "--scheduler-file", str(self.file))
        self.scheduler = self._started("scheduler", *_HERE, *arguments)
        try:
            for _ in range(self.n_workers):
                self.add_worker()
            self.wait(self.n_workers)
        except BaseException:
            self.stop()
            raise
        return self

    def add_worker(self) -> None:
        """Start one more worker, without waiting for it."""
        place = self.folder / f"worker-{len(self.workers)}"
        arguments = ("--scheduler-file", str(self.file), "--local-directory", str(place))
        more = ("--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--death-timeout", "60")
        self.workers.append(self._started("worker", *_HERE, *arguments, *more))

    def kill_worker(self) -> None:
        """Kill the first worker, without any warning, and forget it."""
        worker = self.workers.pop(0)
        worker.kill()
        worker.wait()

    def stop(self) -> None:
        """End all processes."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _started(self, *arguments: str) -> subprocess.Popen[bytes]:
        said = self.folder / f"{arguments[0]}-{time.monotonic_ns()}.txt"
        with said.open("wb") as stream:
            return subprocess.Popen(
                [*_DASK, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=_ROOT,
                env={**os.environ, **self.settings},
                # A Ctrl-C in the terminal is for who uses them.
                start_new_session=True,
            )

    def wait(self, n_workers: int) -> None:
        """Wait until the scheduler knows so many workers."""
        from distributed import Client

        end = time.monotonic() + _PATIENCE
        while not self.file.is_file():
            _require(self.scheduler, end)
        with Client(scheduler_file=str(self.file), set_as_default=False) as client:
            client.wait_for_workers(n_workers, timeout=_PATIENCE)


def _require(process: subprocess.Popen[bytes], end: float) -> None:
    if process.poll() is not None or time.monotonic() > end:
        raise RuntimeError(f"no scheduler: exit status {process.poll()}")
    time.sleep(0.02)


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """CPU time of a process that runs, its threads and itself."""
    ticks = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def watched(processes: dict[str, subprocess.Popen[bytes]]) -> Iterator[dict[str, float]]:
    """CPU time of each process within, there when the block has ended."""
    before = {name: cpu_seconds(process) for name, process in processes.items()}
    spent: dict[str, float] = {}
    yield spent
    for name, process in processes.items():
        spent[name] = cpu_seconds(process) - before[name]
