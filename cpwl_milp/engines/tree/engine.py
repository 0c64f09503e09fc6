"""The tree engine: cubes in, regions out."""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.pattern import packed_size
from cpwl_milp.core.problem import Problem
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.descent import with_doubts
from cpwl_milp.engines.magnitudes import drowned_biases
from cpwl_milp.engines.tree.ball import search_with_balls
from cpwl_milp.engines.tree.memory import (
    current_cube,
    emptied,
    grown,
    pending_cubes,
    size_in_bytes,
    start,
)
from cpwl_milp.engines.tree.plan import Plan, lay_out
from cpwl_milp.engines.tree.search import DONE, NEEDS_SPACE, PARKED, STUCK, search
from cpwl_milp.engines.tree.state import COUNTER_NAMES, EMITTED, State

# Regions handed over at once.
_BATCH = 1 << 15
# Seconds between two looks at the clock.
_SLICE = 0.05
# Memory for the dictionaries of one path.
_MEMORY = 4 << 30


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

    def __init__(self, problem: Problem, bounds: Bounds, *, with_points: bool = False) -> None:
        domain = problem.domain
        if not isinstance(domain, Box):
            raise DomainError("tree engine", "a domain that is not a box", "a box")
        self._box = domain
        self._n_units = problem.network.n_units
        self._with_points = with_points
        self._drowned = drowned_biases(problem.network, domain, bounds)
        self._plan: Plan | None = (
            lay_out(problem.network, domain, bounds) if problem.network.layers else None
        )

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """Work on `cube` until it is closed or the budget is spent."""
        if self._plan is None:
            return self._single_region(cube)
        state = start(self._plan, cube, budget, _BATCH, self._with_points)
        batches: list[RegionBatch] = []
        parked: list[Cube] = []
        stuck: list[Cube] = []
        reason = ""
        found = 0
        quota = max(10, min(2000, 5_000_000 // (self._box.dim + 1) ** 2))
        leave = False
        while True:
            before = budget.seconds_left
            if self._with_points:
                status = search_with_balls(self._plan, state, quota, leave)
            else:
                status = search(self._plan, state, quota, False, leave)
            seconds = before - budget.seconds_left
            found += int(state.at[EMITTED])
            batches.append(self._emitted(state))
            state = emptied(state, budget.max_regions - found)
            leave = status in (PARKED, STUCK)
            if status == DONE:
                break
            if status == PARKED:
                parked.append(current_cube(state, cube))
            elif status == STUCK:
                stuck.append(current_cube(state, cube))
            elif status == NEEDS_SPACE:
                if size_in_bytes(state) > _MEMORY:
                    reason = "the dictionaries along one path need more than 4 GiB"
                    break
                state = grown(state)
            if found >= budget.max_regions:
                break
            if budget.seconds_left <= 0:
                break
            quota = max(10, min(1 << 30, int(quota * min(4.0, _SLICE / max(seconds, 1e-4)))))
        left = [] if status == DONE else list(pending_cubes(state, cube))
        if status != DONE and not leave:
            left.insert(0, current_cube(state, cube))
        if stuck and not left and not found:
            # Nothing but the failure itself is left of this cube: another try is no use.
            reason = "a sequence of pivots failed numerically"
        advance = Advance(
            cube=cube,
            regions=RegionBatch.joined(batches),
            # The loop takes the first one up next: on with the search where it stopped.
            open=(*left, *stuck),
            prefix_counts=state.prefix_counts.copy(),
            thin=np.zeros((0, packed_size(self._n_units)), dtype=np.uint8),
            parked=tuple(parked),
            unresolved=reason,
            decisions=dict(zip(COUNTER_NAMES, (int(k) for k in state.counters), strict=True)),
        )
        return with_doubts(advance, self._drowned)

    def _emitted(self, state: State) -> RegionBatch:
        n = int(state.at[EMITTED])
        if not self._with_points:
            return RegionBatch(state.patterns[:n].copy(), np.zeros((0, self._box.dim)), np.zeros(0))
        balls = state.balls[:n]
        return RegionBatch(
            state.patterns[:n].copy(), self._in_domain(balls[:, :-1]), balls[:, -1].copy()
        )

    def _in_domain(self, t: Dense) -> Dense:
        return self._box.centre + self._box.half_widths * t

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
