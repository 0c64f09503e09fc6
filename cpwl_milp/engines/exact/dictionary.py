"""A simplex dictionary in whole numbers: integer pivoting, no rounding, no growth beyond minors.

The cell is ``s_i >= 0`` for some affine functions s of the coordinates y. d of them (the columns)
are zero at the current vertex; the others (the rows) are ``den s_i = v_i + sum_j c_ij s_j`` over
the columns' j, with one common denominator den > 0. All entries are minors of the functions'
coefficients, so every division by den is exact (Edmonds 1967; Bareiss 1968).

Ids: ``c`` for ``y_c >= 0``, ``d + c`` for ``y_c <= width_c``, from ``2 d`` on what was added.

The vertex is always feasible, so there is no phase 1: a function that takes both signs is made a
column at a vertex of its own hyperplane, which belongs to both sides (`cut`). Bland's rule ends
every sequence of pivots that stalls.

Cost: a pivot takes rows * columns products and divisions.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from cpwl_milp.engines.ambiguity import UnfinishedError
from cpwl_milp.engines.exact.integers import Row

# Pivots by the steepest coefficient before Bland's rule takes over for good.
_STEEPEST = 20


class EffortExceededError(Exception):
    """The limit of work for one decision is reached."""


class Effort:
    """A limit of work: products of whole numbers (of 64-bit words, roughly).

    Parameters
    ----------
    limit : int
    deadline : float
        `time.monotonic()` after which nothing is left either.
    composing : float
        The same limit for composing affine functions, which is kept for a next try.
    """

    def __init__(
        self, limit: int, deadline: float = math.inf, *, composing: float = math.inf
    ) -> None:
        self.left = limit
        self._deadline = deadline
        self._composing = composing

    def spend(self, products: int, size: int) -> None:
        """Book so many products of numbers like `size`.

        Raises
        ------
        EffortExceededError
            If nothing is left.
        """
        self.left -= products * (1 + size.bit_length() // 64)
        if self.left < 0 or time.monotonic() > self._deadline:
            raise EffortExceededError

    def compose(self, products: int, bits: int) -> None:
        """Book so many products of numbers of so many bits.

        Raises
        ------
        UnfinishedError
            If nothing is left.
        """
        # Something is composed in every try, however much it is.
        if self._composing <= 0 or time.monotonic() > self._deadline:
            raise UnfinishedError
        self._composing -= products * (1 + bits // 64)


class Dictionary:
    """A cell with a vertex of it.

    Attributes
    ----------
    den : int
    rows : list of list of int
        ``[v, c_1, ..., c_d]``.
    row_ids, columns : list of int
        The functions of rows and columns.
    """

    __slots__ = ("columns", "den", "dim", "row_ids", "rows")

    def __init__(
        self, dim: int, den: int, rows: list[list[int]], row_ids: list[int], columns: list[int]
    ) -> None:
        self.dim = dim
        self.den = den
        self.rows = rows
        self.row_ids = row_ids
        self.columns = columns

    @staticmethod
    def of_box(width: Sequence[int]) -> Dictionary:
        """The box ``0 <= y <= width`` at its lowest corner."""
        d = len(width)
        rows = [[w, *(-int(k == c) for k in range(d))] for c, w in enumerate(width)]
        return Dictionary(d, 1, rows, list(range(d, 2 * d)), list(range(d)))

    def copy(self) -> Dictionary:
        """An independent copy."""
        return Dictionary(
            self.dim,
            self.den,
            [row.copy() for row in self.rows],
            self.row_ids.copy(),
            self.columns.copy(),
        )

    def expressed(self, row: Row) -> list[int]:
        """``den`` times a function of y, over the columns."""
        found = [0] * (self.dim + 1)
        found[0] = row[0] * self.den
        place = {variable: j for j, variable in enumerate(self.columns, start=1)}
        where = {variable: i for i, variable in enumerate(self.row_ids)}
        for c in range(self.dim):
            weight = row[c + 1]
            if not weight:
                continue
            j = place.get(c)
            if j is not None:
                found[j] += weight * self.den
                continue
            for k, value in enumerate(self.rows[where[c]]):
                found[k] += weight * value
        return found

    def point(self) -> list[int]:
        """The vertex: ``den * y``."""
        y = [0] * self.dim
        for variable, row in zip(self.row_ids, self.rows, strict=True):
            if variable < self.dim:
                y[variable] = row[0]
        return y

    def pivot(self, r: int, j: int, effort: Effort) -> None:
        """Swap row r and column j (from 1)."""
        rows, den = self.rows, self.den
        pivot_row = rows[r]
        p = pivot_row[j]
        effort.spend(len(rows) * (self.dim + 1), p)
        if p < 0:
            # den s_r = ... with both sides negated: -p stays positive as the new denominator.
            pivot_row = [-value for value in pivot_row]
            p, sign = -p, -1
        else:
            sign = 1
        for i, row in enumerate(rows):
            if i == r:
                continue
            factor = row[j]
            if factor:
                new = [
                    (value * p - factor * other) // den
                    for value, other in zip(row, pivot_row, strict=True)
                ]
                new[j] = sign * factor
                rows[i] = new
            elif p != den:
                rows[i] = [value * p // den for value in row]
        new = [-value for value in pivot_row]
        new[j] = sign * den
        rows[r] = new
        self.den = p
        self.row_ids[r], self.columns[j - 1] = self.columns[j - 1], self.row_ids[r]

    def negate_column(self, j: int) -> None:
        """Turn column j (from 1) around: from now on minus its function is at least 0."""
        for row in self.rows:
            row[j] = -row[j]

    def entering(self, expression: Sequence[int], steepest: bool) -> int:
        """A column (from 1) that lowers the expression; 0 if none does."""
        best = 0
        for j in range(1, self.dim + 1):
            value = expression[j]
            if value < 0 and (
                not best
                or (
                    value < expression[best]
                    if steepest
                    else self.columns[j - 1] < self.columns[best - 1]
                )
            ):
                best = j
        return best

    def blocking(self, j: int, n_rows: int) -> int:
        """The row among the first `n_rows` that column j reaches first, ties by the least id."""
        best = -1
        room = slope = 0
        for i in range(n_rows):
            row = self.rows[i]
            own = -row[j]
            if own <= 0:
                continue
            if best < 0:
                best, room, slope = i, row[0], own
                continue
            ours, theirs = row[0] * slope, room * own
            if ours < theirs or (ours == theirs and self.row_ids[i] < self.row_ids[best]):
                best, room, slope = i, row[0], own
        return best

    def minimise(self, row: Row, effort: Effort, *, until_negative: bool) -> list[int]:
        """Lower a function over the cell; its expression at the vertex where that ended.

        Parameters
        ----------
        until_negative : bool
            Stop at the first vertex where it is below 0.

        Returns
        -------
        list of int
            ``[den * value, coefficients]``; a least value iff no coefficient is below 0.
        """
        return self.minimise_expressed(self.expressed(row), effort, until_negative=until_negative)

    def minimise_expressed(
        self, expression: list[int], effort: Effort, *, until_negative: bool = False
    ) -> list[int]:
        """As `minimise`, of a function that is expressed over the columns already."""
        self.rows.append(expression)
        self.row_ids.append(-1)
        n_rows = len(self.rows) - 1
        steps = 0
        try:
            while True:
                target = self.rows[-1]
                if until_negative and target[0] < 0:
                    return target
                j = self.entering(target, steps < _STEEPEST)
                if not j:
                    return target
                self.pivot(self.blocking(j, n_rows), j, effort)
                steps += 1
        finally:
            self.rows.pop()
            self.row_ids.pop()

    def cut(self, row: Row, variable: int, effort: Effort) -> int:
        """Make a function that takes both signs a column, at a vertex where it is 0.

        Returns
        -------
        int
            Its column (from 1): this is now the side where it is at least 0.
        """
        first = self.expressed(row)
        sign = 1 if first[0] >= 0 else -1
        self.rows.append([sign * value for value in first])
        self.row_ids.append(variable)
        last = len(self.rows) - 1
        steps = 0
        while True:
            target = self.rows[last]
            j = self.entering(target, steps < _STEEPEST)
            if not j:
                raise ValueError("the function does not take both signs")
            r = last if target[0] == 0 else self.blocking(j, last + 1)
            self.pivot(r, j, effort)
            steps += 1
            if r == last:
                break
        if sign < 0:
            self.negate_column(j)
        return j
