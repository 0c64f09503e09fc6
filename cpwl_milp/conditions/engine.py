"""An engine that lists the regions that meet a condition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.conditions.implied import sharpened
from cpwl_milp.conditions.posing import ConditionedProblem
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.choice import EngineSettings, chosen_engine, make_engine


class ConditionedEngine:
    """Any engine, on the network with the units of a condition.

    *Problem* : a network, a domain and a condition.
    *Answer* : the network's regions that meet the condition; a point of a region, and the radius
    of the ball around it, are of the part that does.
    *Property* : as the engine's; but an open cube may hold no such region, and cells of prefixes
    are not counted, as those that the engine passes through need not belong to any.

    Parameters
    ----------
    posed : ConditionedProblem
    bounds : Bounds
        Of the extended problem's network on its domain.
    settings : EngineSettings
    known : ndarray of uint8, optional
        Packed patterns of the network that are listed already, as `make_engine` takes them.
    """

    open_cubes_nonempty = False

    def __init__(
        self,
        posed: ConditionedProblem,
        bounds: Bounds,
        settings: EngineSettings,
        known: Packed | None = None,
    ) -> None:
        # Chosen for the question as posed, whatever is added to it here.
        settings = replace(settings, name=chosen_engine(posed.extended, settings))
        posed, bounds = sharpened(posed, bounds)
        if known is not None:
            known = posed.extended_patterns(known)
        self._engine = make_engine(posed.extended, bounds, settings, known)
        self.name = self._engine.name
        self.exact = self._engine.exact
        self.stateless = self._engine.stateless
        self._posed = posed
        self._asked = tuple(
            int(k + 1 if posed.fixed[k] else -(k + 1)) for k in np.flatnonzero(posed.fixed >= 0)
        )
        self._impossible = posed.contradictory or _excluded(posed, bounds)
        self._own: NDArray[np.intp] = np.full(len(posed.fixed), -1, dtype=np.intp)
        self._own[posed.places] = np.arange(len(posed.places))

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """Work on `cube` until it is closed or the budget is spent."""
        inner = None if self._impossible else self._inner(cube)
        if inner is None:
            return self._nothing(cube)
        found = self._engine.advance(inner, budget)
        regions = found.regions
        if not self.exact:
            # Samples fall where they like.
            kept = self._posed.meets(regions.patterns)
            regions = RegionBatch(
                regions.patterns[kept], regions.points[kept], regions.inradii[kept]
            )
        depth = len(inner.literals)
        return replace(
            found,
            cube=cube,
            regions=RegionBatch(
                self._posed.own_patterns(regions.patterns), regions.points, regions.inradii
            ),
            open=tuple(self._outer(cube, part, depth) for part in found.open),
            parked=tuple(self._outer(cube, part, depth) for part in found.parked),
            thin=self._posed.own_patterns(found.thin),
            prefix_counts=np.zeros(0, dtype=np.int64),
        )

    def _inner(self, cube: Cube) -> Cube | None:
        """The cube among the extended units; None if it asks for a bit that the condition bars."""
        fixed, places = self._posed.fixed, self._posed.places
        literals = list(self._asked)
        for literal in cube.literals:
            place = int(places[abs(literal) - 1])
            if fixed[place] < 0:
                literals.append(place + 1 if literal > 0 else -(place + 1))
            elif (literal > 0) != (fixed[place] == 1):
                return None
        return Cube(tuple(literals), cube.counted_layers)

    def _outer(self, cube: Cube, part: Cube, depth: int) -> Cube:
        """A part of the cube that was worked on, `depth` literals deep, by the network's units."""
        added = (
            int(self._own[abs(k) - 1] + 1) * (1 if k > 0 else -1) for k in part.literals[depth:]
        )
        return Cube((*cube.literals, *added), part.counted_layers)

    def _nothing(self, cube: Cube) -> Advance:
        problem = self._posed.problem
        return Advance(
            cube=cube,
            regions=RegionBatch.empty(problem.network.n_units, problem.domain.dim),
            open=(),
            prefix_counts=np.zeros(0, dtype=np.int64),
            thin=np.zeros((0, self._posed.row_bytes), dtype=np.uint8),
        )


def _excluded(posed: ConditionedProblem, bounds: Bounds) -> bool:
    """Whether the bounds alone say that no input has all bits asked for."""
    stability = bounds.stability(posed.extended.network)
    nothing = np.zeros(0, dtype=np.bool_)
    on = np.concatenate([nothing, *(layer.always_active for layer in stability)])
    off = np.concatenate([nothing, *(layer.always_inactive for layer in stability)])
    return bool(np.any((on & (posed.fixed == 0)) | (off & (posed.fixed == 1))))
