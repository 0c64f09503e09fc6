"""The half-spaces that bound a cell, with their inner products."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul

from cpwl_milp.engines.exact.dictionary import Effort
from cpwl_milp.engines.exact.integers import Row


class Wall:
    """``constant + gradient . y >= 0``, in whole numbers.

    Attributes
    ----------
    row : Row
        Constant first, then one coefficient a coordinate.
    """

    __slots__ = ("_products", "row")

    def __init__(self, row: Row) -> None:
        self.row = row
        self._products: dict[Wall, int] = {}

    @property
    def constant(self) -> int:
        """The value at the centre."""
        return self.row[0]

    def turned(self) -> Wall:
        """The other side, with what is known of this one."""
        other = Wall(tuple(-value for value in self.row))
        other._products = {wall: -value for wall, value in self._products.items()}
        return other

    def dot(self, earlier: Wall, effort: Effort) -> int:
        """The inner product of the gradients; it is kept for as long as this wall is."""
        found = self._products.get(earlier)
        if found is None:
            found = sum(map(mul, self.row[1:], earlier.row[1:]))
            effort.spend(len(self.row), found)
            self._products[earlier] = found
        return found


def inner(walls: Sequence[Wall], i: int, j: int, effort: Effort) -> int:
    """The inner product of two walls of a cell, listed in the order in which they came."""
    return walls[i].dot(walls[j], effort) if i >= j else walls[j].dot(walls[i], effort)
