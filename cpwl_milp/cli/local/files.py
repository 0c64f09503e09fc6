"""The answer of ``local`` as files: points and figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpwl_milp.cli.local.answer import LocalAnswer
from cpwl_milp.core.errors import InputError
from cpwl_milp.local.measures import MEASURES

if TYPE_CHECKING:
    from cpwl_milp.report.local_plots import Panel

# The measures that figures show, and how their axes call them.
_SHOWN = {
    "regions": "regions",
    "log10_upper": "log10 BallBound",
    "boundary_distance": "distance to a boundary",
    "crossing_units": "crossing units",
}
_LOGARITHMIC = ("regions", "lower", "boundary_distance")


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
