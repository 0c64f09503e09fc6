"""How many regions: the whole answer to `count`, exact or a bracket, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.census.answer import (
    Count,
    CountSettings,
    LayerCount,
    intersected,
    raised,
)
from cpwl_milp.census.clock import Clock
from cpwl_milp.census.projection import projected_own_patterns, worth_projecting
from cpwl_milp.core.problem import Problem
from cpwl_milp.counting import count_bounds
from cpwl_milp.engines.choice import chosen_engine, make_engine
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.listing import ListedRegions
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Bracket, Outcome
from cpwl_milp.enumeration.own_patterns import OwnPatterns
from cpwl_milp.enumeration.progress import ProgressReporter
from cpwl_milp.partition.linear_regions import LinearRegions, linear_regions

# Share of the time that pre-activation bounds may take.
_BOUNDS_SHARE = 0.2
# Share of the time kept for samples and the projections of narrow layers.
_PROJECTION_SHARE = 0.3
# Longest time spent on samples when an exact engine did not end.
_SAMPLING_SECONDS = 3.0
# Distinct own patterns kept of one layer, unless --max-per-layer says less.
_OWN_PATTERNS_KEPT = 1_000_000


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
    counting = _Counting(problem, settings or CountSettings())
    outcome, pieces = counting.enumerated(progress)
    layers = counting.layers(outcome)
    # Every prefix pattern of the last layer is a region.
    least = layers[-1].prefix.lower if layers else 1
    regions = raised(outcome.regions(counting.formulas.upper), least, "regions")
    return counting.answer(
        engine=chosen_engine(problem, counting.settings.engine),
        # Bounds that meet settle the count even where the search did not end.
        reason="" if regions.complete else outcome.reason,
        regions=regions,
        outcome=outcome,
        layers=layers,
        linear_regions=None if pieces is None else pieces.linear_regions,
        affine_maps=None if pieces is None else pieces.affine_maps,
    )


def count_own_patterns(
    problem: Problem,
    layer: int,
    settings: CountSettings | None = None,
    progress: ProgressReporter | None = None,
) -> Count:
    """Count the patterns that one layer alone takes on, without listing regions.

    Samples show most of them; the mixed-integer program finds the rest and proves that nothing
    is left, with no-good cuts on this layer's units.

    Parameters
    ----------
    problem : Problem
    layer : int
        From 1.
    settings : CountSettings, optional
    progress : ProgressReporter, optional

    Returns
    -------
    Count
        Its `regions` are the layer's own patterns.
    """
    counting = _Counting(problem, settings or CountSettings())
    seen = outcome = counting.sampled()
    owns, prefixes = counting.brackets(None, seen)
    if seen.reason != "interrupted":
        owns[layer - 1], outcome = counting.projected(layer - 1, owns[layer - 1], progress=progress)
    return counting.answer(
        engine="milp",
        reason="" if owns[layer - 1].complete else counting.limit_named(outcome.reason),
        regions=owns[layer - 1],
        outcome=outcome,
        layers=counting.layer_counts(prefixes, owns),
    )


class _Counting:
    """What the steps of one count share: the bounds, the clock, the patterns seen."""

    def __init__(self, problem: Problem, settings: CountSettings) -> None:
        self.problem = problem
        self.settings = settings
        self.clock = Clock(settings.limits.max_seconds)
        self.bounds = pre_activation_bounds(
            problem.network,
            problem.domain,
            method=settings.bound_method,
            deadline=self.clock.at_share(_BOUNDS_SHARE),
        )
        self.formulas = count_bounds(problem.plain, self.bounds.stability(problem.network))
        self.own = self._no_patterns()

    @property
    def _most_patterns(self) -> int | None:
        """How many patterns of one layer may be listed."""
        limits = self.settings.limits
        return min((k for k in (limits.max_regions, limits.max_per_layer) if k), default=None)

    def limit_named(self, reason: str) -> str:
        """The reason why patterns of a layer are not all listed, by the limit that was set."""
        named = reason == "max-regions" and self._most_patterns != self.settings.limits.max_regions
        return "max-per-layer" if named else reason

    def enumerated(self, progress: ProgressReporter | None) -> tuple[Outcome, LinearRegions | None]:
        """Run the engine; on request group a complete list by affine map."""
        network, domain = self.problem.network, self.problem.domain
        linear = self.settings.linear
        listed = ListedRegions(network.n_units, domain.dim)
        engine_settings = replace(self.settings.engine, with_points=linear)
        outcome = enumerate_regions(
            make_engine(self.problem, self.bounds, engine_settings),
            n_layers=len(network.layers),
            limits=replace(
                self.settings.limits, max_seconds=self.clock.left(1.0 - _PROJECTION_SHARE)
            ),
            sinks=[self.own, listed] if linear else [self.own],
            progress=progress,
        )
        if outcome.tally.doubts:
            # A doubtful list proves nothing of the layers either.
            self.own = self._no_patterns()
        if not (linear and outcome.complete):
            return outcome, None
        regions = listed.regions
        return outcome, linear_regions(network, domain, regions.patterns, regions.points)

    def _no_patterns(self) -> OwnPatterns:
        limit = self.settings.limits.max_per_layer or _OWN_PATTERNS_KEPT
        return OwnPatterns(self.problem.network.widths, limit)

    def sampled(self) -> Outcome:
        """Patterns of random inputs, for the lower bounds; `own` takes note of them."""
        left = self.clock.left()
        seconds = _SAMPLING_SECONDS if left is None else min(_SAMPLING_SECONDS, 0.3 * left)
        return enumerate_regions(
            make_engine(self.problem, self.bounds, replace(self.settings.engine, name="sampling")),
            n_layers=len(self.problem.network.layers),
            limits=Limits(max_regions=self._most_patterns, max_seconds=seconds),
            sinks=[self.own],
        )

    def layers(self, outcome: Outcome) -> tuple[LayerCount, ...]:
        """The brackets of every layer after the engine's work."""
        if outcome.complete and not any(self.own.capped):
            owns, prefixes = self.brackets(outcome, None)
            return self.layer_counts(prefixes, owns)
        wanted = outcome.reason != "interrupted" and self.settings.limits.max_regions is None
        seen = self.sampled() if wanted else None
        owns, prefixes = self.brackets(outcome, seen)
        if seen is not None and seen.reason != "interrupted" and not outcome.tally.doubts:
            self._project_narrow_layers(owns)
        return self.layer_counts(prefixes, owns)

    def brackets(
        self, outcome: Outcome | None, seen: Outcome | None
    ) -> tuple[list[Bracket], list[Bracket]]:
        """Own and prefix brackets, from the engine's outcome and from samples."""
        uppers = [layer.prefix_upper for layer in self.formulas.layers]
        prefixes = [Bracket(1, upper) for upper in uppers]
        if outcome is not None:
            prefixes = list(outcome.layers(uppers))
        if seen is not None:
            prefixes = [
                raised(bracket, count, "prefixes seen in samples")
                for bracket, count in zip(prefixes, seen.tally.prefix_counts, strict=True)
            ]
        complete = outcome is not None and outcome.complete
        owns = []
        for layer, prefix, count, capped in zip(
            self.formulas.layers, prefixes, self.own.counts, self.own.capped, strict=True
        ):
            if complete and not capped:
                owns.append(Bracket(count, count))
            else:
                assert prefix.upper is not None
                owns.append(Bracket(max(1, count), min(layer.own_upper, prefix.upper)))
        return owns, prefixes

    def _project_narrow_layers(self, owns: list[Bracket]) -> None:
        """Settle own patterns where the program may end, the narrowest and last layers first."""
        if not self.problem.domain.polyhedral:
            return
        todo = [
            index
            for index, layer in enumerate(self.formulas.layers)
            if not owns[index].complete and worth_projecting(layer)
        ]
        todo.sort(key=lambda index: (self.formulas.layers[index].unstable, -index))
        for place, index in enumerate(todo):
            share = 1 / (len(todo) - place)
            owns[index], outcome = self.projected(index, owns[index], share=share)
            if outcome.reason == "interrupted":
                return

    def projected(
        self,
        index: int,
        before: Bracket,
        *,
        share: float = 1.0,
        progress: ProgressReporter | None = None,
    ) -> tuple[Bracket, Outcome]:
        """The own patterns of one layer (from 0), by no-good cuts on that layer alone."""
        left = self.clock.left()
        return projected_own_patterns(
            self.problem,
            self.bounds,
            index,
            known=self.own.patterns(index),
            before=before,
            settings=self.settings.engine.milp,
            limits=Limits(
                max_regions=self._most_patterns,
                max_seconds=None if left is None else share * left,
            ),
            progress=progress,
        )

    def layer_counts(
        self, prefixes: Sequence[Bracket], owns: Sequence[Bracket]
    ) -> tuple[LayerCount, ...]:
        """The layers of the answer; what is known of own patterns also bounds the prefixes."""
        found: list[LayerCount] = []
        least = 1
        for layer, prefix, own in zip(self.formulas.layers, prefixes, owns, strict=True):
            prefix = raised(prefix, max(least, own.lower), f"prefixes of layer {layer.layer}")
            if layer.layer == 1:
                # The first layer's prefix is the layer itself.
                prefix = own = intersected(prefix, own, "patterns of layer 1")
            least = prefix.lower
            found.append(
                LayerCount(
                    layer=layer.layer,
                    units=layer.units,
                    always_active=layer.always_active,
                    always_inactive=layer.always_inactive,
                    unstable=layer.unstable,
                    prefix=prefix,
                    own=own,
                    upper_bound=layer.prefix_upper,
                )
            )
        return tuple(found)

    def answer(
        self,
        *,
        engine: str,
        reason: str,
        regions: Bracket,
        outcome: Outcome,
        layers: tuple[LayerCount, ...],
        linear_regions: int | None = None,
        affine_maps: int | None = None,
    ) -> Count:
        """Put the answer together."""
        return Count(
            engine=engine,
            reason=reason,
            regions=regions,
            found=outcome.n_regions,
            thin=outcome.tally.n_thin if engine == "milp" else None,
            linear_regions=linear_regions,
            affine_maps=affine_maps,
            layers=layers,
            bounds=self.formulas,
            decisions=outcome.tally.decisions,
            seconds=self.clock.seconds,
        )
