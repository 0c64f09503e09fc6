"""The exact ball engine: cubes in, regions out, every decision in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.ambiguity import UnfinishedError
from cpwl_milp.engines.ball.exact.cell import BallCell
from cpwl_milp.engines.ball.exact.path import WallPath
from cpwl_milp.engines.ball.exact.space import BallSpace
from cpwl_milp.engines.descent import bounding, descend
from cpwl_milp.engines.exact.dictionary import Effort, EffortExceededError
from cpwl_milp.engines.exact.maps import Bits, ExactMaps
from cpwl_milp.engines.exact.search import ExactSearch, Start
from cpwl_milp.engines.exact.settler import MOST_EFFORT

_FIRST_QUOTA = 200


class ExactBallEngine:
    """Depth-first search over the cells that meet an L2 ball, in exact arithmetic.

    *Problem* : a network with at least one layer over an L2 ball.
    *Answer* : every pattern whose open cell meets the open ball, in lexicographic order within a
    cube.
    *Property* : no decision is rounded: the count is that of the weights, centre and radius as
    stored. An oracle for tests, and what searches cells that are too thin for float64.

    Parameters
    ----------
    network : Network
    ball : Ball
    with_points : bool
        Find centre and radius of the largest ball of every region, rounded to float64.
    most_effort : int
        Work that one decision may take (see `Effort`); a cube that needs more is unresolved.
    """

    name = "exact ball"
    exact = True
    open_cubes_nonempty = True
    # It remembers the path to the last cell, and runs in the interpreter.
    stateless = False

    def __init__(
        self,
        network: Network,
        ball: Ball,
        *,
        with_points: bool = False,
        most_effort: int = MOST_EFFORT,
    ) -> None:
        self._network = network
        self._space = BallSpace(ball)
        self._maps = ExactMaps(network, self._space)
        self._path = WallPath(self._maps)
        self._with_points = with_points
        self._most_effort = most_effort

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """Work on `cube` until it is closed or the budget is spent."""
        bits = np.zeros(self._network.n_units, dtype=np.uint8)
        return self._descend(cube, Start(BallCell(self._space), bits, 0, 0), budget)

    def explore(
        self,
        cube: Cube,
        bits: Bits,
        unit: int,
        layer: int,
        budget: Budget,
        active: Sequence[int] = (),
    ) -> Advance:
        """As `advance`, where a search has come down to the cube's cell already.

        Parameters
        ----------
        cube : Cube
            Its literals of units below `unit` bound the cell.
        bits : ndarray of uint8, shape (n_units,)
            On that cell, of the units below `unit`.
        unit : int
            The first whose bit is not known.
        layer : int
            The layer at hand, not ended yet.
        active : sequence of int
            Units whose hyperplanes are thought to hold the cell's nearest point.

        Raises
        ------
        CheckFailedError
            If there is no such cell.
        """
        literals = bounding(cube.literals, unit)
        try:
            effort = Effort((1 + len(literals)) * self._most_effort, budget.deadline)
            walls = self._path.walls(literals, bits, effort)
            start = self._path.places(active)
            cell = BallCell.within(self._space, walls, start, Effort(self._most_effort))
        except (EffortExceededError, UnfinishedError):
            return self._untouched(cube, budget)
        return self._descend(cube, Start(cell, bits, unit, layer), budget)

    def _descend(self, cube: Cube, start: Start[BallCell], budget: Budget) -> Advance:
        search = ExactSearch(
            self._network,
            self._maps,
            self._space.dim,
            cube,
            start,
            budget,
            most_effort=self._most_effort,
            largest_ball=BallCell.largest_ball if self._with_points else None,
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
