"""Lower bounds from samples alone."""

from __future__ import annotations

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.sampling import SamplingEngine
from cpwl_milp.enumeration.loop import enumerate_regions


def distinct_patterns(problem: Problem, bounds: Bounds, n_samples: int, seed: int) -> int:
    """How many regions random inputs meet: a lower bound of their number."""
    engine = SamplingEngine(problem, bounds, n_samples=n_samples, seed=seed)
    return enumerate_regions(engine, n_layers=len(problem.network.layers)).n_regions
