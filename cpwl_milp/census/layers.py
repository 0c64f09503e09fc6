"""Brackets of every layer from what engine, samples and formulas know of it."""

from __future__ import annotations

from collections.abc import Sequence

from cpwl_milp.census.answer import LayerCount, intersected, raised
from cpwl_milp.counting import LayerBounds
from cpwl_milp.enumeration.outcome import Bracket, Outcome
from cpwl_milp.enumeration.own_patterns import OwnPatterns


def prefix_brackets(
    formulas: Sequence[LayerBounds], outcome: Outcome | None, seen: Outcome | None
) -> list[Bracket]:
    """Patterns of layers 1..l, from the engine's outcome and from samples, each if there is one."""
    uppers = [layer.prefix_upper for layer in formulas]
    prefixes = [Bracket(1, upper) for upper in uppers]
    if outcome is not None:
        prefixes = list(outcome.layers(uppers))
    if seen is not None:
        prefixes = [
            raised(bracket, count, "prefixes seen in samples")
            for bracket, count in zip(prefixes, seen.tally.prefix_counts, strict=True)
        ]
    return prefixes


def own_brackets(
    formulas: Sequence[LayerBounds],
    prefixes: Sequence[Bracket],
    own: OwnPatterns,
    *,
    complete: bool,
) -> list[Bracket]:
    """Patterns of each layer alone: those seen, all there are if the search was `complete`."""
    owns = []
    for layer, prefix, count, capped in zip(
        formulas, prefixes, own.counts, own.capped, strict=True
    ):
        if complete and not capped:
            owns.append(Bracket(count, count))
        else:
            assert prefix.upper is not None
            owns.append(Bracket(max(1, count), min(layer.own_upper, prefix.upper)))
    return owns


def layer_counts(
    formulas: Sequence[LayerBounds], prefixes: Sequence[Bracket], owns: Sequence[Bracket]
) -> tuple[LayerCount, ...]:
    """The layers of the answer; what is known of own patterns also bounds the prefixes."""
    found: list[LayerCount] = []
    least = 1
    for layer, prefix, own in zip(formulas, prefixes, owns, strict=True):
        prefix = raised(prefix, max(least, own.lower), f"prefixes of layer {layer.layer}")
        if layer.layer == 1:
            # The first layer's prefix is the layer itself.
            prefix = own = intersected(prefix, own, "patterns of layer 1")
        least = prefix.lower
        found.append(LayerCount.of(layer, prefix, own))
    return tuple(found)
