"""What stands around points, as pictures: distributions, and their course along training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.errors import InputError
from cpwl_milp.storage.atomic import write_whole


@dataclass(frozen=True, eq=False)
class Panel:
    """One measure at one radius.

    Attributes
    ----------
    title : str
    axis : str
        What is measured.
    logarithmic : bool
        Whether its axis is.
    values : mapping from name of a set to ndarray
        For distributions, the values, shape (n,); for a course, shape (n_models, n).
    """

    title: str
    axis: str
    logarithmic: bool
    values: Mapping[str, Vector]


def draw_distributions(path: Path, panels: Sequence[Panel], title: str) -> None:
    """Draw the share of points below each value, a line for each set, a field for each panel.

    Parameters
    ----------
    path : Path
        Ends in .svg or .png.
    panels : sequence of Panel
    title : str
    """
    figure, fields = new_fields(len(panels))
    for axes, panel in zip(fields, panels, strict=True):
        for name, values in panel.values.items():
            finite = np.sort(values[np.isfinite(values)])
            if finite.size:
                share = np.arange(1, finite.size + 1) / finite.size
                axes.step(finite, share, where="post", label=f"{name} (n = {finite.size})")
        if panel.logarithmic and _positive(panel.values):
            axes.set_xscale("log")
        axes.set(title=panel.title, xlabel=panel.axis, ylabel="share of points", ylim=(0, 1.02))
    _with_legend(fields)
    save(figure, path, title)


def draw_course(path: Path, panels: Sequence[Panel], models: Sequence[str], title: str) -> None:
    """Draw medians over the models, a line for each set, and the first set's middle half.

    Parameters
    ----------
    path : Path
        Ends in .svg or .png.
    panels : sequence of Panel
    models : sequence of str
        Names along the axis, in order.
    title : str
    """
    figure, fields = new_fields(len(panels))
    places = np.arange(len(models))
    for axes, panel in zip(fields, panels, strict=True):
        for place, (name, values) in enumerate(panel.values.items()):
            low, middle, high = _quartiles(values)
            (line,) = axes.plot(places, middle, marker="o", label=name)
            if place == 0:
                # More bands than one cannot be told apart.
                axes.fill_between(
                    places, low, high, color=line.get_color(), alpha=0.15, linewidth=0
                )
        if panel.logarithmic and _positive(panel.values):
            axes.set_yscale("log")
        axes.set(title=panel.title, ylabel=panel.axis)
        axes.set_xticks(places, models, rotation=30, ha="right")
    _with_legend(fields)
    save(figure, path, title)


def _quartiles(values: Vector) -> tuple[Vector, Vector, Vector]:
    """Quartiles of each row's finite values; NaN where there is none."""
    found = np.full((3, len(values)), np.nan)
    for row, these in enumerate(values):
        finite = these[np.isfinite(these)]
        if finite.size:
            found[:, row] = np.quantile(finite, (0.25, 0.5, 0.75))
    return found[0], found[1], found[2]


def _positive(values: Mapping[str, Vector]) -> bool:
    finite = np.concatenate([v[np.isfinite(v)].ravel() for v in values.values()])
    return bool(finite.size) and bool(finite.min() > 0)


def new_fields(n: int):  # type: ignore[no-untyped-def]
    """Make a figure with so many fields."""
    columns = 2 if n == 4 else min(3, n)
    rows = -(-n // columns)
    figure = Figure(figsize=(4.6 * columns, 3.5 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    fields = list(np.atleast_1d(figure.subplots(rows, columns)).ravel())
    for spare in fields[n:]:
        spare.remove()
    return figure, fields[:n]


def _with_legend(fields) -> None:  # type: ignore[no-untyped-def]
    """One legend, as the lines are the same in all fields."""
    if fields and fields[0].get_legend_handles_labels()[0]:
        fields[0].legend(fontsize="small")


def save(figure: Figure, path: Path, title: str) -> None:
    """Write a figure, whole or not at all; the same bytes for the same picture."""
    figure.suptitle(title)
    kind = path.suffix.lower()
    picture = BytesIO()
    # A fixed salt gives the same file for the same picture.
    with matplotlib.rc_context({"svg.hashsalt": "cpwl-milp"}):
        metadata = {"Date": None} if kind == ".svg" else None
        figure.savefig(picture, format=kind[1:], dpi=150, metadata=metadata)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, picture.getvalue())
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "a writable file") from None
