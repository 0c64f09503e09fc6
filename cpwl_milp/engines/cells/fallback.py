"""Cells that vertices do not hold well go over to the tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domains import Polytope
from cpwl_milp.core.exploration import Advance, Budget, Engine
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.core.problem import Problem
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.ambiguity import Arbiter, Question, Verdict
from cpwl_milp.engines.confined import ConfinedEngine, MakeEngine
from cpwl_milp.engines.descent import Search
from cpwl_milp.engines.tree import TreeEngine

# After so many cells that held fewer regions each than this, the tree takes the whole problem if
# there is one to fewer regions in all than that: close calls are then the rule, and going over
# (some 0.3 ms) costs more than regions by the tree.
_FEW_CELLS = 20
_FEW_REGIONS = 200
_FEW_BETWEEN = 20


class TreeFallback:
    """Who takes the cells that the cells engine gives away.

    The tree stands at one vertex of a cell at a time and asks exact arithmetic about the units
    that it cannot tell. Lists of vertices cannot be mended so: all cells below inherit a wrong one.

    Attributes
    ----------
    tree : Engine
    takes_all : bool
        Whether it is better to have the tree advance whole cubes from now on.
    """

    def __init__(self, problem: Problem, bounds: Bounds, *, with_points: bool) -> None:
        make: MakeEngine = partial(TreeEngine, with_points=with_points)
        if isinstance(problem.domain, Polytope):
            make = partial(ConfinedEngine, make=make)
        self._make_tree: Callable[[], Engine] = partial(make, problem, bounds)
        self.takes_all = False
        self._n_units = problem.network.n_units
        self._n_layers = len(problem.network.layers)
        self._dim = problem.domain.dim
        self._n_cells = 0
        self._n_regions = 0
        self._n_found = 0

    @cached_property
    def tree(self) -> Engine:
        """The tree engine: made when it is first asked for, as most problems never need it."""
        return self._make_tree()

    def beside(self, search: Search) -> Arbiter:
        """The arbiter of one search."""
        return _Beside(self, search)

    def note(self, found: Advance) -> None:
        """A search is through: what it found, cells given away included."""
        self._n_found += len(found.regions)

    def explore(self, cube: Cube, budget: Budget, n_found: int) -> Advance:
        """The regions of a cube by the tree; the cube itself once the tree takes all.

        Parameters
        ----------
        cube : Cube
        budget : Budget
        n_found : int
            Regions that the search which gives it away has found.
        """
        if self.takes_all:
            return Advance(
                cube=cube,
                regions=RegionBatch.empty(self._n_units, self._dim),
                open=(cube,),
                prefix_counts=np.zeros(self._n_layers, dtype=np.int64),
                thin=np.zeros((0, packed_size(self._n_units)), dtype=np.uint8),
            )
        found = self.tree.advance(cube, budget)
        self._n_cells += 1
        self._n_regions += len(found.regions)
        self.takes_all = (
            self._n_cells >= _FEW_CELLS
            and self._n_regions < _FEW_REGIONS * self._n_cells
            and self._n_found + n_found + len(found.regions) < _FEW_BETWEEN * self._n_cells
        )
        return found


class _Beside:
    """The fallback as the arbiter of one search."""

    def __init__(self, fallback: TreeFallback, search: Search) -> None:
        self._fallback = fallback
        self._search = search

    def settle(
        self, literals: Sequence[int], bits: NDArray[np.uint8], question: Question
    ) -> Verdict:
        """Never called: cells are given away whole."""
        raise NotImplementedError

    def explore(
        self, cube: Cube, bits: NDArray[np.uint8], unit: int, layer: int, budget: Budget
    ) -> Advance:
        """The regions of a cube."""
        return self._fallback.explore(cube, budget, int(self._search.prefix_counts[-1]))
