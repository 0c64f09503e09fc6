"""The answer of ``local`` as tables on the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import click

from cpwl_milp.cli.local.answer import LocalAnswer
from cpwl_milp.local.measures import ComparisonRow

# The measures that are compared, and how tables call them.
_COMPARED = {
    "regions": "regions",
    "lower": "regions (order known)",
    "sampled_patterns": "sampled",
    "log10_upper": "log10 bound",
    "boundary_distance": "distance",
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
