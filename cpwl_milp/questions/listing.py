"""The regions that meet a condition, in memory."""

from __future__ import annotations

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.conditions import Condition, ConditionedEngine, ConditionedProblem
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Network
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.choice import EngineSettings
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.listing import ListedRegions
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Outcome
from cpwl_milp.enumeration.progress import ProgressReporter
from cpwl_milp.enumeration.workers import Jobs


def list_regions_where(
    network: Network,
    domain: Domain,
    condition: Condition,
    settings: EngineSettings | None = None,
    *,
    bound_method: str = "crown",
    limits: Limits | None = None,
    progress: ProgressReporter | None = None,
    jobs: Jobs = 1,
    bounds: Bounds | None = None,
) -> tuple[RegionBatch, Outcome]:
    """List the regions of a network on a domain that meet a condition.

    Parameters
    ----------
    network : Network
    domain : Domain
    condition : Condition
        Over the network's own inputs and outputs.
    settings : EngineSettings, optional
    bound_method : str
        Of the pre-activation bounds.
    limits : Limits, optional
        Without `max_per_layer`.
    progress : ProgressReporter, optional
    jobs : int or Workers
        As `enumerate_regions` takes them.
    bounds : Bounds, optional
        Of the extended network (`ConditionedProblem.extended`), where they are known already.

    Returns
    -------
    RegionBatch
        Patterns of the network; points and inradii of the parts that meet the condition.
    Outcome
        Whether these are all.

    Raises
    ------
    DomainError, InputError
        If domain or condition do not fit the network.
    """
    posed = ConditionedProblem.of(network, domain, condition)
    if bounds is None:
        bounds = pre_activation_bounds(
            posed.extended.network, posed.extended.domain, method=bound_method
        )
    listed = ListedRegions(network.n_units, posed.problem.domain.dim)
    outcome = enumerate_regions(
        ConditionedEngine(posed, bounds, settings or EngineSettings()),
        n_layers=0,
        limits=limits,
        sinks=[listed],
        progress=progress,
        jobs=jobs,
    )
    return listed.regions, outcome
