"""Which engine a question gets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domains import Ball, Polytope
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.exploration import Engine
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.ball import BallEngine
from cpwl_milp.engines.cells import CellsEngine
from cpwl_milp.engines.cells.engine import takes_polygon
from cpwl_milp.engines.confined import ConfinedEngine
from cpwl_milp.engines.milp.settings import MilpSettings
from cpwl_milp.engines.reduced import MakeEngine, ReducedEngine
from cpwl_milp.engines.sampling import SamplingEngine
from cpwl_milp.engines.tree import TreeEngine

if TYPE_CHECKING:
    from cpwl_milp.engines.milp.engine import MilpEngine

# The tree keeps one affine map a value of the network: that many numbers are 2 GB.
_TREE_NUMBERS = 250_000_000
# The cells engine is the fastest up to so many inputs. It holds that many weights: in the plane
# those that are not 0, beyond all.
_CELLS_INPUTS = 3
_CELLS_WEIGHTS = 20_000_000
# From so many units on, stable ones are taken out before the search.
_WIDE = 1_000
# Samples of the sampling engine where no limit stops it before: some seconds.
_SAMPLES = 200_000


@dataclass(frozen=True)
class EngineSettings:
    """How to search.

    Attributes
    ----------
    name : str
        "auto", "ball", "cells", "tree", "milp" or "sampling".
    solver : str
        Of the milp engine: "highs", or any solver that Pyomo knows.
    seed : int
        Of samples.
    with_points : bool
        Find an interior point of each region.
    with_inradii : bool
        Find the inradius, too.
    """

    name: str = "auto"
    solver: str = "highs"
    seed: int = 0
    with_points: bool = False
    with_inradii: bool = False

    @property
    def milp(self) -> MilpSettings:
        """As the milp engine takes them."""
        return MilpSettings(solver=self.solver)


def chosen_engine(problem: Problem, settings: EngineSettings) -> str:
    """The name of the engine that "auto" stands for.

    Cells with vertices are the fastest way in few dimensions (docs/performance.md) but know no
    inradius (NaN, where they are taken all the same); the tree is exact wherever its affine maps
    fit into memory; beyond, only samples
    are left. L2 balls have an engine of their own.

    Raises
    ------
    DomainError
        If the engine that the settings name knows nothing of the problem's kind of domain.
    """
    is_ball = isinstance(problem.domain, Ball)
    if settings.name in ("cells", "tree", "milp") and is_ball:
        raise DomainError(
            f"{settings.name} engine",
            "an L2 ball, which is no polytope",
            "a domain with linear faces",
            "use --engine auto, or a ball with --norm 1 or inf",
        )
    if settings.name != "auto":
        return settings.name
    layers, dim = problem.network.layers, problem.domain.dim
    weights = sum(
        layer.affine.n_entries if dim == 2 else layer.affine.n_in * layer.affine.n_out
        for layer in layers
    )
    rows = sum(layer.affine.n_out for layer in layers)
    fits = rows * (dim + 1) <= _TREE_NUMBERS
    if is_ball:
        return "ball" if fits else "sampling"
    # Wide and convolutional networks in the plane do without inradii: the tree would not end.
    wide = problem.network.n_units >= _WIDE or any(layer.affine.is_sparse for layer in layers)
    without = not settings.with_inradii or (dim == 2 and wide)
    if dim <= _CELLS_INPUTS and weights <= _CELLS_WEIGHTS and without:
        return "cells"
    return "tree" if fits else "sampling"


def is_stateless(name: str) -> bool:
    """Whether the engine of a name (none is "auto" here) keeps nothing between advances."""
    engines: tuple[type[Engine], ...] = (BallEngine, CellsEngine, TreeEngine, SamplingEngine)
    if name not in {engine.name for engine in engines}:
        engines = (_milp_engine(),)
    return {engine.name: engine.stateless for engine in engines}[name]


def _milp_engine() -> type[MilpEngine]:
    # Pyomo is half of what starting takes, and most questions do without.
    from cpwl_milp.engines.milp.engine import MilpEngine

    return MilpEngine


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
        sampling engine; the open cubes of stateless ones hold nothing that was listed).
    """
    name = chosen_engine(problem, settings)
    points = settings.with_points or settings.with_inradii
    if name == "ball":
        return BallEngine(problem, bounds, with_points=points)
    if name in ("cells", "tree"):
        kind = CellsEngine if name == "cells" else TreeEngine
        make: MakeEngine = partial(kind, with_points=points)
        if problem.network.layers and problem.network.n_units >= _WIDE:
            make = partial(ReducedEngine, make=make)
        whole = name == "cells" and takes_polygon(problem)
        if isinstance(problem.domain, Polytope) and not whole:
            return ConfinedEngine(problem, bounds, make)
        return make(problem, bounds)
    if name == "sampling":
        return SamplingEngine(problem, bounds, n_samples=_SAMPLES, seed=settings.seed, known=known)
    milp = _milp_engine()
    return milp(problem, bounds, known_patterns=known, settings=settings.milp)
