"""The point of a polyhedron nearest to the origin, in whole numbers.

The dual active-set method of Goldfarb and Idnani (Mathematical Programming 27, 1983) for the
distance of 0 to ``{y: c_i + g_i.y >= 0}``, as ball/projection.py has it, without rounding. The
point is ``y = sum_i u_i g_i`` over the active walls, so that only their Gram matrix is needed;
systems are solved without fractions (Bareiss 1968).

One wall may be *lifted*: it stands for ``c + g.y >= e`` with e > 0 smaller than any number. What is
compared then has two parts, of which the second counts where the first ones are equal. So a cell
beyond a hyperplane that merely touches it is empty, with no case of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cpwl_milp.engines.exact.dictionary import Effort
from cpwl_milp.engines.exact.walls import Wall, inner


@dataclass(frozen=True)
class Nearest:
    """The nearest point of a cell.

    Attributes
    ----------
    active : tuple of int
        Its active walls: independent, with multipliers not below 0.
    multipliers : tuple of int
        Of the active walls, times `denominator`.
    denominator : int
        Positive.
    """

    active: tuple[int, ...] = ()
    multipliers: tuple[int, ...] = ()
    denominator: int = 1

    def value(self, wall: Wall, walls: Sequence[Wall], effort: Effort) -> int:
        """`denominator` times the value of a function, later than all walls, at the point."""
        total = wall.constant * self.denominator
        for place, multiplier in zip(self.active, self.multipliers, strict=True):
            total += multiplier * wall.dot(walls[place], effort)
        return total

    def point(self, walls: Sequence[Wall], dim: int) -> list[int]:
        """`denominator` times the point."""
        total = [0] * dim
        for place, multiplier in zip(self.active, self.multipliers, strict=True):
            for k, value in enumerate(walls[place].row[1:]):
                total[k] += multiplier * value
        return total


def nearest(
    walls: Sequence[Wall],
    start: Sequence[int],
    square: int | None,
    effort: Effort,
    *,
    lifted: int = -1,
    constants: Sequence[int] | None = None,
) -> Nearest | None:
    """The nearest point; None where the cell is empty or does not meet the open ball.

    Parameters
    ----------
    walls : sequence of Wall
    start : sequence of int
        Walls that are thought to be active; where they cannot be, the search begins with none.
    square : int or None
        Squared radius of the ball; None for the whole space.
    effort : Effort
    lifted : int
        The wall that is lifted, -1 for none.
    constants : sequence of int, optional
        To be taken instead of those of the walls.

    Returns
    -------
    Nearest or None
        With a lifted wall, what the point tends to as e tends to 0.

    Raises
    ------
    EffortExceededError
    """
    own = [wall.constant for wall in walls] if constants is None else constants
    search = _Search(walls, own, lifted, effort)
    if not search.begin(start):
        search.begin(())
    while square is None or search.norm() < square * search.den:
        entering = search.violated()
        if entering < 0:
            return Nearest(tuple(search.active), tuple(row[0] for row in search.rows), search.den)
        if not search.enter(entering):
            return None
    return None


class _Search:
    """The active walls, with multipliers ``a + b e`` (times `den`) that make all of them zero."""

    def __init__(
        self, walls: Sequence[Wall], constants: Sequence[int], lifted: int, effort: Effort
    ) -> None:
        self._walls, self._constants = walls, constants
        self._lifted = lifted
        self._effort = effort
        self.active: list[int] = []
        self.rows: list[list[int]] = []
        self.den = 1

    def begin(self, start: Sequence[int]) -> bool:
        """Begin with some active walls; False if they are dependent or a multiplier is below 0."""
        self.active = list(start)
        return self._solve() and all(row >= [0, 0] for row in self.rows)

    def norm(self) -> int:
        """The point's squared norm, times `den`: it never falls."""
        return -sum(
            self._constants[place] * row[0]
            for place, row in zip(self.active, self.rows, strict=True)
        )

    def violated(self) -> int:
        """The wall that the point lies farthest behind, -1 if it is behind none."""
        best, depth, size = -1, 0, 1
        for k in range(len(self._walls)):
            if k in self.active:
                continue
            first, second = self._slack(k)
            if first < 0:
                # Squared distances, to be compared without roots.
                own, own_size = first * first, self._inner(k, k)
                if own * size > depth * own_size:
                    best, depth, size = k, own, own_size
            elif first == 0 and second < 0 and best < 0:
                best = k
        return best

    def enter(self, entering: int) -> bool:
        """Make a wall active that the point lies behind, others leaving; False if none can be.

        Its multiplier t grows from 0, and those of the others are ``a + b e - t c``. Either the
        point comes to lie on the wall, or another multiplier falls to 0 before.
        """
        while True:
            # Active walls are independent.
            self._solve(entering)
            first, second = self._slack(entering)
            free = self._inner(entering, entering) * self.den
            leaving = -1
            for j, ((a, b, c), place) in enumerate(zip(self.rows, self.active, strict=True)):
                free -= c * self._inner(entering, place)
                if c > 0 and (leaving < 0 or _is_less((a, b, c), self.rows[leaving])):
                    leaving = j
            if free > 0 and (
                leaving < 0 or not _is_less(self.rows[leaving], (-first, -second, free))
            ):
                self.active.append(entering)
                self._solve()
                return True
            if leaving < 0:
                return False
            del self.active[leaving]

    def _slack(self, k: int) -> tuple[int, int]:
        """The value of a wall, times `den`."""
        first = self._constants[k] * self.den
        second = -self.den if k == self._lifted else 0
        for place, row in zip(self.active, self.rows, strict=True):
            product = self._inner(k, place)
            first += row[0] * product
            second += row[1] * product
        self._effort.spend(len(self.active), self.den)
        return first, second

    def _inner(self, i: int, j: int) -> int:
        return inner(self._walls, i, j, self._effort)

    def _solve(self, entering: int = -1) -> bool:
        """Solve for the multipliers, and for c if a wall is entering; False if that fails.

        Gauss-Jordan elimination without fractions: Gram matrices are positive definite or
        singular, so pivots come in order.
        """
        m = len(self.active)
        table = []
        for i in self.active:
            row = [self._inner(i, j) for j in self.active]
            row += [-self._constants[i], int(i == self._lifted)]
            if entering >= 0:
                row.append(self._inner(i, entering))
            table.append(row)
        before = 1
        for k in range(m):
            pivot_row = table[k]
            pivot = pivot_row[k]
            if not pivot:
                return False
            rest = pivot_row[k + 1 :]
            self._effort.spend(m * len(rest), pivot)
            for i, row in enumerate(table):
                if i != k:
                    factor = row[k]
                    row[k + 1 :] = [
                        (a * pivot - factor * b) // before
                        for a, b in zip(row[k + 1 :], rest, strict=True)
                    ]
            before = pivot
        self.rows = [row[m:] for row in table]
        self.den = before
        return True


def _is_less(ours: Sequence[int], theirs: Sequence[int]) -> bool:
    """Whether ``(a + b e) / c < (a' + b' e) / c'``, of (a, b, c) with positive c."""
    left, right = ours[0] * theirs[2], theirs[0] * ours[2]
    return left < right or (left == right and ours[1] * theirs[2] < theirs[1] * ours[2])
