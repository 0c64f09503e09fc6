"""The own patterns of one layer, by no-good cuts on that layer's units alone.

A layer of 10 units under a million regions has at most 1024 own patterns, so at most 1025 solves
and no list of regions.
"""

from __future__ import annotations

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.problem import Problem
from cpwl_milp.counting import LayerBounds
from cpwl_milp.engines.milp.scope import Scope
from cpwl_milp.engines.milp.settings import MilpSettings
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.outcome import Bracket, Outcome, Tally
from cpwl_milp.enumeration.progress import ProgressReporter

# Solves of some 10 ms to 1 s each: more patterns than this are not worth trying unasked.
_MOST_PATTERNS = 1 << 12


def worth_projecting(layer: LayerBounds) -> bool:
    """Whether a layer has so few possible own patterns that the program may list them all."""
    return layer.own_upper <= _MOST_PATTERNS


def projected_own_patterns(
    problem: Problem,
    bounds: Bounds,
    layer: int,
    *,
    known: Packed,
    before: Bracket,
    settings: MilpSettings,
    limits: Limits,
    progress: ProgressReporter | None = None,
) -> tuple[Bracket, Outcome]:
    """Bracket the number of own patterns of a layer.

    Parameters
    ----------
    problem : Problem
    bounds : Bounds
        Of the problem's network on its domain.
    layer : int
        From 0.
    known : ndarray of uint8, shape (n, bytes)
        Packed own patterns that are proved to exist; cut before the first solve.
    before : Bracket
        What is known of the number already.
    settings : MilpSettings
    limits : Limits
        `max_regions` counts the known patterns, too.
    progress : ProgressReporter, optional
    """
    # Pyomo is half of what starting takes: not before it is needed.
    from cpwl_milp.engines.milp.engine import MilpEngine

    engine = MilpEngine(
        problem, bounds, scope=Scope.own(layer + 1), known_patterns=known, settings=settings
    )
    n_layers = len(problem.network.layers)
    outcome = enumerate_regions(
        engine,
        n_layers=n_layers,
        before=Tally(n_regions=len(known), prefix_counts=(0,) * n_layers),
        limits=limits,
        progress=progress,
    )
    if outcome.complete:
        return Bracket(outcome.n_regions, outcome.n_regions), outcome
    return Bracket(max(before.lower, outcome.n_regions), before.upper), outcome
