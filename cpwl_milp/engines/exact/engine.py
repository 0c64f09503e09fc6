"""The exact engine: cubes in, regions out, every decision in whole numbers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.core.problem import Problem
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.ambiguity import UnfinishedError
from cpwl_milp.engines.descent import bounding, descend
from cpwl_milp.engines.exact.ball import largest_ball
from cpwl_milp.engines.exact.cell import ExactCell
from cpwl_milp.engines.exact.dictionary import Effort, EffortExceededError
from cpwl_milp.engines.exact.maps import Bits, ExactMaps
from cpwl_milp.engines.exact.path import CellPath
from cpwl_milp.engines.exact.search import ExactSearch, Start
from cpwl_milp.engines.exact.settler import MOST_EFFORT
from cpwl_milp.engines.exact.space import ExactSpace

_FIRST_QUOTA = 200


class ExactEngine:
    """Depth-first search over activation patterns in exact arithmetic.

    *Problem* : any network over a domain with linear faces.
    *Answer* : every proper region, in lexicographic order of the patterns within a cube.
    *Property* : no decision is rounded: the count is that of the weights as stored. Some thousand
    decisions a second: an oracle for tests, and what searches the cells that are too thin for
    float64.

    Parameters
    ----------
    problem : Problem
    with_points : bool
        Find centre and radius of the largest ball of every region, rounded to float64.
    most_effort : int
        Work that one decision may take (see `Effort`); a cube that needs more is unresolved.

    Raises
    ------
    DomainError
        If the domain has round faces.
    """

    name = "exact"
    exact = True
    open_cubes_nonempty = True
    # It remembers the path to the last cell, and runs in the interpreter.
    stateless = False

    def __init__(
        self, problem: Problem, *, with_points: bool = False, most_effort: int = MOST_EFFORT
    ) -> None:
        A, _ = problem.domain.inequalities()
        if not isinstance(problem.domain, Box) and not len(A):
            raise DomainError("exact engine", "a domain with round faces", "a box or a polytope")
        self._network = problem.network
        self._space = ExactSpace(problem.domain)
        self._maps = ExactMaps(problem.network, self._space)
        self._path = CellPath(self._maps, self._space)
        self._with_points = with_points
        self._most_effort = most_effort

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """Work on `cube` until it is closed or the budget is spent."""
        whole = ExactCell.whole(self._space, Effort(self._most_effort))
        if not self._network.layers:
            return self._single_region(cube, whole)
        bits = np.zeros(self._network.n_units, dtype=np.uint8)
        return self._descend(cube, Start(whole, bits, 0, 0), budget)

    def explore(self, cube: Cube, bits: Bits, unit: int, layer: int, budget: Budget) -> Advance:
        """As `advance`, where a search has come down to the cube's cell already.

        Parameters
        ----------
        cube : Cube
            Its first literals, of units below `unit`, bound the cell.
        bits : ndarray of uint8, shape (n_units,)
            On that cell, of the units below `unit`.
        unit : int
            The first whose bit is not known.
        layer : int
            The layer at hand, not ended yet.

        Raises
        ------
        CheckFailedError
            If there is no such cell.
        """
        literals = bounding(cube.literals, unit)
        try:
            effort = Effort(len(literals) * self._most_effort, budget.deadline)
            cell = self._path.cell(literals, bits, effort)
        except (EffortExceededError, UnfinishedError):
            return self._untouched(cube, budget)
        return self._descend(cube, Start(cell, bits, unit, layer), budget)

    def _descend(self, cube: Cube, start: Start[ExactCell], budget: Budget) -> Advance:
        search = ExactSearch(
            self._network,
            self._maps,
            self._space.dim,
            cube,
            start,
            budget,
            most_effort=self._most_effort,
            largest_ball=partial(largest_ball, space=self._space) if self._with_points else None,
        )
        return descend(search, cube, budget, self._network.n_units, _FIRST_QUOTA)

    def _untouched(self, cube: Cube, budget: Budget) -> Advance:
        """The advance of a cube whose cell is too much work, or too much for the time left."""
        return Advance(
            cube=cube,
            regions=RegionBatch.empty(self._network.n_units, self._space.dim),
            open=(cube,),
            prefix_counts=np.zeros(len(self._network.layers), dtype=np.int64),
            thin=np.zeros((0, packed_size(self._network.n_units)), dtype=np.uint8),
            unresolved="" if budget.seconds_left <= 0 else ExactSearch.stuck_reason,
        )

    def _single_region(self, cube: Cube, whole: ExactCell) -> Advance:
        """An affine network: the whole domain is one region."""
        empty = RegionBatch.empty(0, self._space.dim)
        regions = replace(empty, patterns=np.zeros((1, 1), dtype=np.uint8))
        if self._with_points:
            centre, radius = largest_ball(whole, self._space)
            regions = replace(regions, points=centre[None, :], inradii=np.array([radius]))
        return Advance(
            cube=cube,
            regions=regions,
            open=(),
            prefix_counts=np.zeros(0, dtype=np.int64),
            thin=np.zeros((0, 1), dtype=np.uint8),
        )
