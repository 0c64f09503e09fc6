"""Densities beside the regions as bins: their options, and their part of an answer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cpwl_milp.core.domain import Domain
    from cpwl_milp.onnx_io import ImportedModel

_NAMES = ("regions", "histogram", "kde", "gmm")


@dataclass(frozen=True)
class DensityRequest:
    """Which densities, and the file of held-out samples where there is one, as typed."""

    densities: tuple[str, ...]
    held_out: str | None

    def compared(
        self, imported: ImportedModel, where: Domain, rows: NDArray[np.generic], seed: int
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The field ``density``, and notes on it."""
        from cpwl_milp.cli.arguments import question
        from cpwl_milp.information.density.comparison import NOTES, compare_densities, halves
        from cpwl_milp.storage.arrays import read_samples

        if self.held_out is None:
            first, second = halves(len(rows), seed)
            train, held_out = rows[first], rows[second]
        else:
            train, held_out = (
                rows,
                read_samples(
                    self.held_out,
                    imported.network.n_inputs,
                    input_shape=question.sample_shape(imported),
                ),
            )
        found = compare_densities(
            imported.network, where, train, held_out, densities=self.densities, seed=seed
        )
        return {"held_out": self.held_out, **found.as_json()}, NOTES


def density_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --density and --held-out; the command gets `density`, None where not asked for."""

    @click.option(
        "--density",
        "densities",
        callback=_densities,
        metavar="NAMES",
        help="The regions of a box as bins of a density, judged on held-out samples beside "
        f"others: {','.join(_NAMES)}, or all.",
    )
    @click.option(
        "--held-out",
        metavar="FILE",
        help="Samples to judge densities by (default: a random half of --data).",
    )
    @functools.wraps(command)
    def gathered(densities: tuple[str, ...], held_out: str | None, **rest: Any) -> Any:
        if held_out is not None and not densities:
            raise click.UsageError("--held-out goes with --density")
        request = DensityRequest(densities, held_out) if densities else None
        return command(density=request, **rest)

    return gathered


def _densities(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...]:
    if value is None:
        return ()
    names = _NAMES if value == "all" else tuple(value.split(","))
    for name in names:
        if name not in _NAMES:
            raise click.BadParameter(f"{name!r} is none of {', '.join(_NAMES)}, all")
    return names


def show_density(found: dict[str, Any]) -> None:
    """Print the table of densities."""
    from cpwl_milp.report.tables import show_table

    click.echo(
        f"density: fitted to {found['n_train']:,} samples, judged by {found['n_held_out']:,}; "
        f"{found['outside_domain']:,} outside the domain and {found['at_boundaries']:,} at "
        "boundaries left out"
    )
    show_table(
        "held-out log2 density (bits a sample)",
        ("density", "cells", "occupied", "tuned", "log2 density", "over regions"),
        [_line(score) for score in found["scores"]],
    )


def _line(score: dict[str, Any]) -> tuple[str, ...]:
    layer, cells, occupied = score["layer"], score["cells"], score["occupied"]
    tuned = ", ".join(
        f"{value:.3g} {name.replace('_', ' ')}" for name, value in score["parameters"].items()
    )
    return (
        score["name"] + ("" if layer is None else f", layers 1-{layer}"),
        "-" if cells is None else f"{cells:,}",
        "-" if occupied is None else f"{occupied:,}",
        tuned or "-",
        _with_error(score["log2_density"], score["error"]),
        _with_error(score["over_regions"], score["over_regions_error"]),
    )


def _with_error(value: float, error: float) -> str:
    return f"{value:.3f} ±{1.96 * error:.3f}"
