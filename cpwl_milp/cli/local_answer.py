"""The answer of ``local``: as JSON, as tables, as files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli import question
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.versions import versions
from cpwl_milp.local.measures import MEASURES, ComparisonRow, Tables
from cpwl_milp.local.point_sets import PointSet
from cpwl_milp.local.statistics import QUANTILES
from cpwl_milp.local.survey import LocalSettings, Surroundings, Survey

if TYPE_CHECKING:
    from cpwl_milp.onnx_io import ImportedModel
    from cpwl_milp.report.local_plots import Panel

# What tables and figures show of the measures, and how they call it.
_SHOWN = {
    "regions": "regions",
    "log10_upper": "log10 BallBound",
    "boundary_distance": "distance to a boundary",
    "crossing_units": "crossing units",
}
_COMPARED = {
    "regions": "regions",
    "lower": "regions (order known)",
    "sampled_patterns": "sampled",
    "log10_upper": "log10 bound",
    "boundary_distance": "distance",
}
_LOGARITHMIC = ("regions", "lower", "boundary_distance")
_QUANTILE_NAMES = [f"{q:g}" for q in QUANTILES]
_DEFINITION = (
    "proper activation regions: full-dimensional patterns of all hidden units that meet the "
    "ball's interior"
)


@dataclass(frozen=True, eq=False)
class LocalAnswer:
    """What was found, and what it was asked of.

    Attributes
    ----------
    models : sequence of ImportedModel
    sets : sequence of PointSet
        The first is the data.
    settings : LocalSettings
    survey : Survey
    everywhere : sequence of int or None
        Serra's bound of each network on the whole space.
    """

    models: Sequence[ImportedModel]
    sets: Sequence[PointSet]
    settings: LocalSettings
    survey: Survey
    everywhere: Sequence[int | None]

    @property
    def complete(self) -> bool:
        """Whether every count that was asked for is exact."""
        counted = self.settings.limits is not None
        return not counted or all(one.count.complete for one in self.survey.found)

    @cached_property
    def names(self) -> list[str]:
        """Short names of the models, all different."""
        names = [Path(model.path).stem for model in self.models]
        if len(set(names)) < len(names):
            names = [str(Path(model.path).with_suffix("")) for model in self.models]
        return [name[_common(names) :] for name in names]

    @cached_property
    def tables(self) -> Tables:
        """Values by group."""
        return Tables(self.survey)


def _common(names: Sequence[str]) -> int:
    """How much the names of checkpoints say alike: epoch_0001, epoch_0100."""
    same = 0
    for letters in zip(*names, strict=False):
        if len(set(letters)) > 1:
            break
        same += 1
    return max(names[0][:same].rfind(mark) + 1 for mark in "_-/.") if len(names) > 1 else 0


def as_json(answer: LocalAnswer, files: Sequence[Path]) -> dict[str, Any]:
    """The whole answer."""
    settings, survey = answer.settings, answer.survey
    return {
        "schema": "cpwl-milp/local/1",
        "models": [question.described(model) for model in answer.models],
        "definition": _DEFINITION,
        "norm": settings.norm,
        "radii": list(settings.radii),
        "sets": [{"name": points.name, "points": len(points)} for points in answer.sets],
        "complete": answer.complete and not survey.interrupted,
        "reason": "interrupted" if survey.interrupted else _first_reason(answer),
        "global_bounds": [
            {
                "model": place,
                "name": "serra2018",
                "value": value,
                "log10": None if value is None else math.log10(value),
            }
            for place, value in enumerate(answer.everywhere)
        ],
        "points": [_point(one) for one in survey.found],
        "summary": [
            {
                "model": row.model,
                "set": row.points,
                "label": row.label,
                "radius": row.radius,
                "measure": row.measure,
                "n": row.summary.n,
                "mean": row.summary.mean,
                "median": row.summary.median,
                "least": row.summary.least,
                "largest": row.summary.largest,
                "quantiles": dict(zip(_QUANTILE_NAMES, row.summary.quantiles, strict=True))
                if row.summary.n
                else None,
            }
            for row in answer.tables.summaries()
        ],
        "comparisons": [_comparison(row) for row in answer.tables.comparisons("data")],
        "course": [_comparison(row) for row in answer.tables.course()],
        "files": [str(file) for file in files],
        "seconds": round(survey.seconds, 3),
        "versions": versions(),
    }


def _first_reason(answer: LocalAnswer) -> str:
    if answer.settings.limits is None:
        return ""
    return next((one.count.reason for one in answer.survey.found if not one.count.complete), "")


def _point(one: Surroundings) -> dict[str, Any]:
    return {
        "model": one.model,
        "set": one.points,
        "index": one.index,
        "label": one.label,
        "radius": one.radius,
        "regions": one.regions,
        "lower": one.count.lower,
        "upper": one.upper,
        "upper_zhu": one.product,
        "first_layer_upper": one.first_layer,
        "complete": one.count.complete,
        "reason": one.count.reason,
        "boundary_distance": one.distance,
        "boundary_layer": None if one.nearest is None else one.nearest[0] + 1,
        "boundary_unit": None if one.nearest is None else one.nearest[1],
        "crossing_units": list(one.crossing),
        "crossing_units_exact": None if one.count.crossing is None else list(one.count.crossing),
        "sampled_patterns": one.count.sampled,
        "sign_changes": one.sign_changes,
        "boundary_density": one.density,
    }


def _comparison(row: ComparisonRow) -> dict[str, Any]:
    return {
        "model": row.model,
        "against_model": row.against_model,
        "set": row.points,
        "against_set": row.against_points,
        "radius": row.radius,
        "measure": row.measure,
        "n": row.paired.n,
        "higher": row.paired.higher,
        "lower": row.paired.lower,
        "median_difference": row.paired.median_difference,
        "mean_difference": row.paired.mean_difference,
        "effect": row.paired.effect,
        "sign_p": row.paired.sign_p,
        "wilcoxon_p": row.paired.wilcoxon_p,
    }


def show(answer: LocalAnswer, files: Sequence[Path]) -> None:
    """Print the tables."""
    found = answer.survey.found
    if answer.survey.interrupted:
        click.echo(f"interrupted: {len(found):,} balls were looked at")
    for name, value in zip(answer.names, answer.everywhere, strict=True):
        bound = "unknown" if value is None else _power(math.log10(value))
        click.echo(f"{name}: at most {bound} regions anywhere (Serra et al. 2018)")
    _show(
        f"balls in norm {answer.settings.norm}, medians over points",
        (
            "radius", "model", "points", "n", "exact", "regions", "BallBound", "product",
            "distance", "crossing", "sampled",
        ),
        [_summary_line(answer, *group) for group in answer.tables.groups],
        always="points",
    )  # fmt: skip
    others = {points.name for points in answer.sets[1:]}
    less = others.pop() if len(others) == 1 else "other points"
    for title, rows in (
        (f"data less {less}, pair by pair", answer.tables.comparisons("data")),
        (f"less {answer.names[0]}, at the same points", answer.tables.course()),
    ):
        _show(
            title,
            (
                "radius", "model", "points", "less", "measure", "n", "higher", "lower",
                "median", "effect", "sign p", "Wilcoxon p",
            ),
            [_comparison_line(answer, row) for row in rows if _tells(answer, row)],
        )  # fmt: skip
    for file in files:
        click.echo(f"written: {file}")
    click.echo(f"{answer.survey.seconds:.2f} s")


def _show(
    title: str, columns: Sequence[str], rows: list[tuple[str, ...]], always: str = ""
) -> None:
    """A table without the columns that say what was asked, where it is the same in every row."""
    from cpwl_milp.report.tables import show_table

    if not rows:
        return
    asked = {"radius", "model", "points", "less"} - {always}
    kept = [
        place
        for place, name in enumerate(columns)
        if name not in asked or len({row[place] for row in rows}) > 1
    ]
    show_table(title, [columns[k] for k in kept], [[row[k] for k in kept] for row in rows])


def _summary_line(answer: LocalAnswer, model: int, points: str, radius: float) -> tuple[str, ...]:
    from cpwl_milp.local.statistics import summarised

    def median(measure: str) -> float:
        return summarised(answer.tables.values(model, points, radius, measure)).median

    exact = answer.tables.values(model, points, radius, "regions")
    n_exact = sum(not math.isnan(value) for value in exact)
    # The median of the exact ones alone would be of the small ones.
    whole = answer.tables.all_exact(model, points, radius)
    regions = _number(median("regions")) if whole else _at_least(median("lower"))
    return (
        f"{radius:g}",
        answer.names[model],
        points,
        str(len(exact)),
        str(n_exact),
        regions,
        _power(median("log10_upper")),
        _power(median("log10_upper_zhu")),
        _number(median("boundary_distance")),
        _number(median("crossing_units")),
        _number(median("sampled_patterns")),
    )


def _comparison_line(answer: LocalAnswer, row: ComparisonRow) -> tuple[str, ...]:
    paired = row.paired
    return (
        "-" if row.measure == "boundary_distance" else f"{row.radius:g}",
        answer.names[row.model],
        row.points,
        row.against_points if row.model == row.against_model else answer.names[row.against_model],
        _COMPARED[row.measure],
        str(paired.n),
        str(paired.higher),
        str(paired.lower),
        _number(paired.median_difference),
        f"{paired.effect:+.2f}",
        f"{paired.sign_p:.1g}",
        f"{paired.wilcoxon_p:.1g}",
    )


def _tells(answer: LocalAnswer, row: ComparisonRow) -> bool:
    """Whether a row is worth showing: distances, for one, do not depend on the radius.

    Where some balls were cut short, the pairs that are exact are those with few regions, and
    say nothing of the others: then brackets are compared.
    """
    if row.measure not in _COMPARED or not row.paired.n:
        return False
    if row.measure == "boundary_distance":
        return row.radius == answer.settings.radii[0]
    if row.measure in ("regions", "lower"):
        exact = all(
            answer.tables.all_exact(model, points, row.radius)
            for model, points in (
                (row.model, row.points),
                (row.against_model, row.against_points),
            )
        )
        return exact == (row.measure == "regions")
    return True


def _at_least(value: float) -> str:
    return f">={_number(value)}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def _power(logarithm: float) -> str:
    if math.isnan(logarithm):
        return "-"
    return f"{10**logarithm:,.0f}" if logarithm < 6 else f"~10^{logarithm:.1f}"


def write(answer: LocalAnswer, folder: Path) -> list[Path]:
    """Write points and figures; what was written."""
    from cpwl_milp.local.columns import columns_of
    from cpwl_milp.report.local_plots import draw_course, draw_distributions
    from cpwl_milp.storage.csv_files import write_csv
    from cpwl_milp.storage.tables import write_table

    if not answer.survey.found:
        return []
    files = [folder / "points.parquet", folder / "points.csv", folder / "distributions.svg"]
    columns = columns_of(answer.survey.found, [str(model.path) for model in answer.models])
    norm = answer.settings.norm
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_table(files[0], [columns], {"schema": "cpwl-milp/local/1", "norm": norm})
        write_csv(files[1], columns)
    except OSError as error:
        raise InputError(
            str(folder), error.strerror or str(error), "a folder to write into"
        ) from None
    last = max(model for model, _, _ in answer.tables.groups)
    draw_distributions(files[2], _distributions(answer, last), answer.names[last])
    if last > 0:
        files.append(folder / "course.svg")
        draw_course(files[3], _courses(answer, last), answer.names[: last + 1], "along training")
    return files


def _distributions(answer: LocalAnswer, model: int) -> list[Panel]:
    from cpwl_milp.report.local_plots import Panel

    panels = []
    for radius in answer.settings.radii:
        sets = [group[1] for group in answer.tables.groups if group[::2] == (model, radius)]
        for measure in _measures(answer):
            values = {name: answer.tables.values(model, name, radius, measure) for name in sets}
            panels.append(_panel(answer, radius, measure, values, Panel))
    return panels


def _courses(answer: LocalAnswer, last: int) -> list[Panel]:
    import numpy as np

    from cpwl_milp.report.local_plots import Panel

    panels = []
    reached = set(answer.tables.groups)
    for radius in answer.settings.radii:
        sets = [
            points.name
            for points in answer.sets
            if all((model, points.name, radius) in reached for model in range(last + 1))
        ]
        for measure in _measures(answer):
            values = {}
            for name in sets:
                rows = [
                    answer.tables.values(model, name, radius, measure) for model in range(last + 1)
                ]
                n = min(len(row) for row in rows)
                values[name] = np.array([row[:n] for row in rows])
            if values:
                panels.append(_panel(answer, radius, measure, values, Panel))
    return panels


def _measures(answer: LocalAnswer) -> list[str]:
    """What figures show: regions where all are exact, else what is known of them from below."""
    shown = [measure for measure in MEASURES if measure in _SHOWN]
    exact = answer.complete and answer.settings.limits is not None
    return [measure if exact or measure != "regions" else "lower" for measure in shown]


def _panel(
    answer: LocalAnswer, radius: float, measure: str, values: Any, kind: type[Panel]
) -> Panel:
    axis = _SHOWN.get(measure, "regions, at least")
    title = f"radius {radius:g}, norm {answer.settings.norm}"
    return kind(title, axis, measure in _LOGARITHMIC, values)
