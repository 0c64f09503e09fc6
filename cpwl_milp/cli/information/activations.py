"""Estimators on the values of layers: their options, and their part of an answer."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cpwl_milp.information.activations.measure import ActivationSettings, LayerActivations
    from cpwl_milp.information.labels import Labels
    from cpwl_milp.onnx_io.activations import ActivationModel, LayerTensor

_Command = Callable[..., Any]
_NAMES = ("binning", "kde", "neighbours", "propagation")


@dataclass(frozen=True)
class ActivationRequest:
    """Which estimators, and their parameters, as typed."""

    estimators: tuple[str, ...]
    bins: int | None
    bin_width: float | None
    bin_range: tuple[float, float] | None
    sigma: float
    neighbours: int
    noise: str
    noise_draws: int

    def settings(self, *, population: bool, permutations: int, seed: int) -> ActivationSettings:
        """As the estimators take them."""
        from cpwl_milp.information.activations.binning import BinRule
        from cpwl_milp.information.activations.measure import ActivationSettings

        low, high = self.bin_range or (None, None)
        count = self.bins or (30 if self.bin_width is None else None)
        return ActivationSettings(
            estimators=self.estimators,
            bins=BinRule(self.bin_width, count, low, high),
            sigma=self.sigma,
            neighbours=self.neighbours,
            noise=self.noise,
            n_draws=self.noise_draws,
            population=population,
            n_permutations=permutations,
            seed=seed,
        )


def activation_options(command: _Command) -> _Command:
    """Add the options; the command gets `activations`, None where no estimator was asked for."""

    @_listed
    @functools.wraps(command)
    def gathered(
        estimators: tuple[str, ...],
        bins: int | None,
        bin_width: float | None,
        bin_range: tuple[float, float] | None,
        sigma: float,
        neighbours: int,
        noise: str,
        noise_draws: int,
        **rest: Any,
    ) -> Any:
        if bins is not None and bin_width is not None:
            raise click.UsageError("--bins and --bin-width exclude each other")
        if bin_range is not None and bin_width is not None:
            raise click.UsageError("--bin-range goes with --bins: a width is a grid without ends")
        request = ActivationRequest(
            estimators, bins, bin_width, bin_range, sigma, neighbours, noise, noise_draws
        )
        return command(activations=request if estimators else None, **rest)

    return gathered


def _estimators(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...]:
    if value is None:
        return ()
    names = _NAMES if value == "all" else tuple(value.split(","))
    for name in names:
        if name not in _NAMES:
            raise click.BadParameter(f"{name!r} is none of {', '.join(_NAMES)}, all")
    return names


def _range(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[float, float] | None:
    if value is None:
        return None
    try:
        low, high = (float(part) for part in value.split(","))
    except ValueError:
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise click.BadParameter(f"{value!r} is no LO,HI with LO < HI: -1,1")
    return low, high


_POSITIVE = click.FloatRange(min=0, min_open=True)
_OPTIONS = (
    click.option(
        "--activations",
        "estimators",
        callback=_estimators,
        metavar="NAMES",
        help=f"Estimators on the layers' values: {','.join(_NAMES)}, or all.",
    ),
    click.option(
        "--bins", type=click.IntRange(min=1), metavar="K", help="Bins of a unit (default: 30)."
    ),
    click.option(
        "--bin-width", type=_POSITIVE, metavar="W", help="Bins of this width, in place of --bins."
    ),
    click.option(
        "--bin-range",
        callback=_range,
        metavar="LO,HI",
        help="Where --bins lie (default: the layer's range); the outer ones take what is beyond.",
    ),
    click.option(
        "--sigma",
        type=_POSITIVE,
        default=0.1,
        show_default=True,
        help="Standard deviation of the noise of kde and propagation.",
    ),
    click.option(
        "--neighbours",
        type=click.IntRange(min=1),
        default=3,
        show_default=True,
        metavar="K",
        help="Which nearest neighbour.",
    ),
    click.option(
        "--noise",
        type=click.Choice(["last", "each"]),
        default="last",
        show_default=True,
        help="Propagation: noise at the layer looked at alone, or at each layer up to it.",
    ),
    click.option(
        "--noise-draws",
        type=click.IntRange(min=1),
        default=10,
        show_default=True,
        metavar="M",
        help="Propagation: noise vectors for each sample.",
    ),
)


def _listed(command: _Command) -> _Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def measured_activations(
    model: ActivationModel,
    rows: NDArray[np.generic],
    labels: Labels | None,
    settings: ActivationSettings,
) -> tuple[tuple[LayerTensor, LayerActivations], ...]:
    """Every layer of the model with what its values say."""
    import numpy as np

    from cpwl_milp.information.activations.measure import measure_activations

    each = settings.noise == "each" and "propagation" in settings.estimators
    found = measure_activations(
        model.values(rows),
        labels,
        settings,
        inputs=np.asarray(rows, dtype=np.float64) if each else None,
        stages=model.stages(rows) if each else (),
    )
    return tuple(zip(model.layers, found, strict=True))


def as_json(found: tuple[tuple[LayerTensor, LayerActivations], ...]) -> list[dict[str, Any]]:
    """The field ``activations``."""
    return [
        {"layer": k, "tensor": tensor.name, "operator": tensor.operator, **layer.as_json()}
        for k, (tensor, layer) in enumerate(found, start=1)
    ]


def notes_on(
    found: tuple[tuple[LayerTensor, LayerActivations], ...], settings: ActivationSettings
) -> list[str]:
    """What is to say of these numbers, for the answer's notes."""
    from cpwl_milp.information.activations import measure

    return list(measure.notes_on([layer for _, layer in found], settings))


def show_activations(answer: dict[str, Any]) -> None:
    """Print the table of the layers' values."""
    from cpwl_milp.report.tables import show_table

    settings = answer["activation_settings"]
    bins = settings["bins"]
    rule = f"width {bins['width']:g}" if bins["width"] else f"{bins['count']} bins a unit"
    show_table(
        f"values of layers (bits): {rule}, sigma {settings['sigma']:g}, noise at "
        f"{settings['noise']}",
        (
            *("layer", "values of", "units", "satur.", "H(bin)", "I(bin;Y)", "I(X;T) kde"),
            *("I(X;T+Z)", "I(Y;T+Z)", "I(T;Y)"),
        ),
        [_line(layer) for layer in answer["activations"]],
    )


def _line(layer: dict[str, Any]) -> tuple[str, ...]:
    binning, kde = layer["binning"] or {}, layer["kde"]
    noisy, near = layer["propagation"] or {}, layer["neighbours"] or {}
    told = binning.get("mi_labels_bits") or {}
    bounds = "-"
    if kde is not None:
        bounds = f"{kde['mi_inputs_lower_bits']:.2f}..{kde['mi_inputs_upper_bits']:.2f}"
    return (
        str(layer["layer"]),
        layer["operator"],
        f"{layer['units']:,}",
        f"{layer['clustering']['saturation']:.3f}",
        _number(binning.get("entropy_bits", {}).get("plugin")),
        _number(told.get("plugin")),
        bounds,
        _with_error(noisy.get("mi_inputs_bits"), noisy.get("mi_inputs_error")),
        _with_error(noisy.get("mi_labels_bits"), noisy.get("mi_labels_error")),
        _number(near.get("mi_labels_bits")),
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _with_error(value: float | None, error: float | None) -> str:
    return "-" if value is None else f"{value:.3f} ±{1.96 * (error or 0.0):.3f}"
