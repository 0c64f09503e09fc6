"""How ``information`` prints what it answers on samples."""

from __future__ import annotations

from typing import Any

import click

from cpwl_milp.cli.information.activations import show_activations
from cpwl_milp.cli.information.density import show_density


def show(answer: dict[str, Any]) -> None:
    """Print the tables."""
    from cpwl_milp.report.tables import show_table

    samples = answer["samples"]
    if samples is not None:
        click.echo(
            f"{answer['n_samples']:,} samples: "
            f"{samples['outside_domain']:,} outside the domain, "
            f"{samples['near_zero']:,} near a boundary, "
            f"{samples['float32_bits_differ']:,} with other bits in float32"
        )
    labels = answer["labels"]
    if labels is not None:
        click.echo(f"{labels['classes']} classes, H(Y) = {labels['entropy_bits']:.4f} bits")
    run = answer["run"]
    if run is not None:
        click.echo(
            f"{run['regions_with_samples']:,} of {run['regions']:,} listed regions hold samples; "
            f"masses are in {run['path']}/mass"
        )
        if run["unlisted"]:
            click.echo(
                f"the run is incomplete: {run['unlisted']:,} samples lie in "
                f"{run['unlisted_patterns']:,} regions that it does not list"
            )
    if answer["layers"]:
        show_table(
            "regions as bins (bits)",
            (
                *(
                    "layer",
                    "patterns",
                    "seen",
                    "H",
                    "H grassberger",
                    "I(R;Y)",
                    "I mm",
                    "I null",
                    "p",
                ),
                *("unseen", "reliable"),
            ),
            [
                (str(layer["layer"]), kind, *_line(layer[kind], _listed(run, layer["layer"], kind)))
                for layer in answer["layers"]
                for kind in ("own", "prefix")
            ],
        )
    _show_shares(answer["layers"])
    _show_bottlenecks(answer["layers"])
    if answer.get("activations"):
        show_activations(answer)
    if answer.get("density"):
        show_density(answer["density"])
    for note in answer["notes"]:
        click.echo(f"- {note}")
    click.echo(f"- {answer['reliability_rule']}")
    for file in answer["figures"]:
        click.echo(f"written: {file}")


def _show_shares(layers: list[dict[str, Any]]) -> None:
    """The most probable regions, where inputs were drawn from a law."""
    shares = layers[-1]["prefix"].get("shares") if layers else None
    if shares:
        told = ", ".join(
            f"{one['share']:.3g} ({one['interval'][0]:.3g} to {one['interval'][1]:.3g})"
            for one in shares[:3]
        )
        click.echo(f"most probable regions, share of the draws and 95 %: {told}")


def _show_bottlenecks(layers: list[dict[str, Any]]) -> None:
    from cpwl_milp.report.tables import show_table

    if not layers or layers[0].get("bottleneck") is None:
        return
    rows = []
    for layer in layers:
        narrow = layer["bottleneck"]
        rank, functional = narrow["rank"], narrow["functional"]
        told = functional["mi_labels_bits"] or {}
        rows.append(
            (
                str(layer["layer"]),
                f"{layer['own']['regions_seen']:,}",
                f"{layer['prefix']['regions_seen']:,}",
                f"{narrow['growth']:.3g}",
                f"{rank['least']}",
                f"{rank['mean']:.2f}",
                f"{rank['largest']}",
                f"{functional['regions_seen']:,}",
                _bits(functional["entropy_bits"]["plugin"]),
                _bits(told.get("plugin")),
                _bits(told.get("null_mean")),
            )
        )
    show_table(
        "bottlenecks",
        (
            *("layer", "own", "prefix", "growth", "least rank", "mean", "largest"),
            *("functional", "H", "I(F;Y)", "I null"),
        ),
        rows,
    )


def _listed(run: dict[str, Any] | None, layer: int, kind: str) -> int | None:
    """How many patterns of that kind the run lists."""
    if run is None:
        return None
    name = "own_patterns" if kind == "own" else "prefix_regions"
    return int(run[name][layer - 1])


def _line(part: dict[str, Any], listed: int | None) -> tuple[str, ...]:
    entropy, mutual = part["entropy_bits"], part["mi_labels_bits"] or {}
    seen = f"{part['regions_seen']:,}" + ("" if listed is None else f" of {listed:,}")
    grassberger = _bits(entropy["grassberger"])
    if part["entropy_interval_bits"] is not None:
        low, high = part["entropy_interval_bits"]
        grassberger += f" ±{(high - low) / 2:.3f}"
    p = mutual.get("null_p")
    return (
        seen,
        _bits(entropy["plugin"]),
        grassberger,
        _bits(mutual.get("plugin")),
        _bits(mutual.get("miller_madow")),
        _bits(mutual.get("null_mean")),
        "-" if p is None else f"{p:.2g}",
        f"{part['missing_mass']:.3f}",
        "yes" if part["reliable"] else "no",
    )


def _bits(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
