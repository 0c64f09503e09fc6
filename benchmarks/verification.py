"""What `verify` says within a minute of every public property, beside the published answers."""

from __future__ import annotations

import csv
import importlib
import json
import statistics
from collections.abc import Iterable

import click.testing

from benchmarks.markdown import markdown
from benchmarks.measurement import Finding, Job, Measurement
from benchmarks.networks import SHARED_MODELS
from benchmarks.results import Results
from benchmarks.timing import timed
from cpwl_milp.cli import main

TOOL = "verify"
_SECONDS = 60.0
# What the published answers call what.
_STATUS = {"sat": "violated", "unsat": "holds"}


def jobs() -> list[tuple[Job, ...]]:
    """Every property with a published answer, family by family."""
    found: dict[str, list[Job]] = {}
    for name in _published():
        found.setdefault(_family(name), []).append(Job(TOOL, name, max_seconds=_SECONDS))
    return [tuple(each) for each in found.values()]


def _published() -> dict[str, str]:
    """``model@property`` and what it was found to be."""
    listed = SHARED_MODELS / "expected.csv"
    if not listed.is_file():
        return {}
    rows = csv.DictReader(listed.read_text(encoding="utf-8").splitlines())
    return {f"{row['model']}@{row['vnnlib']}": _STATUS[row["expected"]] for row in rows}


def verify(job: Job) -> Finding:
    """``cpwl-milp verify``, and what it says."""
    model, _, prop = job.network.partition("@")
    arguments = ["verify", str(SHARED_MODELS / model), str(SHARED_MODELS / prop), "--json"]
    arguments += ["--max-seconds", str(job.max_seconds)]
    # Imports are no part of an answer.
    importlib.import_module("cpwl_milp.onnx_io")
    importlib.import_module("cpwl_milp.verification")
    seconds, said = timed(lambda: click.testing.CliRunner().invoke(main, arguments))
    if said.exit_code not in (0, 3):
        raise SystemExit(said.stderr.strip().splitlines()[-1].removeprefix("error: "))
    answer = json.loads(said.stdout)
    found = answer["counterexample"]
    details = {
        "published": _published()[job.network],
        **{key: answer[key] for key in ("status", "method", "proof", "seconds", "work")},
        "rerun_violates": found and found["rerun"]["violates"],
    }
    return Finding(seconds, 0, answer["status"] != "unknown", details)


def table(found: Results) -> str:
    """A row a family, and one for each folder and for all."""
    measured = [each for each in found.measurements if not each.error]
    families = list(dict.fromkeys(_family(each.job.network) for each in measured))
    rows = [_row(f, (m for m in measured if _family(m.job.network) == f)) for f in families]
    for folder in dict.fromkeys(name.partition("/")[0] for name in families):
        within = (m for m in measured if m.job.network.startswith(f"{folder}/"))
        rows.append(_row(f"all of {folder}/", within))
    head = ["family", "properties", "answered", "as published", "holds", "proved", "violated"]
    head += ["violated in onnxruntime", "median s", "largest s"]
    return markdown(head, [*rows, _row("all", measured)] if rows else [])


def _family(name: str) -> str:
    return "/".join(name.split("/")[:2])


def _row(name: str, measured: Iterable[Measurement]) -> list[str]:
    those = list(measured)
    of = [each.details for each in those]
    answered = [each for each in of if each["status"] != "unknown"]
    seconds = [each.cpu for each in those]
    counts = [
        len(of),
        len(answered),
        sum(each["status"] == each["published"] for each in answered),
        sum(each["status"] == "holds" for each in of),
        sum(each["proof"] == "rounding-safe" for each in of),
        sum(each["status"] == "violated" for each in of),
        sum(bool(each["rerun_violates"]) for each in of),
    ]
    times = [f"{statistics.median(seconds):.2f}", f"{max(seconds):.1f}"]
    return [name, *map(str, counts), *times]
