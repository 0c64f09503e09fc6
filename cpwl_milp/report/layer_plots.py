"""What layers hold: entropies and counts by layer, and the masses of regions by rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.report.panels import fields, save

_TEN = matplotlib.colormaps["tab10"]


@dataclass(frozen=True, eq=False)
class LayerCurve:
    """A number of each layer; curves of one name have one colour.

    Attributes
    ----------
    name : str
    values : ndarray, shape (n_layers,)
        NaN where there is none.
    band : ndarray, shape (n_layers, 2), or None
    dashed : bool
        A second estimate of what the curve of this name shows: no entry in the legend.
    """

    name: str
    values: Vector
    band: Dense | None = None
    dashed: bool = False


@dataclass(frozen=True, eq=False)
class LayerPanel:
    """Curves of one unit.

    Attributes
    ----------
    title, axis : str
        The axis with unit and estimator.
    curves : sequence of LayerCurve
    limits : mapping of str to float
        Dotted lines by name.
    logarithmic : bool
    """

    title: str
    axis: str
    curves: Sequence[LayerCurve]
    limits: Mapping[str, float] = field(default_factory=dict)
    logarithmic: bool = False


@dataclass(frozen=True, eq=False)
class RankPanel:
    """How the mass is spread over regions, a line for each layer.

    Attributes
    ----------
    title, axis : str
        The axis with what the share is of, and the estimator.
    shares : sequence of ndarray
        Of each layer, in any order.
    least : float or None
        The share of one sample, drawn as a dotted line.
    """

    title: str
    axis: str
    shares: Sequence[Vector]
    least: float | None = None


def draw_by_layer(path: Path, panels: Sequence[LayerPanel]) -> None:
    """Draw curves by layer, panels side by side.

    Parameters
    ----------
    path : Path
        Ends in .svg or .png.
    panels : sequence of LayerPanel

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    figure, places = fields(len(panels), 4.4, 3.5)
    for axes, panel in zip(places, panels, strict=True):
        names = list(dict.fromkeys(curve.name for curve in panel.curves))
        for curve in panel.curves:
            _draw(axes, curve, _TEN(names.index(curve.name)))
        for name, value in panel.limits.items():
            axes.axhline(value, color="0.5", linestyle=":", linewidth=0.8, label=name)
        if panel.logarithmic:
            axes.set_yscale("log")
        axes.set(title=panel.title, xlabel="layer", ylabel=panel.axis)
        axes.set_xticks(range(1, len(panel.curves[0].values) + 1))
        axes.legend(fontsize="x-small")
    save(figure, path)


def _draw(axes: Axes, curve: LayerCurve, colour: tuple[float, ...]) -> None:
    layers = np.arange(1, len(curve.values) + 1)
    axes.plot(
        layers,
        curve.values,
        color=colour,
        marker="" if curve.dashed else "o",
        linestyle="--" if curve.dashed else "-",
        label="_" if curve.dashed else curve.name,
    )
    if curve.band is not None:
        axes.fill_between(layers, *curve.band.T, color=colour, alpha=0.2, linewidth=0)


def draw_by_rank(path: Path, panels: Sequence[RankPanel]) -> None:
    """Draw the share of each region against its rank, the largest first, both logarithmic.

    Parameters
    ----------
    path : Path
        Ends in .svg or .png.
    panels : sequence of RankPanel

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    figure, places = fields(len(panels), 4.4, 3.5)
    for axes, panel in zip(places, panels, strict=True):
        for layer, shares in enumerate(panel.shares):
            colour = matplotlib.colormaps["viridis"](layer / max(1, len(panel.shares) - 1))
            ranks, ordered = _thinned(np.sort(shares)[::-1])
            axes.plot(
                ranks, ordered, color=colour, marker="o", markersize=2,
                label=f"layer {layer + 1}: {len(shares):,}",
            )  # fmt: skip
        if panel.least is not None:
            axes.axhline(panel.least, color="0.5", linestyle=":", linewidth=0.8, label="one sample")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set(title=panel.title, xlabel="rank of the region", ylabel=panel.axis)
        axes.legend(fontsize="x-small")
    save(figure, path)


def _thinned(ordered: Vector, most: int = 400) -> tuple[Vector, Vector]:
    """The values and their ranks; of many, evenly spaced ones on the logarithmic axis."""
    n = len(ordered)
    ranks = (
        np.unique(np.geomspace(1, n, most).round().astype(int)) if n > most else np.arange(n) + 1
    )
    return ranks.astype(np.float64), ordered[ranks - 1]
