"""The regions that meet one ball, listed where that ends, and seen by samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.coordinates import ChainedCoordinates
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed, as_keys, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.choice import EngineSettings, chosen_engine, make_engine
from cpwl_milp.engines.sampling import SamplingEngine
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.listing import ListedRegions
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.local.ball_bound import BallBound


@dataclass(frozen=True)
class BallCount:
    """What is known of the number of regions in a ball.

    Attributes
    ----------
    lower : int
    complete : bool
        Whether `lower` is the number.
    reason : str
        Why it is not: a limit, "interrupted", "not counted" or "unresolved: ...".
    crossing : tuple of int or None
        How many units of each layer take both signs, where all regions are listed.
    sampled : int
        Distinct patterns among the samples.
    """

    lower: int
    complete: bool
    reason: str
    crossing: tuple[int, ...] | None
    sampled: int


def count_in_ball(
    network: Network,
    ball: Ball,
    bound: BallBound,
    *,
    limits: Limits | None,
    n_samples: int,
    seed: int,
    least: int = 1,
) -> BallCount:
    """Count the regions that meet the interior of a ball, within limits.

    Parameters
    ----------
    network : Network
    ball : Ball
    bound : BallBound
        Of this ball.
    limits : Limits or None
        Of the listing; None lists nothing.
    n_samples : int
        Uniform points of the ball for the lower bound.
    seed : int
    least : int
        So many regions are known to meet the ball (2 where a boundary does).

    Raises
    ------
    CheckFailedError
        Unless samples <= listed regions <= BallBound, each sample in a listed region.
    """
    seen, stopped = _sampled(network, ball, bound, n_samples, seed)
    known = {*as_keys(seen).tolist()}
    lower, complete, crossing = max(1, least, len(known)), False, None
    if stopped:
        return BallCount(lower, False, "interrupted", None, len(seen))
    reason = "not counted"
    if limits is not None:
        problem = Problem.of(network, ball)
        settings = EngineSettings(seed=seed)
        reason = "unresolved: too large for an exact engine"
        if chosen_engine(problem, settings) != "sampling":
            listed = ListedRegions(network.n_units, problem.domain.dim)
            outcome = enumerate_regions(
                make_engine(problem, bound.bounds, settings),
                n_layers=len(network.layers),
                limits=limits,
                sinks=[listed],
            )
            bracket = outcome.regions(bound.upper)
            lower, complete, reason = max(lower, bracket.lower), outcome.complete, outcome.reason
            if not outcome.tally.doubts:
                patterns = listed.regions.patterns
                known |= {*as_keys(patterns).tolist()}
                lower = max(lower, len(known))
                if outcome.complete:
                    crossing = _crossing(network, patterns)
            if outcome.complete and lower > bracket.lower:
                # A sample in a region that touches a tie may rightly be missing; else never.
                if not outcome.tally.decisions.get("ties"):
                    raise CheckFailedError(
                        "local",
                        f"{lower - bracket.lower} patterns of samples are not listed",
                        "all of them",
                        "please report it",
                    )
                complete, crossing, reason = False, None, "unresolved: ties within rounding"
    if lower > bound.upper:
        raise CheckFailedError(
            "local", f"{lower} regions found", f"at most {bound.upper}, the BallBound"
        )
    _require_within(crossing, bound.crossing)
    if lower == bound.upper and not complete:
        # Bounds that meet settle the number.
        complete, reason = True, ""
    return BallCount(lower, complete, reason, crossing, len(seen))


def _sampled(
    network: Network, ball: Ball, bound: BallBound, n_samples: int, seed: int
) -> tuple[Packed, bool]:
    """Distinct patterns of uniform points, and whether Ctrl-C came meanwhile.

    The ball is sampled as it is, not in the coordinates of an engine.
    """
    listed = ListedRegions(network.n_units, ball.dim)
    if n_samples == 0:
        return listed.regions.patterns, False
    problem = Problem(network, ball, ChainedCoordinates(), ball, network)
    outcome = enumerate_regions(
        SamplingEngine(problem, bound.bounds, n_samples=n_samples, seed=seed),
        n_layers=len(network.layers),
        sinks=[listed],
    )
    return listed.regions.patterns, outcome.reason == "interrupted"


def _crossing(network: Network, patterns: Packed) -> tuple[int, ...]:
    bits = unpack(patterns, network.n_units)
    both = np.asarray(bits.any(axis=0) & ~bits.all(axis=0))
    return tuple(
        int(np.count_nonzero(both[network.layer_bits(k)])) for k in range(len(network.layers))
    )


def _require_within(crossing: tuple[int, ...] | None, most: tuple[int, ...]) -> None:
    if crossing is not None and any(a > b for a, b in zip(crossing, most, strict=True)):
        raise CheckFailedError(
            "local", f"{crossing} units take both signs", f"at most {most} by their bounds"
        )
