"""How many regions: an unbiased estimate with its interval, between proven bounds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.errors import DomainError, SolverError
from cpwl_milp.core.problem import Problem
from cpwl_milp.counting import count_bounds
from cpwl_milp.engines.choice import EngineSettings, chosen_engine
from cpwl_milp.estimation.intervals import Interval, interval_of, markov_lower
from cpwl_milp.estimation.pilot import Pilot, pilot
from cpwl_milp.estimation.probing import Probe, probe
from cpwl_milp.estimation.stages import OutOfTimeError

# Of the time given: for probes as the pilot predicts them. The rest is for its error.
_SHARE = 0.6
# Probes of fewer cells say little, fewer probes no interval.
_LEAST_POPULATION = 8
_LEAST_PROBES = 5


@dataclass(frozen=True)
class EstimateSettings:
    """How to estimate.

    Attributes
    ----------
    population : int
        Cells kept at every stage of a probe; fewer where time is short.
    probes : int
        Independent ones, at least 2.
    level : float
        Confidence of the interval and of the lower bound.
    seed : int
    max_seconds : float or None
        For all of it, the bounds apart.
    """

    population: int = 400
    probes: int = 20
    level: float = 0.95
    seed: int = 0
    max_seconds: float | None = None


@dataclass(frozen=True)
class LayerEstimate:
    """The regions of layers 1..layer.

    Attributes
    ----------
    layer : int
    regions : Interval
    """

    layer: int
    regions: Interval


@dataclass(frozen=True)
class RegionEstimate:
    """The estimate of a count.

    Attributes
    ----------
    regions : Interval
        Unbiased; the interval is asymptotic.
    lower : float or None
        Decimal logarithm of what the count exceeds with the confidence asked for, by Markov's
        inequality; None where probes were left before their end.
    exact : bool
        Whether every population was kept whole: then the estimate is the count.
    layers : tuple of LayerEstimate
    proven_lower, proven_upper : int
        By the cells listed and by closed formulas.
    population, probes, stages : int
        Of the probes that ended.
    reason : str
        Why there are fewer probes than asked for ("" if there are not).
    level, seconds : float
    """

    regions: Interval
    lower: float | None
    exact: bool
    layers: tuple[LayerEstimate, ...]
    proven_lower: int
    proven_upper: int
    population: int
    probes: int
    stages: int
    reason: str
    level: float
    seconds: float


def estimate_regions(
    problem: Problem,
    bounds: Bounds,
    settings: EstimateSettings | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> RegionEstimate:
    """Estimate the number of regions of a network on a domain.

    Parameters
    ----------
    problem : Problem
        On a box, a polytope or a ball that an exact engine takes.
    bounds : Bounds
        Of its network on its domain.
    settings : EstimateSettings, optional
    progress : callable, optional
        Told after every probe how many are done, of how many.

    Raises
    ------
    DomainError
        If the network is too large for the exact engines.
    SolverError
        If a cell cannot be decided, or no probe ends in time.
    """
    settings = settings or EstimateSettings()
    began = time.monotonic()
    if chosen_engine(problem, EngineSettings()) == "sampling":
        raise DomainError(
            "estimate",
            f"{problem.network.n_units:,} units over {problem.domain.dim:,} coordinates",
            "a network whose affine maps fit into memory",
            "`count` gives a bracket by formulas and samples",
        )
    if not problem.network.n_units:
        raise DomainError(
            "estimate",
            "a network without hidden units",
            "one with some",
            "it is affine: one region",
        )
    rng = np.random.default_rng(settings.seed)
    deadline = math.inf if settings.max_seconds is None else began + settings.max_seconds
    try:
        found = pilot(problem, bounds, settings.population, rng, deadline=deadline)
    except OutOfTimeError:
        raise SolverError(
            "estimate", "no time left for the first probe", "some", "raise --max-seconds"
        ) from None
    settings = _in_time(settings, found, time.monotonic() - began)
    probes, reason = _probed(found, settings, deadline, rng, progress)
    return _answer(problem, bounds, settings, found, probes, reason, time.monotonic() - began)


def _in_time(settings: EstimateSettings, found: Pilot, spent: float) -> EstimateSettings:
    """A smaller population, then fewer probes, where time is short."""
    if settings.max_seconds is None or not found.seconds_a_cell:
        return settings
    cells = _SHARE * max(0.0, settings.max_seconds - spent) / found.seconds_a_cell
    population = min(settings.population, max(_LEAST_POPULATION, int(cells / settings.probes)))
    probes = min(settings.probes, max(_LEAST_PROBES, int(cells / population)))
    return replace(settings, population=population, probes=probes)


def _probed(
    found: Pilot,
    settings: EstimateSettings,
    deadline: float,
    rng: np.random.Generator,
    progress: Callable[[int, int], None],
) -> tuple[list[Probe], str]:
    """The probes, and why there are too few."""
    probes: list[Probe] = []
    try:
        for done in range(settings.probes):
            # A generator each: a probe does not depend on how far others went.
            own = rng.spawn(1)[0]
            probes.append(
                probe(found.stages, found.first, settings.population, own, deadline=deadline)
            )
            progress(done + 1, settings.probes)
            if probes[0].whole:
                # All others would be the same.
                return [probes[0]] * settings.probes, ""
    except OutOfTimeError:
        return probes, "max-seconds"
    except KeyboardInterrupt:
        return probes, "interrupted"
    return probes, ""


def _answer(
    problem: Problem,
    bounds: Bounds,
    settings: EstimateSettings,
    found: Pilot,
    probes: list[Probe],
    reason: str,
    seconds: float,
) -> RegionEstimate:
    """What the probes say, beside what is proven."""
    if len(probes) < 2:
        raise SolverError(
            "estimate",
            f"{len(probes)} probes ended ({reason})",
            "2 at least",
            f"a probe of {settings.population} cells takes about "
            f"{settings.population * found.seconds_a_cell:.3g} s; raise --max-seconds",
        )
    logs = np.array([each.logs for each in probes])
    exact = probes[0].whole
    formulas = count_bounds(problem.plain, bounds.stability(problem.network))
    seen = max(len(found.first), *(each.n_cells for each in probes))
    return RegionEstimate(
        regions=interval_of(logs[:, -1], settings.level),
        # Of probes that were left some surely were the largest.
        lower=None if reason else markov_lower(logs[:, -1], settings.level),
        exact=exact,
        layers=tuple(
            LayerEstimate(stage.layer, interval_of(logs[:, place], settings.level))
            for place, stage in enumerate(found.stages)
            if stage.ends_layer
        ),
        proven_lower=max(formulas.lower, seen),
        proven_upper=seen if exact else formulas.upper,
        population=settings.population,
        probes=len(logs),
        stages=len(found.stages),
        reason=reason,
        level=settings.level,
        seconds=seconds,
    )
