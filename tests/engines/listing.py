"""Run an engine to the end in steps of any size, and hold it to what every engine promises."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.exploration import Budget, Engine
from cpwl_milp.core.network import Network
from cpwl_milp.core.problem import Problem
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.tree import TreeEngine


@dataclass(frozen=True)
class Listing:
    """What an engine lists of a problem."""

    regions: RegionBatch
    prefix_counts: tuple[int, ...]
    decisions: dict[str, int]

    @property
    def patterns(self) -> set[bytes]:
        return {bytes(row) for row in self.regions.patterns}


def listed(engine: Engine, roots: tuple[Cube, ...] = (ROOT,), step: int = 10**6) -> Listing:
    """Everything, at most `step` regions an advance; the cubes must add up and nothing repeats."""
    todo = list(roots)
    batches, decisions = [], {}
    prefix_counts = np.zeros(1, dtype=np.int64)
    left = sum(cube.weight for cube in roots)
    while todo:
        cube = todo.pop()
        # Long enough for kernels to compile on a busy machine.
        advance = engine.advance(cube, Budget(step, time.monotonic() + 600))
        assert not advance.unresolved
        assert not advance.parked
        assert len(advance.regions) <= step
        assert len(advance.regions) or not advance.open
        batches.append(advance.regions)
        prefix_counts = prefix_counts + advance.prefix_counts
        left -= cube.weight - sum(part.weight for part in advance.open)
        todo.extend(reversed(advance.open))
        for name, count in advance.decisions.items():
            decisions[name] = decisions.get(name, 0) + count
    assert left == 0
    listing = Listing(RegionBatch.joined(batches), tuple(int(k) for k in prefix_counts), decisions)
    assert len(listing.patterns) == len(listing.regions), "a region is listed twice"
    return listing


def tree(network: Network, box: Box, *, with_points: bool = False) -> TreeEngine:
    """The tree engine with CROWN bounds."""
    problem = Problem.of(network, box)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    return TreeEngine(problem, bounds, with_points=with_points)
