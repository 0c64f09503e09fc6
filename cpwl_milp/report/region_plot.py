"""The regions of a two-dimensional domain as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path as FilePath

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, PathPatch, Polygon
from matplotlib.path import Path
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.pattern import Packed
from cpwl_milp.partition.outlines import Outline
from cpwl_milp.partition.polygons import Polygons
from cpwl_milp.storage.atomic import write_whole

FORMATS = (".png", ".svg")
# Colours of layers and classes; they come again after ten.
_TEN = matplotlib.colormaps["tab10"]
_MASSES = matplotlib.colormaps["YlGnBu"]
_EMPTY = (0.95, 0.95, 0.95)
# Lines thinner than this, in points, are no longer seen.
_THINNEST, _THICKEST = 0.05, 0.6

# Bits of patterns that are handled as float64 at once: 64 MB.
_BITS_AT_ONCE = 1 << 23


@dataclass(frozen=True)
class MassScale:
    """The shares that the ends of the colour scale stand for, and what they are of."""

    least: float
    largest: float
    label: str

    @property
    def norm(self) -> LogNorm:
        """From shares to 0..1, by their logarithm."""
        return LogNorm(self.least, max(self.largest, 1.0001 * self.least))


@dataclass(frozen=True, eq=False)
class RegionPicture:
    """What is drawn.

    Attributes
    ----------
    polygons : Polygons
    outline : Outline
    fills : ndarray, shape (n_polygons, 3)
        Colours, 0 to 1.
    layers : ndarray of int, shape (n_vertices,), or None
        The layer from 1 whose unit draws the edge after each vertex, 0 where nothing is to be
        drawn: then lines are drawn in the colours of layers in place of fills.
    axis_names : sequence of str
    title : str
    points : ndarray, shape (n, 2), or None
        Samples on top.
    classes : ndarray, shape (n,), or None
        Their colours.
    legend : dict of str to (red, green, blue)
    scale : MassScale or None
        What the fills of regions coloured by mass mean.
    """

    polygons: Polygons
    outline: Outline
    fills: Dense
    layers: NDArray[np.int64] | None
    axis_names: Sequence[str]
    title: str
    points: Dense | None = None
    classes: NDArray[np.intp] | None = None
    legend: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    scale: MassScale | None = None


def draw_regions(path: FilePath, picture: RegionPicture) -> None:
    """Draw regions, with samples on top if there are any.

    Parameters
    ----------
    path : pathlib.Path
        Ends in .png or .svg.
    picture : RegionPicture

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
    _fill(axes, picture)
    if picture.points is not None:
        axes.scatter(
            picture.points[:, 0],
            picture.points[:, 1],
            color="black" if picture.classes is None else layer_colours(picture.classes + 1),
            s=6,
            linewidths=0.3,
            edgecolors="black",
            zorder=3,
        )
    _frame(axes, picture)
    if picture.scale is not None:
        shades = ScalarMappable(picture.scale.norm, _MASSES)
        figure.colorbar(shades, ax=axes, label=picture.scale.label, shrink=0.8)
    _write(figure, path, kind)


def _fill(axes: Axes, picture: RegionPicture) -> None:
    line = float(np.clip(12.0 / np.sqrt(max(1, len(picture.polygons))), _THINNEST, _THICKEST))
    shapes: list[Artist] = (
        _filled(picture, line) if picture.layers is None else _lines(picture, picture.layers, line)
    )
    for shape in shapes:
        axes.add_artist(shape)
    if picture.outline.disc is not None:
        disc = picture.outline.disc
        rim = Circle((disc.centre[0], disc.centre[1]), disc.radius, fill=False, linewidth=0.6)
        axes.add_patch(rim)
        for shape in shapes:
            shape.set_clip_path(rim)


def _filled(picture: RegionPicture, line: float) -> list[Artist]:
    polygons = picture.polygons
    return [
        PolyCollection(
            [polygons[k] for k in range(len(polygons))],
            facecolors=picture.fills,
            edgecolors="white",
            linewidths=line,
        )
    ]


def _lines(picture: RegionPicture, layers: NDArray[np.int64], line: float) -> list[Artist]:
    """One path for all lines of a layer: a picture of 10^5 of them stays small and fast."""
    polygons = picture.polygons
    shapes: list[Artist] = [
        Polygon(picture.outline.corners, facecolor="0.97", edgecolor="black", linewidth=0.6)
    ]
    for layer in np.unique(layers[layers > 0]):
        drawn = layers == layer
        ends = np.stack(
            [polygons.vertices[drawn], polygons.vertices[polygons.following[drawn]]], axis=1
        ).reshape(-1, 2)
        codes = np.tile(np.array([Path.MOVETO, Path.LINETO], dtype=np.uint8), len(ends) // 2)
        colour = tuple(layer_colours(np.array([layer]))[0])
        shapes.append(
            PathPatch(Path(ends, codes), facecolor="none", edgecolor=colour, linewidth=2 * line)
        )
    return shapes


def _frame(axes: Axes, picture: RegionPicture) -> None:
    corners = picture.outline.corners
    low, high = corners.min(axis=0), corners.max(axis=0)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    widths = high - low
    axes.set_aspect("equal" if widths.max() <= 4 * widths.min() else "auto")
    axes.set_xlabel(picture.axis_names[0])
    axes.set_ylabel(picture.axis_names[1])
    axes.set_title(picture.title)
    if picture.legend:
        handles = [Line2D([], [], color=c, lw=4, label=name) for name, c in picture.legend.items()]
        axes.legend(handles=handles, loc="upper right", fontsize="small", framealpha=0.9)


def _write(figure: Figure, path: FilePath, kind: str) -> None:
    # A fixed salt gives the same file for the same picture.
    content = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "cpwl-milp"}):
        metadata = {"Date": None} if kind == ".svg" else None
        figure.savefig(content, format=kind[1:], dpi=150, metadata=metadata)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content.getvalue())
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "a writable file") from None


def pattern_colours(patterns: Packed) -> Dense:
    """A colour for each pattern, (n, 3) in 0..1; it depends on the pattern alone.

    Each bit pulls hue and lightness its own way, so that neighbours, which differ in few bits,
    differ visibly.
    """
    n_bits = 8 * patterns.shape[1]
    random = np.random.default_rng(20)
    steps = random.uniform(0.07, 1.0, size=(n_bits, 3))
    # Some thousand at a time: wide networks have long patterns.
    size = max(1, _BITS_AT_ONCE // n_bits)
    parts = [np.zeros((0, 3))]
    for start in range(0, len(patterns), size):
        bits = np.unpackbits(patterns[start : start + size], axis=1, bitorder="little")
        parts.append(bits.astype(np.float64) @ steps % 1.0)
    hue, saturation, value = np.concatenate(parts).T
    colours: Dense = np.asarray(
        matplotlib.colors.hsv_to_rgb(
            np.stack([hue, 0.15 + 0.35 * saturation, 0.8 + 0.17 * value], axis=1)
        )
    )
    return colours


def mass_colours(counts: NDArray[np.int64], n_samples: int) -> tuple[Dense, MassScale]:
    """Colours of regions by their share of the samples, (n, 3), on a logarithmic scale.

    Regions without a sample are light grey.
    """
    occupied = counts > 0
    shares = counts / n_samples
    largest = float(shares.max(initial=1.0 / n_samples))
    scale = MassScale(1.0 / n_samples, largest, f"share of {n_samples:,} samples in the region")
    colours = np.tile(_EMPTY, (len(counts), 1))
    colours[occupied] = _MASSES(scale.norm(shares[occupied]))[:, :3]
    return colours, scale


def class_colours(classes: NDArray[np.int64]) -> Dense:
    """The light tint of each class's colour, (n, 3); samples of the class have the full one."""
    return np.asarray(0.55 + 0.45 * layer_colours(classes + 1))


def layer_colours(layers: NDArray[np.int64]) -> Dense:
    """A colour for each layer from 1, (n, 3)."""
    return np.asarray(_TEN(np.asarray(layers - 1) % 10))[:, :3]
