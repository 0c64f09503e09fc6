"""Cells that meet the ball, and what an affine function does on them there."""

from __future__ import annotations

from collections.abc import Sequence

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.engines.ambiguity import Sign
from cpwl_milp.engines.ball.exact.inscribed import largest_ball
from cpwl_milp.engines.ball.exact.space import BallSpace
from cpwl_milp.engines.exact.dictionary import Effort
from cpwl_milp.engines.exact.integers import Row
from cpwl_milp.engines.exact.nearest import Nearest, nearest
from cpwl_milp.engines.exact.walls import Wall


class BallCell:
    """A cell whose interior meets the open ball, with its point nearest to the centre.

    An affine function z is above 0 somewhere in the cell within the open ball iff it is so
    somewhere in the cell, and the part of the cell where z >= 0 comes nearer than the radius: then
    the points that show the one and the other have points between them that show both.

    Parameters
    ----------
    space : BallSpace
    walls : tuple of Wall
    nearest : Nearest, optional
        The centre, if not given.
    """

    __slots__ = ("_nearest", "_space", "_tested", "walls")

    def __init__(
        self, space: BallSpace, walls: tuple[Wall, ...] = (), nearest: Nearest | None = None
    ) -> None:
        self.walls = walls
        self._space = space
        self._nearest = nearest or Nearest()
        # The function that was asked about last: a child usually follows.
        self._tested: Wall | None = None

    @staticmethod
    def within(
        space: BallSpace, walls: tuple[Wall, ...], start: Sequence[int], effort: Effort
    ) -> BallCell:
        """The cell of some walls, `start` of which are thought to be active.

        Raises
        ------
        CheckFailedError
            If the cell does not meet the ball.
        """
        found = nearest(walls, start, space.square, effort)
        if found is None:
            raise CheckFailedError(
                "search",
                "a cell that meets the ball",
                "no such cell, by exact arithmetic",
                "floating point failed beyond its tolerance: please report it",
            )
        return BallCell(space, walls, found)

    def sign(self, row: Row, effort: Effort) -> Sign:
        """What an affine function does on the cell within the ball."""
        known = self._at_a_glance(row)
        if known is not None:
            return known
        wall = self._wall(row)
        value = self._nearest.value(wall, self.walls, effort)
        above = value > 0 or self._reaches(wall, effort)
        below = value < 0 or self._reaches(wall.turned(), effort)
        if above:
            return Sign.CUTS if below else Sign.POSITIVE
        return Sign.NEGATIVE

    def is_positive_somewhere(self, row: Row, effort: Effort) -> bool:
        """Whether an affine function is above 0 on a part of the cell within the ball."""
        known = self._at_a_glance(row)
        if known is not None:
            return known is Sign.POSITIVE
        wall = self._wall(row)
        return self._nearest.value(wall, self.walls, effort) > 0 or self._reaches(wall, effort)

    def child(self, row: Row, bit: int, effort: Effort) -> BallCell:
        """The part where a function that cuts the cell is at least 0 (bit 1) or at most 0."""
        wall = self._wall(row)
        if not bit:
            wall = wall.turned()
        walls = (*self.walls, wall)
        if self._nearest.value(wall, self.walls, effort) >= 0:
            return BallCell(self._space, walls, self._nearest)
        return BallCell.within(self._space, walls, self._nearest.active, effort)

    def largest_ball(self) -> tuple[Vector, float]:
        """Centre and radius of the largest ball in the cell and the ball."""
        return largest_ball(self._space, self.walls, self._nearest)

    def _reaches(self, wall: Wall, effort: Effort) -> bool:
        """Whether the open side of a wall that the nearest point is not in is there."""
        walls = (*self.walls, wall)
        found = nearest(
            walls, self._nearest.active, self._space.square, effort, lifted=len(walls) - 1
        )
        return found is not None

    def _wall(self, row: Row) -> Wall:
        if self._tested is None or self._tested.row != row:
            self._tested = Wall(row)
        return self._tested

    def _at_a_glance(self, row: Row) -> Sign | None:
        """The sign of constant functions, and of those that bound the cell."""
        if not any(row[1:]):
            return Sign.POSITIVE if row[0] > 0 else Sign.NEGATIVE
        opposite = tuple(-value for value in row)
        for wall in self.walls:
            if wall.row == row:
                return Sign.POSITIVE
            if wall.row == opposite:
                return Sign.NEGATIVE
        return None
