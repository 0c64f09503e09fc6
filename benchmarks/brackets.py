"""What `count` says within a minute of every public network: a count, or a bracket."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import click.testing

from benchmarks.markdown import markdown
from benchmarks.measurement import Finding, Job, Measurement
from benchmarks.networks import SHARED_MODELS
from benchmarks.results import Results
from benchmarks.timing import timed
from cpwl_milp.cli import main

TOOL = "bracket"
_SECONDS = 60.0


def jobs() -> tuple[Job, ...]:
    """Every public network, on the inputs of its first property if it has any."""
    first: dict[str, str] = {}
    listed = SHARED_MODELS / "expected.csv"
    if listed.is_file():
        for row in csv.DictReader(listed.read_text(encoding="utf-8").splitlines()):
            first.setdefault(row["model"], row["vnnlib"])
    models = sorted(str(file.relative_to(SHARED_MODELS)) for file in SHARED_MODELS.rglob("*.onnx"))
    named = (f"{model}@{first[model]}" if model in first else model for model in models)
    return tuple(Job(TOOL, name, max_seconds=_SECONDS) for name in named)


def count(job: Job) -> Finding:
    """``cpwl-milp count``, and what it says."""
    model, _, inputs = job.network.partition("@")
    domain = ["--vnnlib", str(SHARED_MODELS / inputs)] if inputs else ["--box", "-1,1"]
    arguments = ["count", str(SHARED_MODELS / model), *domain, "--json"]
    arguments += ["--strip-output", "--max-seconds", str(job.max_seconds)]
    seconds, said = timed(lambda: click.testing.CliRunner().invoke(main, arguments))
    if said.exit_code not in (0, 3):
        raise SystemExit(_told(said.stderr, SHARED_MODELS / model))
    notes = [line for line in said.stderr.splitlines() if line.startswith("note: ")]
    answer = json.loads(said.stdout)
    estimate = answer["estimate"]
    details = {
        "engine": answer["engine"],
        "log10_lower": _log10(answer["lower"]),
        "log10_upper": _log10(answer["upper"]),
        "log10_estimate": estimate and estimate["log10"],
        "log10_interval": estimate and estimate["log10_interval"],
        "notes": notes,
    }
    # A count has more digits than JSON readers take; its logarithm does.
    regions = answer["lower"] if answer["complete"] else 0
    return Finding(seconds, regions, answer["complete"], details)


def _told(error: str, model: Path) -> str:
    """What was found wrong, in short: the table names the file, and the command what to do."""
    line = error.strip().splitlines()[-1].removeprefix("error: ")
    return line.removeprefix(str(model)).lstrip(",: ").partition("; expected")[0]


def _log10(count: int | None) -> float | None:
    return None if count is None else math.log10(max(count, 1))


def table(found: Results) -> str:
    """Lower end, estimate and upper end by network; then what was refused, and why."""
    answered = markdown(
        ["network", "inputs of", "count", "lower", "estimate", "95 % interval", "upper", "seconds"],
        [_row(each) for each in found.measurements if not each.error],
    )
    refused = [f"- `{each.job.network}`: {each.error}" for each in found.measurements if each.error]
    return "\n\n".join(part for part in (answered, "\n".join(refused)) if part)


def _row(found: Measurement) -> list[str]:
    model, _, inputs = found.job.network.partition("@")
    name = [model.removesuffix(".onnx"), inputs.rpartition("/")[2] or "[-1, 1]^n"]
    of = found.details
    if found.complete:
        exact = _digits(of["log10_lower"])
        return [*name, f"{found.regions:,}", exact, "-", "-", exact, f"{found.wall:.1f}"]
    interval = of["log10_interval"]
    between = "-" if interval is None else f"{interval[0]:.2f} .. {interval[1]:.2f}"
    ends = [_digits(of["log10_lower"]), _digits(of["log10_estimate"]), between]
    return [*name, "-", *ends, _digits(of["log10_upper"]), f"{found.wall:.1f}"]


def _digits(log10: float | None) -> str:
    return "-" if log10 is None else f"{log10:.2f}"
