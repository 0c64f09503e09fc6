"""Information planes and courses along training, as the field draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, SymLogNorm

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.report.panels import fields, save

_MAP = matplotlib.colormaps["gnuplot"]


@dataclass(frozen=True, eq=False)
class PlanePanel:
    """One information plane.

    Attributes
    ----------
    title, x_axis, y_axis : str
        With the estimator and the unit.
    x, y : ndarray, shape (n_epochs, n_layers)
        NaN where there is no value.
    x_most, y_most : float or None
        H(X) and H(Y), drawn as dotted limits.
    """

    title: str
    x_axis: str
    y_axis: str
    x: Dense
    y: Dense
    x_most: float | None = None
    y_most: float | None = None


@dataclass(frozen=True, eq=False)
class CoursePanel:
    """One quantity by epoch, a line for each layer.

    Attributes
    ----------
    title, axis : str
    values : ndarray, shape (n_epochs, n_layers)
    bands : ndarray, shape (n_epochs, n_layers, 2), or None
        For instance the null's range; drawn in the layer's colour.
    limits : mapping of str to float
        Dotted lines by name.
    """

    title: str
    axis: str
    values: Dense
    bands: Dense | None = None
    limits: Mapping[str, float] = field(default_factory=dict)


def draw_planes(path: Path, panels: Sequence[PlanePanel], epochs: Vector) -> None:
    """Draw planes side by side: a point for each layer and epoch, a thin line joining layers.

    Parameters
    ----------
    path : Path
        Ends in .svg or .png.
    panels : sequence of PlanePanel
    epochs : ndarray, shape (n_epochs,)
    """
    figure, places = fields(len(panels), 4.6, 3.9)
    # Epochs are spread like their logarithm, with 0 among them.
    norm: Normalize = SymLogNorm(1.0, vmin=float(epochs.min()), vmax=max(float(epochs.max()), 1.0))
    for axes, panel in zip(places, panels, strict=True):
        for epoch, x, y in zip(epochs, panel.x, panel.y, strict=True):
            colour = _MAP(norm(epoch))
            axes.plot(x, y, color=colour, linewidth=0.5, alpha=0.5, zorder=1)
        for layer in range(panel.x.shape[1]):
            axes.scatter(
                panel.x[:, layer], panel.y[:, layer], c=epochs, cmap=_MAP, norm=norm,
                s=22, zorder=2, edgecolors="black", linewidths=0.3,
            )  # fmt: skip
            axes.annotate(
                str(layer + 1), (panel.x[-1, layer], panel.y[-1, layer]),
                xytext=(4, 4), textcoords="offset points", fontsize=8,
            )  # fmt: skip
        if panel.x_most is not None:
            axes.axvline(panel.x_most, color="0.5", linestyle=":", linewidth=0.8)
        if panel.y_most is not None:
            axes.axhline(panel.y_most, color="0.5", linestyle=":", linewidth=0.8)
        axes.set(title=panel.title, xlabel=panel.x_axis, ylabel=panel.y_axis)
    bar = figure.colorbar(ScalarMappable(norm, _MAP), ax=places, label="epoch")
    ticks = sorted({float(epochs[k]) for k in np.linspace(0, len(epochs) - 1, 6).astype(int)})
    bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    save(figure, path)


def draw_course_by_epoch(path: Path, panels: Sequence[CoursePanel], epochs: Vector) -> None:
    """Draw quantities by epoch, a line for each layer.

    Parameters
    ----------
    path : Path
        Ends in .svg or .png.
    panels : sequence of CoursePanel
    epochs : ndarray, shape (n_epochs,)
    """
    figure, places = fields(len(panels), 4.4, 3.3)
    most = max(panel.values.shape[1] for panel in panels)
    with_legend = next(k for k, panel in enumerate(panels) if panel.values.shape[1] == most)
    for place, (axes, panel) in enumerate(zip(places, panels, strict=True)):
        for layer in range(panel.values.shape[1]):
            # A layer has one colour in all panels.
            colour = matplotlib.colormaps["viridis"](layer / max(1, most - 1))
            axes.plot(
                epochs, panel.values[:, layer], marker="o", markersize=3, color=colour,
                label=f"layer {layer + 1}",
            )  # fmt: skip
            if panel.bands is not None:
                low, high = panel.bands[:, layer].T
                axes.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
        for name, value in panel.limits.items():
            axes.axhline(value, color="0.5", linestyle=":", linewidth=0.8, label=name)
        if epochs.max() > 20:
            axes.set_xscale("symlog", linthresh=1.0)
            axes.set_xlim(float(epochs.min()), float(epochs.max()) * 1.15)
        axes.set(title=panel.title, xlabel="epoch", ylabel=panel.axis)
        if place == with_legend:
            axes.legend(fontsize="x-small")
    save(figure, path)
