"""How many regions meet a condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from cpwl_milp.census.answer import Count, CountSettings, LayerCount
from cpwl_milp.census.clock import Clock
from cpwl_milp.conditions import ConditionedEngine, ConditionedProblem
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import ROOT
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.counting import LayerBounds, count_bounds
from cpwl_milp.engines.choice import chosen_engine, is_stateless
from cpwl_milp.enumeration.first_bounds import bounds_or_rough_ones
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Bracket, Outcome, Tally
from cpwl_milp.enumeration.own_patterns import OwnPatterns
from cpwl_milp.enumeration.prefixes import Prefixes
from cpwl_milp.enumeration.progress import ProgressReporter
from cpwl_milp.enumeration.resume import Restart
from cpwl_milp.enumeration.workers import workers_of

_BOUNDS_SHARE = 0.2
_SAMPLING_SHARE = 0.1
_SAMPLING_SECONDS = 3.0


def count_regions_where(
    posed: ConditionedProblem,
    settings: CountSettings | None = None,
    progress: ProgressReporter | None = None,
) -> Count:
    """Count the regions that meet a condition, each iff it meets the condition's interior.

    Parameters
    ----------
    posed : ConditionedProblem
    settings : CountSettings, optional
        Without `linear`, `rigorous` and the limit `max_per_layer`, which are of whole domains.
    progress : ProgressReporter, optional

    Returns
    -------
    Count
        Its layers hold the prefixes and own patterns of these regions; `bounds` are of all.

    Raises
    ------
    InputError
        If the settings ask for what is not to be had.
    """
    settings = settings or CountSettings()
    _require_possible(settings)
    clock = Clock(settings.limits.max_seconds)
    extended = posed.extended
    bounds, interrupted = bounds_or_rough_ones(
        extended.network,
        extended.domain,
        method=settings.bound_method,
        deadline=clock.at_share(_BOUNDS_SHARE),
    )
    network = posed.problem.network
    stability = posed.own_bounds(bounds).stability(network)
    formulas = count_bounds(posed.problem.plain, stability)
    name = chosen_engine(extended, settings.engine)
    own = OwnPatterns(network.widths)
    prefixes = Prefixes(network.widths, ordered=is_stateless(name))
    if interrupted:
        outcome = Restart((ROOT,), Tally(), Fraction(0)).untouched("interrupted")
    else:
        limits = settings.limits
        outcome = enumerate_regions(
            ConditionedEngine(posed, bounds, settings.engine),
            n_layers=0,
            limits=replace(limits, max_seconds=clock.left(1.0 - _SAMPLING_SHARE)),
            sinks=[own, prefixes],
            progress=progress,
            pace=workers_of(settings.jobs).pace(packed_size(network.n_units), kept=False),
            jobs=settings.jobs,
        )
    regions = outcome.regions(formulas.upper)
    if outcome.tally.doubts:
        # Not even one region is sure.
        regions = Bracket(0, regions.upper)
    if outcome.reason == "max-seconds" and name != "sampling":
        sampled = _sampled(posed, settings, clock, bounds)
        regions = Bracket(max(regions.lower, sampled), regions.upper)
    return Count(
        engine=name,
        reason="" if regions.complete else outcome.reason,
        regions=regions,
        found=outcome.n_regions,
        thin=outcome.tally.n_thin if name == "milp" else None,
        linear_regions=None,
        affine_maps=None,
        layers=_layers(formulas.layers, outcome, regions, own, prefixes),
        bounds=formulas,
        decisions=outcome.tally.decisions,
        seconds=clock.seconds,
    )


def _require_possible(settings: CountSettings) -> None:
    for asked, what in (
        (settings.linear, "linear regions"),
        (settings.rigorous, "proofs"),
        (settings.limits.max_per_layer is not None, "limits per layer"),
    ):
        if asked:
            raise InputError("condition", f"{what} under a condition", "a count of regions alone")


def _sampled(
    posed: ConditionedProblem, settings: CountSettings, clock: Clock, bounds: Bounds
) -> int:
    """How many regions random inputs show to meet the condition."""
    left = clock.left()
    seconds = _SAMPLING_SECONDS if left is None else min(_SAMPLING_SECONDS, left)
    engine = ConditionedEngine(posed, bounds, replace(settings.engine, name="sampling"))
    return enumerate_regions(engine, n_layers=0, limits=Limits(max_seconds=seconds)).n_regions


def _layers(
    formulas: Sequence[LayerBounds],
    outcome: Outcome,
    regions: Bracket,
    own: OwnPatterns,
    prefixes: Prefixes,
) -> tuple[LayerCount, ...]:
    """The prefixes and own patterns of the regions listed: lower bounds of a list cut off."""
    found = []
    seen = None if outcome.tally.doubts else (own.counts, prefixes.counts)
    least = 0
    for index, layer in enumerate(formulas):
        alone, prefix = (0, 0) if seen is None else (seen[0][index], seen[1][index])
        least = max(least, alone, prefix if prefixes.exact else 0)
        owns = Bracket(alone, _least(layer.own_upper, regions.upper))
        joint = Bracket(least, _least(layer.prefix_upper, regions.upper))
        if outcome.complete and not own.capped[index]:
            owns = Bracket(alone, alone)
        if outcome.complete and prefixes.exact:
            joint = Bracket(prefix, prefix)
        found.append(LayerCount.of(layer, joint, owns))
    return tuple(found)


def _least(a: int, b: int | None) -> int:
    return a if b is None else min(a, b)
