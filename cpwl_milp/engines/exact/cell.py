"""Full-dimensional cells, and what an affine function does on them."""

from __future__ import annotations

from cpwl_milp.engines.ambiguity import Sign
from cpwl_milp.engines.exact.dictionary import Dictionary, Effort
from cpwl_milp.engines.exact.integers import Row, quotient
from cpwl_milp.engines.exact.space import ExactSpace


class ExactCell:
    """A cell of the domain: a feasible dictionary, whose vertex moves as questions are asked.

    Parameters
    ----------
    dictionary : Dictionary
    added : dict of Row to int
        The functions imposed so far (at least 0 on the cell), and their ids.
    """

    __slots__ = ("added", "dictionary")

    def __init__(self, dictionary: Dictionary, added: dict[Row, int]) -> None:
        self.dictionary = dictionary
        self.added = added

    @staticmethod
    def whole(space: ExactSpace, effort: Effort) -> ExactCell:
        """The whole domain, which has an interior."""
        cell = ExactCell(Dictionary.of_box(space.width), {})
        for row in space.inequalities:
            if cell.sign(row, effort) is Sign.CUTS:
                cell = cell.child(row, 1, effort)
        return cell

    def sign(self, row: Row, effort: Effort) -> Sign:
        """What an affine function does on the cell."""
        known = self._at_a_glance(row)
        if known is not None:
            return known
        opposite = tuple(-value for value in row)
        below = self.dictionary.minimise(row, effort, until_negative=True)[0] < 0
        above = self.dictionary.minimise(opposite, effort, until_negative=True)[0] < 0
        if above:
            return Sign.CUTS if below else Sign.POSITIVE
        return Sign.NEGATIVE

    def is_negative_somewhere(self, row: Row, effort: Effort) -> bool:
        """Whether an affine function is below 0 on a full-dimensional part of the cell."""
        known = self._at_a_glance(row)
        if known is not None:
            return known is Sign.NEGATIVE and any(row)
        return self.dictionary.minimise(row, effort, until_negative=True)[0] < 0

    def depth_below(self, row: Row, space: ExactSpace, effort: Effort) -> float:
        """How far a function that cuts the cell falls below 0: unit box, unit normal."""
        value = self.dictionary.minimise(row, effort, until_negative=False)[0]
        norm, shift = space.norm(row)
        return quotient(-value, self.dictionary.den << shift) / norm

    def child(self, row: Row, bit: int, effort: Effort) -> ExactCell:
        """The part where a function that cuts the cell is at least 0 (bit 1) or at most 0."""
        variable = 2 * self.dictionary.dim + len(self.added)
        side = row if bit else tuple(-value for value in row)
        dictionary = self.dictionary.copy()
        dictionary.cut(side, variable, effort)
        return ExactCell(dictionary, {**self.added, side: variable})

    def _at_a_glance(self, row: Row) -> Sign | None:
        """The sign where it needs no pivots: constant functions, and faces of the cell."""
        if not any(row[1:]):
            return Sign.POSITIVE if row[0] > 0 else Sign.NEGATIVE
        if row in self.added:
            return Sign.POSITIVE
        if tuple(-value for value in row) in self.added:
            return Sign.NEGATIVE
        return None
