"""Signs of single units on cells within a ball."""

from __future__ import annotations

from collections.abc import Sequence

from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.network import Network
from cpwl_milp.engines.ambiguity import Doubt, Question, Sign, Verdict
from cpwl_milp.engines.ball.exact.cell import BallCell
from cpwl_milp.engines.ball.exact.path import WallPath
from cpwl_milp.engines.ball.exact.space import BallSpace
from cpwl_milp.engines.exact.dictionary import Effort, EffortExceededError
from cpwl_milp.engines.exact.maps import Bits, ExactMaps
from cpwl_milp.engines.exact.settler import MOST_EFFORT


class BallSettler:
    """Settles the signs of units on cells within a ball, in whole numbers.

    Parameters
    ----------
    network : Network
    ball : Ball
    most_effort : int
        Work that one question may take (see `Effort`).
    """

    def __init__(self, network: Network, ball: Ball, *, most_effort: int = MOST_EFFORT) -> None:
        self._space = BallSpace(ball)
        self._maps = ExactMaps(network, self._space)
        self._path = WallPath(self._maps)
        self._most_effort = most_effort

    def settle(self, literals: Sequence[int], bits: Bits, question: Question) -> Verdict:
        """What a unit does on the cell of some literals.

        Parameters
        ----------
        literals : sequence of int
            The decisions that bound the cell, in their order (lower layers first), as in `Cube`.
        bits : ndarray of uint8, shape (n_units,)
            The bits on the cell of all units in layers below that of the unit.
        question : Question
            With the active walls of the cell's nearest point for a basis, the answer costs a few
            small linear systems.

        Raises
        ------
        CheckFailedError
            If the cell does not meet the ball.
        UnfinishedError
            If functions are still to be composed: ask again.
        """
        effort = Effort(self._most_effort, composing=self._most_effort)
        try:
            row = self._maps.row(question.unit, bits, effort)
            if not any(row[1:]):
                return Verdict(Sign.POSITIVE if row[0] > 0 else Sign.NEGATIVE)
            walls = self._path.walls(literals, bits, effort)
            start = [] if question.basis is None else self._path.places(question.basis.units)
            cell = BallCell.within(self._space, walls, start, effort)
            if question.doubt is Doubt.BELOW:
                opposite = tuple(-value for value in row)
                cuts = cell.is_positive_somewhere(opposite, effort)
                return Verdict(Sign.CUTS if cuts else Sign.POSITIVE)
            if question.doubt is Doubt.ABOVE:
                cuts = cell.is_positive_somewhere(row, effort)
                return Verdict(Sign.CUTS if cuts else Sign.NEGATIVE)
            return Verdict(cell.sign(row, effort))
        except EffortExceededError:
            return Verdict(None)
