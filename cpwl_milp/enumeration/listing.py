"""All regions of a problem in memory, where they are few."""

from __future__ import annotations

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.exploration import Advance
from cpwl_milp.core.problem import Problem
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.choice import EngineSettings, make_engine
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Outcome
from cpwl_milp.enumeration.progress import ProgressReporter
from cpwl_milp.enumeration.workers import Jobs


class ListedRegions:
    """A sink that keeps every region.

    Parameters
    ----------
    n_units, dim : int
        Of the problem's network and domain.
    """

    def __init__(self, n_units: int, dim: int) -> None:
        self._batches = [RegionBatch.empty(n_units, dim)]

    def accept(self, advance: Advance) -> None:
        """Keep the regions of an advance."""
        self._batches.append(advance.regions)

    @property
    def regions(self) -> RegionBatch:
        """All of them, in the order listed."""
        return RegionBatch.joined(self._batches)


def list_regions(
    problem: Problem,
    settings: EngineSettings | None = None,
    *,
    bound_method: str = "crown",
    limits: Limits | None = None,
    progress: ProgressReporter | None = None,
    jobs: Jobs = 1,
    bounds: Bounds | None = None,
) -> tuple[RegionBatch, Outcome]:
    """List the regions of a network on a domain.

    Parameters
    ----------
    problem : Problem
    settings : EngineSettings, optional
    bound_method : str
        Of the pre-activation bounds.
    limits : Limits, optional
    progress : ProgressReporter, optional
    jobs : int or Workers
        As `enumerate_regions` takes them.
    bounds : Bounds, optional
        Of the problem's network on its domain, where they are known already.

    Returns
    -------
    RegionBatch
    Outcome
        Whether these are all.
    """
    network = problem.network
    if bounds is None:
        bounds = pre_activation_bounds(network, problem.domain, method=bound_method)
    listed = ListedRegions(network.n_units, problem.domain.dim)
    outcome = enumerate_regions(
        make_engine(problem, bounds, settings or EngineSettings()),
        n_layers=len(network.layers),
        limits=limits,
        sinks=[listed],
        progress=progress,
        jobs=jobs,
    )
    return listed.regions, outcome
