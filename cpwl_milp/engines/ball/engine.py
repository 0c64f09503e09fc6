"""The ball engine: the regions that meet an L2 ball."""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.problem import Problem
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.ball.exact import BallArbiter
from cpwl_milp.engines.ball.layout import condense
from cpwl_milp.engines.ball.memory import BallSearch
from cpwl_milp.engines.descent import descend

_FIRST_QUOTA = 5_000


class BallEngine:
    """Depth-first search over activation patterns whose cells meet an L2 ball.

    *Problem* : any network over an L2 ball.
    *Answer* : every pattern whose open cell meets the open ball, in lexicographic order within a
    cube.
    *Property* : exact for the weights, centre and radius as stored. What float64 cannot tell, a
    value within the tolerance (1e-11 of the magnitude of the terms) of a hyperplane or of the
    sphere, is settled in whole numbers and counted as ``ties`` in `Advance.decisions`; what would
    be too much work for that, as ``doubts``.

    Parameters
    ----------
    problem : Problem
    bounds : Bounds
        Of the problem's network on its domain.
    with_points : bool
        Find centre and radius of the largest ball inside every region and the domain.

    Raises
    ------
    DomainError
        If the domain is not an L2 ball.
    """

    name = "ball"
    exact = True
    open_cubes_nonempty = True
    stateless = True

    def __init__(self, problem: Problem, bounds: Bounds, *, with_points: bool = False) -> None:
        ball = problem.domain
        if not isinstance(ball, Ball) or ball.norm != "2":
            raise DomainError(
                "ball engine", "a domain that is not an L2 ball", "an L2 ball", "use --engine auto"
            )
        self._ball = ball
        self._with_points = with_points
        self._n_units = problem.network.n_units
        self._arbiter = BallArbiter(problem.network, ball, with_points=with_points)
        self._condensed = (
            condense(problem.network, ball, bounds) if problem.network.layers else None
        )

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """Work on `cube` until it is closed or the budget is spent."""
        if self._condensed is None:
            return self._single_region(cube)
        search = BallSearch(
            self._condensed, self._ball, cube, budget, with_points=self._with_points
        )
        return descend(search, cube, budget, self._n_units, _FIRST_QUOTA, self._arbiter)

    def _single_region(self, cube: Cube) -> Advance:
        """An affine network: the whole ball is one region."""
        n = int(self._with_points)
        return Advance(
            cube=cube,
            regions=RegionBatch(
                np.zeros((1, 1), dtype=np.uint8),
                np.tile(self._ball.centre, (n, 1)),
                np.full(n, self._ball.radius),
            ),
            open=(),
            prefix_counts=np.zeros(0, dtype=np.int64),
            thin=np.zeros((0, 1), dtype=np.uint8),
        )
