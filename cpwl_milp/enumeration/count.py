"""How many regions: the whole answer to `count`, exact or a bracket, layer by layer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.problem import Problem
from cpwl_milp.counting import CountBounds, count_bounds
from cpwl_milp.engines.choice import EngineSettings, chosen_engine, make_engine
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.listing import ListedRegions
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Bracket, Outcome
from cpwl_milp.enumeration.own_patterns import OwnPatterns
from cpwl_milp.enumeration.progress import ProgressReporter
from cpwl_milp.enumeration.projection import projected_own_patterns, worth_projecting
from cpwl_milp.partition.linear_regions import linear_regions

# Share of the time that pre-activation bounds may take.
_BOUNDS_SHARE = 0.2
# Share of the time kept for samples and the projections of narrow layers.
_PROJECTION_SHARE = 0.3
# Longest time spent on samples when an exact engine did not end.
_SAMPLING_SECONDS = 3.0


@dataclass(frozen=True)
class LayerCount:
    """The counts of one layer.

    Attributes
    ----------
    layer : int
        From 1.
    units, always_active, always_inactive, unstable : int
        Hidden units, and what bounds prove of them.
    prefix : Bracket
        Regions of layers 1..layer.
    own : Bracket
        Distinct patterns of this layer alone.
    upper_bound : int
        Of `prefix`, by closed formulas.
    """

    layer: int
    units: int
    always_active: int
    always_inactive: int
    unstable: int
    prefix: Bracket
    own: Bracket
    upper_bound: int


@dataclass(frozen=True)
class Count:
    """The number of regions of a network on a domain.

    Attributes
    ----------
    engine : str
    reason : str
        Why the count is a bracket; "" when it is complete.
    regions : Bracket
    found : int
        Regions that were listed one by one (a lower bound may count open cubes on top).
    thin : int
        Patterns met that are nonempty but not full-dimensional; never part of the count.
    linear_regions, affine_maps : int or None
        On request, from a complete list.
    layers : tuple of LayerCount
    bounds : CountBounds
    decisions : dict of str to int
        How decisions were settled; ``ties`` were within the tolerance.
    seconds : float
    """

    engine: str
    reason: str
    regions: Bracket
    found: int
    thin: int
    linear_regions: int | None
    affine_maps: int | None
    layers: tuple[LayerCount, ...]
    bounds: CountBounds
    decisions: dict[str, int]
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether the count is exact."""
        return not self.reason


@dataclass(frozen=True)
class CountSettings:
    """How to count.

    Attributes
    ----------
    engine : EngineSettings
    limits : Limits
    bound_method : str
        Of the pre-activation bounds.
    linear : bool
        Also count linear regions and affine maps (keeps the list in memory).
    """

    engine: EngineSettings = field(default_factory=EngineSettings)
    limits: Limits = field(default_factory=Limits)
    bound_method: str = "crown"
    linear: bool = False


def count_regions(
    problem: Problem,
    settings: CountSettings | None = None,
    progress: ProgressReporter | None = None,
) -> Count:
    """Count the regions of a network on a domain.

    The engine enumerates; where it does not end, samples raise the lower bounds, closed formulas
    give the upper ones, and the own patterns of narrow layers are settled by the mixed-integer
    program with no-good cuts on that layer alone.

    Parameters
    ----------
    problem : Problem
    settings : CountSettings, optional
    progress : ProgressReporter, optional

    Raises
    ------
    CheckFailedError
        If two ways of counting contradict each other.
    """
    begin = time.monotonic()
    settings = settings or CountSettings()
    network = problem.network
    limits = settings.limits
    clock = _Clock(begin, limits.max_seconds)
    bounds = pre_activation_bounds(
        network,
        problem.domain,
        method=settings.bound_method,
        deadline=clock.at_share(_BOUNDS_SHARE),
    )
    formulas = count_bounds(network, bounds.stability(network))
    own = OwnPatterns(network.widths, limits.max_per_layer or 1_000_000)
    listed = ListedRegions(network.n_units, problem.domain.dim) if settings.linear else None
    engine_settings = replace(settings.engine, with_points=settings.linear)
    engine = make_engine(problem, bounds, engine_settings)
    outcome = enumerate_regions(
        engine,
        n_layers=len(network.layers),
        limits=replace(limits, max_seconds=clock.left(1.0 - _PROJECTION_SHARE)),
        sinks=[own] if listed is None else [own, listed],
        progress=progress,
    )
    seen = _sampled(problem, bounds, settings, own, clock, outcome) if outcome.reason else None
    layers = _layers(problem, bounds, settings, formulas, outcome, seen, own, clock)
    regions = outcome.regions(formulas.upper)
    if seen is not None:
        regions = _raised(regions, seen.n_regions)
    if regions.upper is not None and regions.lower > regions.upper:
        raise CheckFailedError(
            "count", f"{regions.lower} regions found", f"at most {regions.upper}, an upper bound"
        )
    pieces = None
    if listed is not None and outcome.complete:
        pieces = linear_regions(
            network, problem.domain, listed.regions.patterns, listed.regions.points
        )
    return Count(
        engine=chosen_engine(problem, engine_settings),
        # Bounds that meet settle the count even where the search did not end.
        reason="" if regions.complete else outcome.reason,
        regions=regions,
        found=outcome.n_regions,
        thin=outcome.tally.n_thin,
        linear_regions=None if pieces is None else pieces.linear_regions,
        affine_maps=None if pieces is None else pieces.affine_maps,
        layers=layers,
        bounds=formulas,
        decisions=outcome.tally.decisions,
        seconds=time.monotonic() - begin,
    )


class _Clock:
    """What is left of the time for everything."""

    def __init__(self, begin: float, max_seconds: float | None) -> None:
        self._begin = begin
        self._max = max_seconds

    def at_share(self, share: float) -> float | None:
        """The moment at which a share of the time is spent; None without a limit."""
        return None if self._max is None else self._begin + share * self._max

    def left(self, until_share: float = 1.0) -> float | None:
        """Seconds until that moment, never quite zero; None without a limit."""
        end = self.at_share(until_share)
        return None if end is None else max(0.01, end - time.monotonic())


def _sampled(
    problem: Problem,
    bounds: Bounds,
    settings: CountSettings,
    own: OwnPatterns,
    clock: _Clock,
    outcome: Outcome,
) -> Outcome | None:
    """Patterns of samples, for the lower bounds; `own` takes note of them."""
    if outcome.reason == "interrupted" or settings.limits.max_regions is not None:
        return None
    left = clock.left()
    seconds = _SAMPLING_SECONDS if left is None else min(_SAMPLING_SECONDS, 0.3 * left)
    return enumerate_regions(
        make_engine(problem, bounds, replace(settings.engine, name="sampling")),
        n_layers=len(problem.network.layers),
        limits=Limits(max_regions=settings.limits.max_per_layer, max_seconds=seconds),
        sinks=[own],
    )


def _layers(
    problem: Problem,
    bounds: Bounds,
    settings: CountSettings,
    formulas: CountBounds,
    outcome: Outcome,
    seen: Outcome | None,
    own: OwnPatterns,
    clock: _Clock,
) -> tuple[LayerCount, ...]:
    prefixes = list(outcome.layers([layer.prefix_upper for layer in formulas.layers]))
    if seen is not None:
        prefixes = [
            _raised(bracket, count)
            for bracket, count in zip(prefixes, seen.tally.prefix_counts, strict=True)
        ]
    owns = _own_brackets(formulas, prefixes, outcome.complete, own)
    if outcome.reason and outcome.reason != "interrupted":
        # The narrowest first: they are the likeliest to end.
        for index in sorted(range(len(owns)), key=lambda k: formulas.layers[k].unstable):
            if not owns[index].complete and worth_projecting(formulas.layers[index]):
                owns[index] = projected_own_patterns(
                    problem,
                    bounds,
                    index,
                    known=own.patterns(index),
                    before=owns[index],
                    settings=settings.engine.milp,
                    max_patterns=settings.limits.max_per_layer,
                    max_seconds=clock.left(),
                )
    return tuple(
        LayerCount(
            layer=layer.layer,
            units=layer.units,
            always_active=layer.always_active,
            always_inactive=layer.always_inactive,
            unstable=layer.unstable,
            prefix=prefix,
            own=own_bracket,
            upper_bound=layer.prefix_upper,
        )
        for layer, prefix, own_bracket in zip(formulas.layers, prefixes, owns, strict=True)
    )


def _own_brackets(
    formulas: CountBounds, prefixes: Sequence[Bracket], complete: bool, own: OwnPatterns
) -> list[Bracket]:
    found = []
    for layer, prefix, count, capped in zip(
        formulas.layers, prefixes, own.counts, own.capped, strict=True
    ):
        if complete and not capped:
            found.append(Bracket(count, count))
        else:
            upper = layer.own_upper if prefix.upper is None else min(layer.own_upper, prefix.upper)
            found.append(Bracket(max(1, count), upper))
    return found


def _raised(bracket: Bracket, lower: int) -> Bracket:
    return bracket if bracket.complete else Bracket(max(bracket.lower, lower), bracket.upper)
