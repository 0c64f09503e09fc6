"""What the compiled search turns to where float64 cannot tell."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.exploration import Advance, Budget
from cpwl_milp.core.network import Network
from cpwl_milp.engines.ambiguity import Question, Verdict
from cpwl_milp.engines.ball.exact.engine import ExactBallEngine
from cpwl_milp.engines.ball.exact.settler import BallSettler
from cpwl_milp.engines.exact.maps import Bits


class BallArbiter:
    """Settles single signs, and explores cells too thin for float64 (`ambiguity.Arbiter`).

    The network is turned into whole numbers at the first question only: most networks ask none.

    Parameters
    ----------
    network : Network
    ball : Ball
    with_points : bool
        Of the regions in thin cells: find centre and radius of the largest ball.
    """

    def __init__(self, network: Network, ball: Ball, *, with_points: bool = False) -> None:
        self._network, self._ball = network, ball
        self._with_points = with_points
        # What they keep between questions follows one search: each thread has its own.
        self._own = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(BallArbiter, with_points=self._with_points), (self._network, self._ball)

    def settle(self, literals: Sequence[int], bits: Bits, question: Question) -> Verdict:
        """What a unit does on the cell of some literals within the ball."""
        if not hasattr(self._own, "settler"):
            self._own.settler = BallSettler(self._network, self._ball)
        settler: BallSettler = self._own.settler
        return settler.settle(literals, bits, question)

    def explore(self, cube: Cube, bits: Bits, unit: int, layer: int, budget: Budget) -> Advance:
        """The regions of a cube, exactly (see `ExactBallEngine`)."""
        if not hasattr(self._own, "engine"):
            self._own.engine = ExactBallEngine(
                self._network, self._ball, with_points=self._with_points
            )
        engine: ExactBallEngine = self._own.engine
        return engine.explore(cube, bits, unit, layer, budget)
