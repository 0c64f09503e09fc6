"""The regions of a two-dimensional box as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.pattern import Packed
from cpwl_milp.partition.polygons import Polygons
from cpwl_milp.storage.atomic import write_whole

FORMATS = (".png", ".svg")


def draw_regions(
    path: Path,
    polygons: Polygons,
    patterns: Packed,
    box: Box,
    *,
    axis_names: Sequence[str],
    title: str,
    points: Dense | None = None,
    classes: np.ndarray | None = None,
) -> None:
    """Draw each region filled by its pattern, with samples on top if given.

    Parameters
    ----------
    path : Path
        Ends in .png or .svg.
    polygons : Polygons
    patterns : ndarray of uint8, shape (n_polygons, bytes)
    box : Box
        The domain, two-dimensional.
    axis_names : sequence of str
    title : str
    points : ndarray, shape (n, 2), optional
    classes : ndarray, shape (n,), optional
        Colours of the points.

    Raises
    ------
    InputError
        If the ending is neither, or the file cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise InputError(str(path), f"ending {path.suffix!r}", "a .png or .svg file")
    figure = Figure(figsize=(7.0, 7.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    line = float(np.clip(12.0 / np.sqrt(max(1, len(polygons))), 0.05, 0.6))
    axes.add_collection(
        PolyCollection(
            [polygons[k] for k in range(len(polygons))],
            facecolors=pattern_colours(patterns),
            edgecolors="white",
            linewidths=line,
        )
    )
    if points is not None:
        axes.scatter(
            points[:, 0],
            points[:, 1],
            c=classes,
            s=6,
            cmap="tab10",
            linewidths=0.3,
            edgecolors="black",
        )
    axes.set_xlim(box.lower[0], box.upper[0])
    axes.set_ylim(box.lower[1], box.upper[1])
    axes.set_aspect("equal" if _similar(box.half_widths) else "auto")
    axes.set_xlabel(axis_names[0])
    axes.set_ylabel(axis_names[1])
    axes.set_title(title)
    # A fixed salt gives the same file for the same picture.
    picture = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "cpwl-milp"}):
        metadata = {"Date": None} if kind == ".svg" else None
        figure.savefig(picture, format=kind[1:], dpi=150, metadata=metadata)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, picture.getvalue())
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "a writable file") from None


def pattern_colours(patterns: Packed) -> Dense:
    """A colour for each pattern, (n, 3) in 0..1; it depends on the pattern alone.

    Each bit pulls hue and lightness its own way, so that neighbours, which differ in few bits,
    differ visibly.
    """
    bits = np.unpackbits(patterns, axis=1, bitorder="little").astype(np.float64)
    random = np.random.default_rng(20)
    steps = random.uniform(0.07, 1.0, size=(bits.shape[1], 3))
    hue, saturation, value = (bits @ steps % 1.0).T
    colours: Dense = np.asarray(
        matplotlib.colors.hsv_to_rgb(
            np.stack([hue, 0.15 + 0.35 * saturation, 0.8 + 0.17 * value], axis=1)
        )
    )
    return colours


def _similar(half_widths: Dense) -> bool:
    return bool(half_widths.max() <= 4 * half_widths.min())
