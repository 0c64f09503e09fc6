"""The answer of ``local`` as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cpwl_milp.cli.arguments import question
from cpwl_milp.cli.local.answer import LocalAnswer
from cpwl_milp.core.versions import versions
from cpwl_milp.local.measures import ComparisonRow
from cpwl_milp.local.statistics import QUANTILES
from cpwl_milp.local.survey import Surroundings

_QUANTILE_NAMES = [f"{q:g}" for q in QUANTILES]
_DEFINITION = (
    "proper activation regions: full-dimensional patterns of all hidden units that meet the "
    "ball's interior"
)


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
