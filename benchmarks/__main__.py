"""``python -m benchmarks``: the table."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from benchmarks.networks import TABLE, he_network
from benchmarks.textbook import textbook_rate
from cpwl_milp import Box, Problem, pre_activation_bounds
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import ROOT
from cpwl_milp.core.exploration import Budget, Engine
from cpwl_milp.engines.cells import MOST_INPUTS, CellsEngine
from cpwl_milp.engines.tree import TreeEngine

_ENGINES: dict[str, Callable[[Problem, Bounds], Engine]] = {
    "cells": CellsEngine,
    "tree": TreeEngine,
}
_TEXTBOOK = ("2-16-16", "4-16-16")


def _once(engine: Engine) -> tuple[int, float]:
    """Regions and CPU seconds of one whole enumeration, patterns handed over."""
    todo, found, begin = [ROOT], 0, time.process_time()
    while todo:
        advance = engine.advance(todo.pop(), Budget(50_000, time.monotonic() + 60))
        found += len(advance.regions)
        todo.extend(reversed(advance.open))
    return found, time.process_time() - begin


def main() -> None:
    """Time all engines in alternating rounds and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two small networks, one round")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    names = ["2-16-16", "4-16-16"] if arguments.quick else list(TABLE)
    rounds = 1 if arguments.quick else arguments.rounds
    print("| network | regions | cells, regions/s | tree, regions/s | textbook loop, regions/s |")
    print("|---|--:|--:|--:|--:|")
    for name in names:
        n_inputs, widths = TABLE[name]
        network, box = he_network(n_inputs, widths), Box.uniform(-1, 1, n_inputs)
        problem = Problem.of(network, box)
        bounds = pre_activation_bounds(network, box)
        engines = {
            key: make(problem, bounds)
            for key, make in _ENGINES.items()
            if key == "tree" or n_inputs <= MOST_INPUTS
        }
        for engine in engines.values():
            _once(engine)  # compiles
        times: dict[str, list[float]] = {key: [] for key in engines}
        counts = set()
        for _ in range(rounds):
            for key, engine in engines.items():
                count, seconds = _once(engine)
                counts.add(count)
                times[key].append(seconds)
        if len(counts) > 1:
            raise SystemExit(f"{name}: the engines disagree: {sorted(counts)}")
        regions = counts.pop()
        rates = {key: f"{regions / statistics.median(t):,.0f}" for key, t in times.items()}
        textbook = "-"
        if name in _TEXTBOOK:
            found, seconds = textbook_rate(network, box, 2.0 if arguments.quick else 20.0)
            textbook = f"{found / seconds:.1f} (first {found})"
        print(
            f"| {name} | {regions:,} | {rates.get('cells', '-')} | {rates['tree']} | {textbook} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
