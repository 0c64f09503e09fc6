"""``python -m benchmarks``: measure, and write what was found to `benchmarks/results`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import plan, relucent_walk, results
from benchmarks.measurement import Job, Measurement, measured
from benchmarks.networks import missing

_SUITES: dict[str, Callable[[int], list[plan.Group]]] = {
    "table": plan.table,
    "growth": lambda _: plan.growth(),
    "threads": plan.threads,
    "cluster": plan.cluster,
    "everyday": lambda _: plan.everyday(),
    "terms": plan.terms,
    "information": plan.information,
    "large": lambda _: plan.large(),
    "brackets": lambda _: plan.every_network(),
    "verification": lambda _: plan.every_property(),
}
# `large` takes an hour and needs some 20 GB of disk; `brackets` takes a minute a public network,
# `verification` some seconds a public property.
_DEFAULT = ("threads", "cluster", "table", "everyday", "growth", "terms", "information")


def main() -> None:
    """Measure the suites asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(_SUITES))
    parser.add_argument("--quick", action="store_true", help="a few small jobs; nothing is written")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=results.FOLDER, metavar="FOLDER")
    arguments = parser.parse_args()
    unknown = set(arguments.suites) - set(_SUITES)
    if unknown:
        parser.error(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(_SUITES)}")
    if not relucent_walk.installed():
        print("relucent is not installed here: `make bench` has an environment with it")
    for first in plan.FIRST_ANSWERS:
        # Compiles what is not in the cache yet, so that nothing measured below does.
        measured([Job("first-answer", first)])
    if arguments.quick:
        run("quick", plan.quick(), None)
        return
    for name in arguments.suites or _DEFAULT:
        run(name, _SUITES[name](arguments.rounds), arguments.results / f"{name}.json")


def run(name: str, groups: list[plan.Group], path: Path | None) -> None:
    """Measure groups of jobs; write the results after each where a path is given."""
    begin = time.monotonic()
    machine = results.this_machine()
    found: list[Measurement] = []
    for group in groups:
        for number, jobs in group.in_turn():
            for each in _measured(jobs, number):
                print(f"{name}: {_line(each)}", flush=True)
                found.append(each)
        if path is not None:
            results.write(path, results.Results(machine, tuple(found)))
    print(f"{name}: {time.monotonic() - begin:.0f} s in all", file=sys.stderr)


def _measured(jobs: tuple[Job, ...], number: int) -> list[Measurement]:
    file = next((file for job in jobs if (file := missing(job.network))), "")
    if file:
        error = f"skipped: {file} is not beside the checkout"
        return [Measurement(job, round=number, error=error) for job in jobs]
    return measured(jobs, number)


def _line(found: Measurement) -> str:
    job = found.job
    asked = f"{job.tool} {job.network}" + (f" --jobs {job.jobs}" if job.jobs > 1 else "")
    if found.error:
        return f"{asked}: {found.error}"
    took = f"{found.wall:.4g} s ({found.cpu:.4g} s CPU)"
    if not found.regions:
        return f"{asked}: {took}"
    all_or_first = "all" if found.complete else "first"
    return f"{asked}: {all_or_first} {found.regions:,} in {took}, {found.rate or 0:,.0f}/s"


if __name__ == "__main__":
    main()
