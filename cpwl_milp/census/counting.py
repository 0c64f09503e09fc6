"""The steps of one count and what they share: the bounds, the clock, the patterns seen."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from cpwl_milp.census.answer import CountSettings, LayerCount, raised
from cpwl_milp.census.clock import Clock
from cpwl_milp.census.layers import layer_counts, own_brackets, prefix_brackets
from cpwl_milp.census.projection import projected_own_patterns, worth_projecting
from cpwl_milp.core.cube import ROOT
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.core.problem import Problem
from cpwl_milp.counting import count_bounds
from cpwl_milp.counting.common_zeros import MANY_INPUTS, common_zeros
from cpwl_milp.engines.choice import make_engine
from cpwl_milp.engines.proof import Proof, prove
from cpwl_milp.enumeration.first_bounds import bounds_or_rough_ones
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.listing import ListedRegions
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Bracket, Outcome, Tally
from cpwl_milp.enumeration.own_patterns import OwnPatterns
from cpwl_milp.enumeration.progress import ProgressReporter
from cpwl_milp.enumeration.refuted import require_right
from cpwl_milp.enumeration.resume import Restart
from cpwl_milp.enumeration.workers import workers_of
from cpwl_milp.partition.linear_regions import LinearRegions, linear_regions

# Share of the time that pre-activation bounds may take.
_BOUNDS_SHARE = 0.2
# Share of the time kept for samples and the projections of narrow layers.
_PROJECTION_SHARE = 0.3
# Longest time spent on samples when an exact engine did not end.
_SAMPLING_SECONDS = 3.0
# Longest time to look for a common zero of many units.
_ZEROS_SECONDS = 20.0
# Distinct own patterns kept of one layer, unless --max-per-layer says less.
_OWN_PATTERNS_KEPT = 1_000_000


class Counting:
    """One count, step by step.

    Ctrl-C while the bounds are computed leaves rough ones, with which every later step ends at
    once: the answer is a bracket by formulas.

    Parameters
    ----------
    problem : Problem
    settings : CountSettings
    """

    def __init__(self, problem: Problem, settings: CountSettings) -> None:
        self.problem = problem
        self.settings = settings
        self.clock = Clock(settings.limits.max_seconds)
        self.bounds, self._interrupted = bounds_or_rough_ones(
            problem.network,
            problem.domain,
            method=settings.bound_method,
            deadline=self.clock.at_share(_BOUNDS_SHARE),
        )
        self.formulas = count_bounds(problem.plain, self.bounds.stability(problem.network))
        self.own = self._no_patterns()
        self._listed = ListedRegions(problem.network.n_units, problem.domain.dim)

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
        if self._interrupted:
            return self._not_begun(), None
        linear = self.settings.linear
        listed = self._listed
        engine_settings = replace(self.settings.engine, with_points=linear)
        outcome = enumerate_regions(
            make_engine(self.problem, self.bounds, engine_settings),
            n_layers=len(network.layers),
            limits=replace(
                self.settings.limits, max_seconds=self.clock.left(1.0 - _PROJECTION_SHARE)
            ),
            sinks=[self.own, listed] if linear or self.settings.rigorous else [self.own],
            progress=progress,
            pace=workers_of(self.settings.jobs).pace(packed_size(network.n_units), kept=False),
            jobs=self.settings.jobs,
        )
        if outcome.tally.doubts:
            # A doubtful list proves nothing of the layers either.
            self.own = self._no_patterns()
        if not (linear and outcome.complete):
            return outcome, None
        regions = listed.regions
        try:
            return outcome, linear_regions(network, domain, regions.patterns, regions.points)
        except KeyboardInterrupt:
            # The regions are counted all the same.
            return outcome, None

    def proved(self, outcome: Outcome) -> Proof | None:
        """The proof that the list of a complete outcome is right; None for others.

        Raises
        ------
        CheckFailedError
            If the list is wrong.
        """
        if not outcome.complete:
            return None
        left = self.clock.left()
        proof = prove(
            self.problem,
            [self._listed.regions.patterns],
            deadline=math.inf if left is None else time.monotonic() + left,
        )
        require_right(proof, "count")
        return proof

    def unproved_layers(self) -> tuple[LayerCount, ...]:
        """The brackets of every layer by closed formulas alone."""
        self.own = self._no_patterns()
        owns, prefixes = self.brackets(None, None)
        return self.layer_counts(prefixes, owns)

    def _not_begun(self) -> Outcome:
        nothing = Tally(prefix_counts=(0,) * len(self.problem.network.layers))
        return Restart((ROOT,), nothing, Fraction(0)).untouched("interrupted")

    def _no_patterns(self) -> OwnPatterns:
        limit = self.settings.limits.max_per_layer or _OWN_PATTERNS_KEPT
        return OwnPatterns(self.problem.network.widths, limit)

    def sampled(self) -> Outcome:
        """Patterns of random inputs, for the lower bounds; `own` takes note of them."""
        if self._interrupted:
            return self._not_begun()
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
        if wanted and not self.settings.rigorous:
            # A zero is found by float64 and generous bounds: no proof in the sense of --rigorous.
            prefixes = self._raised_by_zeros(prefixes)
        if seen is not None and seen.reason != "interrupted" and not outcome.tally.doubts:
            self._project_narrow_layers(owns)
        return self.layer_counts(prefixes, owns)

    def brackets(
        self, outcome: Outcome | None, seen: Outcome | None
    ) -> tuple[list[Bracket], list[Bracket]]:
        """Own and prefix brackets, from the engine's outcome and from samples."""
        formulas = self.formulas.layers
        prefixes = prefix_brackets(formulas, outcome, seen)
        complete = outcome is not None and outcome.complete
        return own_brackets(formulas, prefixes, self.own, complete=complete), prefixes

    def layer_counts(
        self, prefixes: Sequence[Bracket], owns: Sequence[Bracket]
    ) -> tuple[LayerCount, ...]:
        """The layers of the answer."""
        return layer_counts(self.formulas.layers, prefixes, owns)

    def _raised_by_zeros(self, prefixes: list[Bracket]) -> list[Bracket]:
        """Lower bounds from a point at which many units are zero, where inputs are many."""
        if self.problem.domain.dim < MANY_INPUTS or self._interrupted:
            return prefixes
        left = self.clock.left()
        seconds = _ZEROS_SECONDS if left is None else min(_ZEROS_SECONDS, 0.5 * left)
        found = common_zeros(self.problem, self.bounds, time.monotonic() + seconds)
        return [
            raised(bracket, 1 << count, "patterns around a common zero")
            for bracket, count in zip(prefixes, found.counts, strict=True)
        ]

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
