"""Counts of a network on any domain, by one engine."""

from __future__ import annotations

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Network
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.choice import EngineSettings, make_engine
from tests.engines.listing import Listing, listed


def listed_on(
    network: Network,
    domain: Domain,
    engine: str = "tree",
    *,
    roots: tuple[Cube, ...] = (ROOT,),
    step: int = 10**6,
    with_points: bool = False,
) -> Listing:
    """All regions of the network that meet the domain's interior."""
    problem = Problem.of(network, domain)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    settings = EngineSettings(engine, with_points=with_points)
    return listed(make_engine(problem, bounds, settings), roots, step)


def sampled_on(network: Network, domain: Domain, n: int, rng: object) -> set[bytes]:
    """Packed patterns of random points of the domain."""
    from cpwl_milp.core.pattern import pack

    return {bytes(row) for row in pack(network.bits(domain.sample(n, rng)))}  # type: ignore[arg-type]
