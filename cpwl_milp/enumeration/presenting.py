"""What is written of regions that an engine lists in coordinates of its own."""

from __future__ import annotations

from dataclasses import replace

from cpwl_milp.core.problem import Problem
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.enumeration.unbounded import unbounded
from cpwl_milp.storage.question import Layout


class Presenting:
    """Regions as the reader of a run expects them.

    Parameters
    ----------
    problem : Problem
    layout : Layout
        Says whether unbounded regions are marked.
    """

    def __init__(self, problem: Problem, layout: Layout) -> None:
        self._problem = problem
        self._marks = layout.unbounded

    def __call__(self, regions: RegionBatch) -> RegionBatch:
        """Points as inputs, and marks where the layout has them."""
        shown = self._problem.presented(regions)
        if self._marks:
            shown = replace(shown, unbounded=unbounded(self._problem.plain, shown.patterns))
        return shown
