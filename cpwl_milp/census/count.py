"""How many regions: the whole answer to `count`, exact or a bracket, layer by layer."""

from __future__ import annotations

from cpwl_milp.census.answer import Count, CountSettings, LayerCount, raised
from cpwl_milp.census.counting import Counting
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.choice import chosen_engine
from cpwl_milp.engines.proof import Proof, require_provable
from cpwl_milp.enumeration.outcome import Bracket, Outcome
from cpwl_milp.enumeration.progress import ProgressReporter
from cpwl_milp.partition.linear_regions import LinearRegions


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
        If two ways of counting contradict each other, or a proof finds the list wrong.
    DomainError, InputError
        If a proof is asked for that is not possible.
    """
    settings = settings or CountSettings()
    if settings.rigorous:
        require_provable(problem)
    counting = Counting(problem, settings)
    outcome, pieces = counting.enumerated(progress)
    proof = counting.proved(outcome) if settings.rigorous else None
    if proof is not None and not proof.complete:
        return _answer(
            counting,
            engine=chosen_engine(problem, settings.engine),
            reason=f"the proof is not complete: {proof.reason}",
            regions=Bracket(max(1, proof.regions), counting.formulas.upper),
            outcome=outcome,
            layers=counting.unproved_layers(),
            proof=proof,
        )
    layers = counting.layers(outcome)
    # Every prefix pattern of the last layer is a region.
    least = layers[-1].prefix.lower if layers else 1
    if proof is not None:
        _require_proved(layers, proof)
    unproved = settings.rigorous and proof is None
    regions = raised(outcome.regions(counting.formulas.upper), least, "regions")
    return _answer(
        counting,
        engine=chosen_engine(problem, counting.settings.engine),
        # Bounds that meet settle the count even where the search did not end, but prove no list.
        reason="" if regions.complete and not unproved else outcome.reason,
        regions=regions,
        outcome=outcome,
        layers=layers,
        pieces=pieces,
        proof=proof,
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
    counting = Counting(problem, settings or CountSettings())
    seen = outcome = counting.sampled()
    owns, prefixes = counting.brackets(None, seen)
    if seen.reason != "interrupted":
        owns[layer - 1], outcome = counting.projected(layer - 1, owns[layer - 1], progress=progress)
    return _answer(
        counting,
        engine="milp",
        reason="" if owns[layer - 1].complete else counting.limit_named(outcome.reason),
        regions=owns[layer - 1],
        outcome=outcome,
        layers=counting.layer_counts(prefixes, owns),
    )


def _answer(
    counting: Counting,
    *,
    engine: str,
    reason: str,
    regions: Bracket,
    outcome: Outcome,
    layers: tuple[LayerCount, ...],
    pieces: LinearRegions | None = None,
    proof: Proof | None = None,
) -> Count:
    """Put the answer together."""
    return Count(
        engine=engine,
        reason=reason,
        regions=regions,
        found=outcome.n_regions,
        thin=outcome.tally.n_thin if engine == "milp" else None,
        linear_regions=None if pieces is None else pieces.linear_regions,
        affine_maps=None if pieces is None else pieces.affine_maps,
        layers=layers,
        bounds=counting.formulas,
        decisions=outcome.tally.decisions,
        seconds=counting.clock.seconds,
        proof=proof,
    )


def _require_proved(layers: tuple[LayerCount, ...], proof: Proof) -> None:
    """The prefixes that the engine counted are those of the proved list."""
    counted = tuple(layer.prefix.lower for layer in layers)
    if counted != proof.prefix_regions:
        raise CheckFailedError(
            "count",
            f"regions of layers 1..l {counted}",
            f"{proof.prefix_regions}, as proved",
            "please report it",
        )
