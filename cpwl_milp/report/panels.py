"""Figures of several panels: how they are laid out and written."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cpwl_milp.core.errors import InputError
from cpwl_milp.storage.atomic import write_whole


def fields(n: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure with `n` panels, each of that size in inches, three in a row."""
    columns = min(3, n) if n != 4 else 2
    rows = -(-n // columns)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    found = list(np.atleast_1d(figure.subplots(rows, columns)).ravel())
    for spare in found[n:]:
        spare.remove()
    return figure, found[:n]


def save(figure: Figure, path: Path) -> None:
    """Write a figure as .svg or .png, the same bytes for the same picture.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
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
