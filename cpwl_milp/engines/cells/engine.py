"""The cells engine: for few inputs, cells that carry their vertices."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Polytope, Slice
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.problem import Problem
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.cells.fallback import TreeFallback
from cpwl_milp.engines.cells.layout import Layout, lay_out
from cpwl_milp.engines.cells.memory import CellSearch
from cpwl_milp.engines.cells.planar.memory import PlanarSearch
from cpwl_milp.engines.cells.planar.plan import PlanarPlan, planar_plan
from cpwl_milp.engines.cells.planar.root import Root
from cpwl_milp.engines.cells.planar.state import CENTRES, PATTERNS, State
from cpwl_milp.engines.descent import Search, descend

# Beyond, a cell has too many vertices: 2^d for the box alone.
MOST_INPUTS = 6
_FIRST_QUOTA = 20_000


def takes_polygon(problem: Problem) -> bool:
    """Whether the domain is a polytope that the engine takes as it is: of two inputs."""
    return (
        isinstance(problem.domain, Polytope)
        and problem.domain.dim == 2
        and len(problem.network.layers) > 0
    )


class CellsEngine:
    """Depth-first search over activation patterns, on cells with vertices.

    *Problem* : any network over a full-dimensional box with at most 6 inputs that vary, or over a
    polygon (it takes other polytopes as `ConfinedEngine` hands them over).
    *Answer* : every proper region, in the same order as the tree engine's.
    *Property* : as the tree engine: exact where no decision falls within the tolerance; those
    that do are counted as ``ties``.

    Parameters
    ----------
    problem : Problem
    bounds : Bounds
        Of the problem's network on its domain.
    with_points : bool
        Find an interior point of every region (the mean of its vertices); no inradius.

    Raises
    ------
    DomainError
        If the domain is no such box or polygon.
    """

    name = "cells"
    exact = True
    open_cubes_nonempty = True
    stateless = True

    def __init__(self, problem: Problem, bounds: Bounds, *, with_points: bool = False) -> None:
        domain = problem.domain
        fits = isinstance(domain, Box) and domain.dim <= MOST_INPUTS
        if not fits and not takes_polygon(problem):
            raise DomainError(
                "cells engine",
                f"{domain.dim} inputs that vary",
                f"a box with at most {MOST_INPUTS}, or a polygon",
                "use --engine tree",
            )
        assert isinstance(domain, Box | Polytope)
        self._domain = domain
        self._with_points = with_points
        # A slice is composed with the first layer, which rounds: what it makes of units that are
        # equal or vanish together is the same to rounding only, and no exact question any more.
        self._strict = not isinstance(problem.asked, Slice)
        self._n_units = problem.network.n_units
        self._fallback = TreeFallback(problem, bounds, with_points=with_points)
        self._layout: Layout | None = None
        self._plan: PlanarPlan | None = None
        self._root: Root | None = None
        if problem.network.layers and domain.dim == 2:
            self._plan = planar_plan(problem.network, domain.box, bounds)
            self._root = Root.of(domain)
        elif problem.network.layers:
            self._layout = lay_out(problem.network, domain.box, bounds)
        self._spare: list[State] = []

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_spare": []}

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """Work on `cube` until it is closed or the budget is spent."""
        if self._layout is None and self._plan is None:
            return self._single_region(cube)
        if self._fallback.takes_all:
            return self._fallback.tree.advance(cube, budget)
        detail = CENTRES if self._with_points else PATTERNS
        if self._layout is not None:
            cells = CellSearch(self._layout, self._domain.box, cube, budget, detail=detail)
            return self._descended(cells, cube, budget)
        assert self._plan is not None
        assert self._root is not None
        # Threads may advance cubes at the same time: each takes a memory out.
        spare = None
        with suppress(IndexError):
            spare = self._spare.pop()
        planar = PlanarSearch(
            self._plan,
            self._root,
            cube,
            budget,
            detail=detail,
            strict=self._strict,
            spare=spare,
        )
        found = self._descended(planar, cube, budget)
        self._spare.append(planar.memory)
        return found

    def _descended(self, search: Search, cube: Cube, budget: Budget) -> Advance:
        arbiter = self._fallback.beside(search)
        found = descend(search, cube, budget, self._n_units, _FIRST_QUOTA, arbiter)
        self._fallback.note(found)
        return found

    def _single_region(self, cube: Cube) -> Advance:
        """An affine network: the whole domain is one region."""
        box = self._domain.box
        centre = box.centre[None, :] if self._with_points else np.zeros((0, box.dim))
        return Advance(
            cube=cube,
            regions=RegionBatch(
                np.zeros((1, 1), dtype=np.uint8), centre, np.full(len(centre), np.nan)
            ),
            open=(),
            prefix_counts=np.zeros(0, dtype=np.int64),
            thin=np.zeros((0, 1), dtype=np.uint8),
        )
