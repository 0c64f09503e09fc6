"""Results on the disk: what was measured, on which machine, of which sources."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.measurement import Job, Measurement

FOLDER = Path(__file__).resolve().parent / "results"
_PACKAGES = ("numpy", "numba", "highspy", "relucent", "torch")


@dataclass(frozen=True)
class Results:
    """The measurements of one suite.

    Attributes
    ----------
    machine : dict of str to str
        Processor, cores, Python, versions of what matters, the commit.
    measurements : tuple of Measurement
    """

    machine: dict[str, str]
    measurements: tuple[Measurement, ...]

    def of(self, tool: str, network: str, jobs: int = 1) -> list[Measurement]:
        """The measurements of a tool on a network, one a round."""
        return [
            m
            for m in self.measurements
            if (m.job.tool, m.job.network, m.job.jobs) == (tool, network, jobs)
        ]

    def one(self, job: Job) -> Measurement | None:
        """The first measurement of a job."""
        return next((m for m in self.measurements if m.job == job), None)


def write(path: Path, results: Results) -> None:
    """Write a suite's results, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    # A line a measurement, so that versions can be compared.
    lines = ",\n".join(json.dumps(asdict(each)) for each in results.measurements)
    machine = json.dumps(results.machine)
    text = f'{{"machine": {machine},\n"measurements": [\n{lines}\n]}}\n'
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def read(path: Path) -> Results:
    """Read a suite's results; none at all where the file is absent."""
    if not path.is_file():
        return Results({}, ())
    value = json.loads(path.read_text(encoding="utf-8"))
    return Results(value["machine"], tuple(map(Measurement.from_json, value["measurements"])))


def this_machine() -> dict[str, str]:
    """What the figures depend on."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        **{name: version for name in _PACKAGES if (version := _version(name))},
        "commit": _commit(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(
            asked, capture_output=True, text=True, cwd=FOLDER.parent, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()
