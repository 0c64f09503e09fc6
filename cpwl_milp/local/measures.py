"""The tables of a survey: one measure over a set, two sets or two checkpoints side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.affine import Vector
from cpwl_milp.local.statistics import Paired, Summary, compared, summarised
from cpwl_milp.local.survey import Surroundings, Survey

_NONE = math.nan

MEASURES: dict[str, Callable[[Surroundings], float]] = {
    "regions": lambda s: _NONE if s.regions is None else float(s.regions),
    "lower": lambda s: float(s.count.lower),
    "sampled_patterns": lambda s: float(s.count.sampled),
    "log10_upper": lambda s: math.log10(s.upper),
    "log10_upper_zhu": lambda s: _NONE if s.product is None else math.log10(s.product),
    "boundary_distance": lambda s: s.distance,
    "crossing_units": lambda s: float(sum(s.crossing)),
    "sign_changes": lambda s: float(s.sign_changes),
    "boundary_density": lambda s: s.density,
}
"""What a survey measures at each point, as a number; NaN where it is not known.

Of `lower`, comparisons take the pairs whose brackets overlap for ties: two lists cut off at one
limit say nothing of which ball holds more.
"""


@dataclass(frozen=True)
class SummaryRow:
    """One measure over one set, or over the points of one class.

    Attributes
    ----------
    model : int
    points : str
    label : int or None
        None for all points.
    radius : float
    measure : str
    summary : Summary
    """

    model: int
    points: str
    label: int | None
    radius: float
    measure: str
    summary: Summary


@dataclass(frozen=True)
class ComparisonRow:
    """One measure of a set of points in a network against another set, or another network.

    Attributes
    ----------
    model, against_model : int
    points, against_points : str
    radius : float
    measure : str
    paired : Paired
        First less second.
    """

    model: int
    against_model: int
    points: str
    against_points: str
    radius: float
    measure: str
    paired: Paired


class Tables:
    """The values of a survey by model, set and radius.

    Parameters
    ----------
    survey : Survey
    """

    def __init__(self, survey: Survey) -> None:
        self._groups: dict[tuple[int, str, float], list[Surroundings]] = {}
        for one in survey.found:
            self._groups.setdefault((one.model, one.points, one.radius), []).append(one)

    @property
    def groups(self) -> tuple[tuple[int, str, float], ...]:
        """Model, set and radius of each group that was reached."""
        return tuple(self._groups)

    def values(self, model: int, points: str, radius: float, measure: str) -> Vector:
        """One measure of a group, point by point."""
        value = MEASURES[measure]
        return np.array([value(one) for one in self._groups[model, points, radius]])

    def all_exact(self, model: int, points: str, radius: float) -> bool:
        """Whether the number of regions is known in every ball of a group."""
        return all(one.count.complete for one in self._groups[model, points, radius])

    def summaries(self) -> list[SummaryRow]:
        """Every measure of every group, and of every class of it where labels are known."""
        rows = []
        for (model, points, radius), group in self._groups.items():
            labels = sorted({one.label for one in group if one.label is not None})
            for label in (None, *labels):
                chosen = [one for one in group if label is None or one.label == label]
                for measure, value in MEASURES.items():
                    values = np.array([value(one) for one in chosen])
                    summary = summarised(values)
                    rows.append(SummaryRow(model, points, label, radius, measure, summary))
        return rows

    def comparisons(self, first: str) -> list[ComparisonRow]:
        """The set `first` against every other one, in every network, point by point."""
        return [
            self._row((model, first, radius), (model, points, radius), measure)
            for model, points, radius in self._groups
            if points != first and (model, first, radius) in self._groups
            for measure in MEASURES
        ]

    def course(self) -> list[ComparisonRow]:
        """Every network after the first against the first, at the same points."""
        return [
            self._row((model, points, radius), (0, points, radius), measure)
            for model, points, radius in self._groups
            if model > 0
            for measure in MEASURES
        ]

    def _row(
        self, here: tuple[int, str, float], there: tuple[int, str, float], measure: str
    ) -> ComparisonRow:
        first, second = self.values(*here, measure), self.values(*there, measure)
        # After Ctrl-C the last group is shorter: the pairs that are whole count.
        n = min(len(first), len(second))
        first, second = first[:n], second[:n]
        if measure == "lower":
            pairs = zip(self._groups[here], self._groups[there], strict=False)
            known = np.array([_order_known(a, b) for a, b in pairs])
            second = np.where(known, second, first)
        paired = compared(first, second)
        return ComparisonRow(here[0], there[0], here[1], there[1], here[2], measure, paired)


def _order_known(a: Surroundings, b: Surroundings) -> bool:
    """Whether the brackets of two numbers of regions say which is larger, or that neither is."""
    return a.most < b.count.lower or b.most < a.count.lower or (a.most == b.most == a.count.lower)
