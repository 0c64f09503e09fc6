"""Linear terms as pictures: pairs of terms, extracted classifiers, rays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cpwl_milp.core.affine import Vector
from cpwl_milp.report.local_plots import Panel, draw_distributions, new_fields, save


def draw_pairs(path: Path, pairs: Mapping[str, tuple[Vector, Vector]]) -> None:
    """Draw how far pairs of terms are apart.

    Parameters
    ----------
    path : Path
        Ends in .svg or .png.
    pairs : mapping from group to (angles in degrees, distances)
    """
    panels = [
        Panel("angle", "degrees", False, {name: both[0] for name, both in pairs.items()}),
        Panel("distance", "Euclidean", False, {name: both[1] for name, both in pairs.items()}),
    ]
    draw_distributions(path, panels, "terms of test points against terms of training points")


def draw_rays(path: Path, pattern: Mapping[str, Vector], label: Mapping[str, Vector]) -> None:
    """Draw distances to the first other pattern and class."""
    panels = [
        Panel("first other pattern", "distance", True, pattern),
        Panel("first other class", "distance", True, label),
    ]
    draw_distributions(path, panels, "along random rays")


def draw_shares(
    path: Path,
    sets: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float | None]]],
) -> None:
    """Draw agreement and accuracy of classifiers extracted from shares of the training points.

    Parameters
    ----------
    path : Path
        Ends in .svg or .png.
    sets : mapping from name to (shares, agreements, accuracies)
    """
    figure, fields = new_fields(1)
    (axes,) = fields
    for name, (shares, agreement, accuracy) in sets.items():
        (line,) = axes.plot(shares, agreement, marker="o", label=f"agreement, {name}")
        there = [(s, a) for s, a in zip(shares, accuracy, strict=True) if a is not None]
        if there:
            axes.plot(
                *zip(*there, strict=True),
                linestyle="--",
                color=line.get_color(),
                label=f"accuracy, {name}",
            )
    axes.set(xlabel="share of the training points", ylabel="share of points", ylim=(None, 1.02))
    axes.legend(fontsize="small")
    save(figure, path, "extracted classifiers")
