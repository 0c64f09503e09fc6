"""Speeds on degenerate networks beside the generic ones of the same shape.

``python -m benchmarks.degenerate`` prints a line a network: regions, CPU time (the median of three
runs after one that loads the kernels), regions a second, questions to exact arithmetic.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from benchmarks.networks import Chain, chain
from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.affine import Affine
from cpwl_milp.core.cube import ROOT
from cpwl_milp.core.domain import Box
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.tree import TreeEngine

_SHAPES = ("2-32-32", "3-16-16-16", "4-16-16", "5-12-12", "8-10-10")
_NO_LIMIT = 1 << 40


def without_biases(pairs: Chain) -> Chain:
    """The chain with all biases 0."""
    return [(weight, np.zeros_like(bias)) for weight, bias in pairs]


def with_copies(pairs: Chain) -> Chain:
    """The chain with the last quarter of each hidden layer a copy of the first."""
    found = []
    for weight, bias in pairs[:-1]:
        n = len(bias) // 4
        found.append((np.vstack([weight[:-n], weight[:n]]), np.append(bias[:-n], bias[:n])))
    return [*found, pairs[-1]]


def measured(pairs: Chain) -> tuple[int, float, int]:
    """Regions on [-1, 1]^n by the tree engine, median CPU seconds, exact decisions."""
    hidden = tuple(Layer(Affine(w, b), np.zeros(len(b))) for w, b in pairs[:-1])
    network = Network(hidden, Affine(*pairs[-1]))
    problem = Problem.of(network, Box.uniform(-1, 1, network.n_inputs))
    bounds = pre_activation_bounds(problem.network, problem.domain)
    seconds = []
    for _ in range(4):
        start = time.process_time()
        found = TreeEngine(problem, bounds).advance(ROOT, Budget(_NO_LIMIT, time.monotonic() + 600))
        seconds.append(time.process_time() - start)
    return len(found.regions), statistics.median(seconds[1:]), found.decisions.get("exact", 0)


def main() -> None:
    """Print the table."""
    print("| network | regions | CPU s | regions/s | exact decisions |\n|---|--:|--:|--:|--:|")
    for shape in _SHAPES:
        kinds = {
            "generic": chain(shape),
            "no biases": without_biases(chain(shape)),
            "copies": with_copies(chain(shape)),
        }
        for kind, pairs in kinds.items():
            n, seconds, exact = measured(pairs)
            print(f"| {shape}, {kind} | {n:,} | {seconds:.2f} | {n / seconds:,.0f} | {exact:,} |")


if __name__ == "__main__":
    main()
