"""What compiled searches turn to where float64 cannot tell."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.ambiguity import Question, Verdict
from cpwl_milp.engines.exact.engine import ExactEngine
from cpwl_milp.engines.exact.maps import Bits
from cpwl_milp.engines.exact.settler import Settler


class ExactArbiter:
    """Settles single signs, and explores cells too thin for float64 (`ambiguity.Arbiter`).

    The network is turned into whole numbers at the first question only: most networks ask none.

    Parameters
    ----------
    problem : Problem
        Over a domain with linear faces.
    with_points : bool
        Of the regions in thin cells: find centre and radius of the largest ball.
    """

    def __init__(self, problem: Problem, *, with_points: bool = False) -> None:
        self._problem = problem
        self._with_points = with_points
        # What they keep between questions follows one search: each thread has its own.
        self._own = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(ExactArbiter, with_points=self._with_points), (self._problem,)

    def settle(self, literals: Sequence[int], bits: Bits, question: Question) -> Verdict:
        """What a unit does on the cell of some literals (see `Settler`)."""
        return self._settler.settle(literals, bits, question)

    def explore(self, cube: Cube, bits: Bits, unit: int, layer: int, budget: Budget) -> Advance:
        """The regions of a cube, exactly (see `ExactEngine`)."""
        return self._engine.explore(cube, bits, unit, layer, budget)

    @property
    def _settler(self) -> Settler:
        if not hasattr(self._own, "settler"):
            self._own.settler = Settler(self._problem)
        settler: Settler = self._own.settler
        return settler

    @property
    def _engine(self) -> ExactEngine:
        if not hasattr(self._own, "engine"):
            self._own.engine = ExactEngine(self._problem, with_points=self._with_points)
        engine: ExactEngine = self._own.engine
        return engine
