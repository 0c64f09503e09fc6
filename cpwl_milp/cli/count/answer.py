"""What ``count`` answers, as JSON and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.output import proof_text

if TYPE_CHECKING:
    from cpwl_milp.census import Count
    from cpwl_milp.conditions import Condition
    from cpwl_milp.estimation import RegionEstimate


def _definition(scope: str, condition: Condition | None) -> str:
    kind, _, layer = scope.partition(":")
    if condition is not None:
        return (
            "proper activation regions: full-dimensional patterns of all hidden units with the "
            "bits of the condition, whose part in the domain where its inequalities hold has an "
            "interior"
        )
    if kind == "own":
        return f"distinct patterns of the hidden units of layer {layer} alone, over all regions"
    units = "all hidden units" if kind == "all" else f"the hidden units of layers 1 to {layer}"
    return (
        f"proper activation regions: full-dimensional patterns of {units} that meet the "
        "domain's interior"
    )


def as_json(
    count: Count,
    estimate: RegionEstimate | None,
    scope: str,
    model: dict[str, Any],
    domain: dict[str, Any],
    condition: Condition | None = None,
) -> dict[str, Any]:
    """The answer as docs/reference/json.md describes it."""
    from cpwl_milp.cli.estimate.answer import estimate_json
    from cpwl_milp.core.versions import versions

    return {
        "schema": "cpwl-milp/count/1",
        "model": model,
        "domain": domain,
        "engine": count.engine,
        "scope": scope,
        "definition": _definition(scope, condition),
        "condition": None if condition is None else condition.to_json(),
        "complete": count.complete,
        "reason": count.reason,
        "regions": count.regions.lower,
        "lower": count.regions.lower,
        "upper": count.regions.upper,
        "estimate": None if estimate is None else estimate_json(estimate)["estimate"],
        "found": count.found,
        "thin_patterns": count.thin,
        "linear_regions": count.linear_regions,
        "affine_maps": count.affine_maps,
        "layers": [
            {
                "layer": layer.layer,
                "units": layer.units,
                "always_active": layer.always_active,
                "always_inactive": layer.always_inactive,
                "unstable": layer.unstable,
                "prefix_regions": layer.prefix.lower if layer.prefix.complete else None,
                "prefix_complete": layer.prefix.complete,
                "prefix_lower": layer.prefix.lower,
                "prefix_upper": layer.prefix.upper,
                "own_patterns": layer.own.lower if layer.own.complete else None,
                "own_patterns_complete": layer.own.complete,
                "own_lower": layer.own.lower,
                "own_upper": layer.own.upper,
                "upper_bound": layer.upper_bound,
            }
            for layer in count.layers
        ],
        "decisions": count.decisions,
        "proof": None if count.proof is None else count.proof.to_json(),
        "seconds": round(count.seconds, 3),
        "versions": versions(),
    }


def show(
    count: Count,
    estimate: RegionEstimate | None,
    scope: str,
    condition: Condition | None = None,
) -> None:
    """The answer for people."""
    from cpwl_milp.cli.estimate.answer import headline
    from cpwl_milp.report.tables import bracket_text, count_text, show_table

    kind, _, layer = scope.partition(":")
    what = {
        "all": "regions",
        "prefix": f"regions of layers 1 to {layer}",
        "own": f"own patterns of layer {layer}",
    }[kind]
    if condition is not None:
        what += " that meet the condition"
    lower, upper = count_text(count.regions.lower), count_text(count.regions.upper)
    if count.complete:
        click.echo(f"{lower} {what} (exact, engine {count.engine})")
    else:
        click.echo(
            f"between {lower} and {upper} {what} (incomplete: "
            f"{count.reason.removeprefix('unresolved: ')}; "
            f"engine {count.engine}, {count.found:,} found)"
        )
    if estimate is not None:
        click.echo(headline(estimate))
    if count.linear_regions is not None:
        click.echo(
            f"{count.linear_regions:,} linear regions, {count.affine_maps:,} distinct affine maps"
        )
    if count.thin:
        click.echo(f"{count.thin:,} thin patterns met (no interior, not counted)")
    show_table(
        "per layer",
        ("layer", "units", "active", "inactive", "unstable", "prefix regions", "own", "bound"),
        [
            (
                str(layer.layer),
                str(layer.units),
                str(layer.always_active),
                str(layer.always_inactive),
                str(layer.unstable),
                bracket_text(layer.prefix.lower, layer.prefix.upper),
                bracket_text(layer.own.lower, layer.own.upper),
                count_text(layer.upper_bound),
            )
            for layer in count.layers
        ],
    )
    ties = count.decisions.get("ties", 0)
    note = f"; {ties:,} decisions were ties within rounding" if ties else ""
    if count.proof is not None:
        click.echo(proof_text(count.proof.to_json()))
    click.echo(f"{count.seconds:.2f} s{note}")
