"""The tree engine: cubes in, regions out."""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.problem import Problem
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.descent import descend
from cpwl_milp.engines.exact import ExactArbiter
from cpwl_milp.engines.tree.memory import TreeSearch
from cpwl_milp.engines.tree.plan import Plan, lay_out


class TreeEngine:
    """Depth-first search over activation patterns.

    *Problem* : any network over a full-dimensional box.
    *Answer* : every proper region, in lexicographic order of the patterns within a cube.
    *Property* : exact where no decision falls within the tolerance (1e-11 of the magnitude of the
    terms). Decisions that do are taken as "the hyperplane touches the cell without cutting it"
    and counted as ``ties`` in `Advance.decisions`.

    Parameters
    ----------
    problem : Problem
    bounds : Bounds
        Of the problem's network on its domain.
    with_points : bool
        Find an interior point and the inradius of every region.

    Raises
    ------
    DomainError
        If the domain is not a box.
    """

    name = "tree"
    exact = True
    open_cubes_nonempty = True
    stateless = True

    def __init__(self, problem: Problem, bounds: Bounds, *, with_points: bool = False) -> None:
        domain = problem.domain
        if not isinstance(domain, Box):
            raise DomainError("tree engine", "a domain that is not a box", "a box")
        self._box = domain
        self._n_units = problem.network.n_units
        self._with_points = with_points
        self._first_quota = max(10, min(2000, 5_000_000 // (domain.dim + 1) ** 2))
        self._arbiter = ExactArbiter(problem, with_points=with_points)
        self._plan: Plan | None = (
            lay_out(problem.network, domain, bounds) if problem.network.layers else None
        )

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """Work on `cube` until it is closed or the budget is spent."""
        if self._plan is None:
            return self._single_region(cube)
        search = TreeSearch(self._plan, self._box, cube, budget, with_balls=self._with_points)
        return descend(search, cube, budget, self._n_units, self._first_quota, self._arbiter)

    def _single_region(self, cube: Cube) -> Advance:
        """An affine network: the whole domain is one region."""
        centre = self._box.centre[None, :] if self._with_points else np.zeros((0, self._box.dim))
        radius = self._box.half_widths.min(keepdims=True) if self._with_points else np.zeros(0)
        return Advance(
            cube=cube,
            regions=RegionBatch(np.zeros((1, 1), dtype=np.uint8), centre, radius),
            open=(),
            prefix_counts=np.zeros(0, dtype=np.int64),
            thin=np.zeros((0, 1), dtype=np.uint8),
        )
