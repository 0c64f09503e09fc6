"""The cells along a path of literals, kept between questions."""

from __future__ import annotations

from collections.abc import Sequence

from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.engines.ambiguity import Sign
from cpwl_milp.engines.exact.cell import ExactCell
from cpwl_milp.engines.exact.dictionary import Effort
from cpwl_milp.engines.exact.maps import Bits, ExactMaps
from cpwl_milp.engines.exact.space import ExactSpace


class CellPath:
    """The cell of a cube, built from those of the cube asked for before as far as they agree.

    Parameters
    ----------
    maps : ExactMaps
    space : ExactSpace
    """

    def __init__(self, maps: ExactMaps, space: ExactSpace) -> None:
        self._maps = maps
        self._space = space
        self._literals: list[int] = []
        self._cells: list[ExactCell] = []

    def cell(self, literals: Sequence[int], bits: Bits, effort: Effort) -> ExactCell:
        """The cell of literals, in the order of the decisions (lower layers first).

        Parameters
        ----------
        literals : sequence of int
            As in `Cube`.
        bits : ndarray of uint8, shape (n_units,)
            The bits of every unit in layers below those of the literals.

        Raises
        ------
        CheckFailedError
            If there is no such cell.
        EffortExceededError
            If it takes too much work; what was built stays for a next try.
        """
        if not self._cells:
            self._cells.append(ExactCell.whole(self._space, effort))
        agree = 0
        for ours, theirs in zip(self._literals, literals, strict=False):
            if ours != theirs:
                break
            agree += 1
        del self._literals[agree:]
        del self._cells[agree + 1 :]
        for literal in literals[agree:]:
            self._cells.append(self._child(literal, bits, effort))
            self._literals.append(literal)
        return self._cells[-1]

    def _child(self, literal: int, bits: Bits, effort: Effort) -> ExactCell:
        cell = self._cells[-1]
        unit, bit = abs(literal) - 1, int(literal > 0)
        row = self._maps.row(unit, bits, effort)
        sign = cell.sign(row, effort)
        if sign is Sign.CUTS:
            return cell.child(row, bit, effort)
        if int(sign) != bit:
            raise CheckFailedError(
                "search",
                f"a cell in which unit {unit + 1} has bit {bit}",
                "no such cell, by exact arithmetic",
                "floating point failed beyond its tolerance: please report it",
            )
        return cell
