"""The process of some measurements: ``python -m benchmarks.worker '[{"tool": ..., ...}]'``.

Prints each `Measurement` as one line of JSON; what tools print themselves goes to stderr.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict

from benchmarks.measurement import Finding, Job, Measurement

# Tool -> the module and function that take a job and return a finding.
TOOLS = {
    "cells": ("benchmarks.ours", "by_cells"),
    "tree": ("benchmarks.ours", "by_tree"),
    "count": ("benchmarks.ours", "counted"),
    "count-command": ("benchmarks.command", "count"),
    "enumerate-command": ("benchmarks.command", "enumerate_regions"),
    "threads": ("benchmarks.spread", "counted"),
    "workers": ("benchmarks.spread", "by_workers"),
    "first-answer": ("benchmarks.ours", "first_answer"),
    "bounds": ("benchmarks.everyday", "bounds"),
    "import": ("benchmarks.everyday", "import_checked"),
    "own-patterns": ("benchmarks.everyday", "own_patterns"),
    "terms": ("benchmarks.jacobians", "ours"),
    "torch-point": ("benchmarks.jacobians", "torch_point_by_point"),
    "torch-vectorized": ("benchmarks.jacobians", "torch_vectorized"),
    "torch-mapped": ("benchmarks.jacobians", "torch_mapped"),
    **{
        name: ("benchmarks.estimators", function)
        for name, function in {
            "bins": "bins",
            "bins-numpy": "bins",
            "kde": "kde",
            "kde-numpy": "kde",
            "neighbours": "neighbours",
            "neighbours-sklearn": "neighbours",
            "table": "table",
            "table-sklearn": "table",
            "propagation": "propagation",
            "region-estimates": "region_estimates",
            "plane": "plane",
        }.items()
    },
    "bracket": ("benchmarks.brackets", "count"),
    "verify": ("benchmarks.verification", "verify"),
    "textbook": ("benchmarks.textbook", "loop"),
    "relucent": ("benchmarks.relucent_walk", "walk"),
}


def main(job: Job) -> Measurement:
    """Do one job."""
    begin = time.perf_counter()
    cores = _pinned(job.cores or job.jobs)
    module, function = TOOLS[job.tool]
    tool: Callable[[Job], Finding] = getattr(importlib.import_module(module), function)
    finding = tool(job)
    return Measurement(
        job,
        wall=finding.seconds.wall,
        cpu=finding.seconds.cpu,
        regions=finding.regions,
        complete=finding.complete,
        start_up=time.perf_counter() - begin - finding.seconds.wall,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        details={**finding.details, "cores": cores},
    )


def _pinned(n_cores: int) -> list[int]:
    """Keep this process and its children on the last cores it may use, where systems can."""
    if not hasattr(os, "sched_setaffinity"):
        return []
    cores = sorted(os.sched_getaffinity(0))[-n_cores:]
    os.sched_setaffinity(0, cores)
    return cores


def answer(jobs: list[Job]) -> None:
    """Do jobs in turn, and print each answer as soon as it is there."""
    with contextlib.redirect_stdout(sys.stderr):
        for job in jobs:
            print(json.dumps(asdict(main(job))), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    answer([Job(**job) for job in json.loads(sys.argv[1])])
