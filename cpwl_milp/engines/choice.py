"""Which engine a question gets."""

from __future__ import annotations

from dataclasses import dataclass

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.exploration import Engine
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.milp import MilpEngine, MilpSettings
from cpwl_milp.engines.sampling import SamplingEngine
from cpwl_milp.engines.tree import TreeEngine

# The tree keeps one affine map a value of the network: that many numbers are 2 GB.
_TREE_NUMBERS = 250_000_000
# Samples of the sampling engine where no limit stops it before: some seconds.
_SAMPLES = 200_000


@dataclass(frozen=True)
class EngineSettings:
    """How to search.

    Attributes
    ----------
    name : str
        "auto", "tree", "milp" or "sampling".
    solver : str
        Of the milp engine: "highs", or any solver that Pyomo knows.
    seed : int
        Of samples.
    with_points : bool
        Find an interior point and the inradius of each region.
    """

    name: str = "auto"
    solver: str = "highs"
    seed: int = 0
    with_points: bool = False

    @property
    def milp(self) -> MilpSettings:
        """As the milp engine takes them."""
        return MilpSettings(solver=self.solver)


def chosen_engine(problem: Problem, settings: EngineSettings) -> str:
    """The name of the engine that "auto" stands for.

    The tree is exact and the fastest wherever its affine maps fit into memory; beyond, only
    samples are left.
    """
    if settings.name != "auto":
        return settings.name
    rows = sum(layer.affine.n_out for layer in problem.network.layers)
    return "tree" if rows * (problem.domain.dim + 1) <= _TREE_NUMBERS else "sampling"


def make_engine(
    problem: Problem, bounds: Bounds, settings: EngineSettings, known: Packed | None = None
) -> Engine:
    """The engine for a problem.

    Parameters
    ----------
    problem : Problem
    bounds : Bounds
        Of the problem's network on its domain.
    settings : EngineSettings
    known : ndarray of uint8, optional
        Packed patterns already listed, not to be listed again (a resumed run of the milp or
        sampling engine; the tree's open cubes hold nothing that was listed).
    """
    name = chosen_engine(problem, settings)
    if name == "tree":
        return TreeEngine(problem, bounds, with_points=settings.with_points)
    if name == "sampling":
        return SamplingEngine(problem, bounds, n_samples=_SAMPLES, seed=settings.seed, known=known)
    return MilpEngine(problem, bounds, known_patterns=known, settings=settings.milp)
