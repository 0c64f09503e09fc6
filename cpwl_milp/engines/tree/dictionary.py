"""A dense dictionary simplex with bounded variables, on the cell of a partial pattern.

Variables are the coordinates ``t_c`` in [-1, 1] (id c) and the normalised pre-activations ``z_u``
of units (id d + u): at least 0 for bit 1, at most 0 for bit 0, free while the unit is open. d
variables (columns) stand at one of their limits at the current vertex, ``limit + side * v`` with
``v >= 0``; all others (rows) are affine functions of these v. One row a line would be the
textbook's way; here a table is stored by columns, so that every loop runs along rows:

    table[0, i]      value of row i at the vertex
    table[j, i]      its coefficient of the v of column j - 1, j = 1..d
    table[d + 1, i]  lower limit that the cell imposes (-inf: none, or implied by the others)
    table[d + 2, i]  upper limit
    table[d + 3, i]  a proved lower bound of the row on the cell, implied or imposed
    table[d + 4, i]  a proved upper bound

The units of a block are rows from the block's start. So a pivot tells their signs at the next
vertex for nothing, a unit that cuts becomes a constraint by a limit, and bits only turn limits.
The box costs no rows: a box of d dimensions under m units is a table of at most m rows. The
vertex is always feasible, so there is no phase 1, ever.

Cost: a pivot touches ``rows * (d + 1)`` numbers, a flip from limit to limit ``2 * rows``.
"""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.compiled import kernel
from cpwl_milp.engines.tree.state import PIVOTS, SIDE, SPAN, STEEP

# Outcomes of `seek_negative`.
NONNEGATIVE = 0
CROSSES = 1
FAILED = 2
TOUCHES = 3  # nonnegative to the tolerance, but no more than the tolerance above zero somewhere

# Coefficients below this are noise of earlier pivots (rows and coordinates are of order one).
_PIVOT = 1e-12
# A pivot below this multiplies rounding errors up to the tolerance. One above its inverse leaves a
# vertex that such a pivot led to, but its errors stay in the table.
_STEEP_PIVOT = 1e-5
# Two ratios this close are a tie, broken towards the larger pivot.
_RATIO_TIE = 1e-13


@kernel
def pivot(table, n_rows, row, col, limit, leaving_side, start, entering_side, scratch):
    """Swap the variables of `row` and column `col` (from 1), in place.

    Parameters
    ----------
    limit, leaving_side : float
        Where the row's variable comes to stand, and the direction from there into the cell.
    start, entering_side : float
        Where the column's variable stood, and its direction.
    scratch : float64 (capacity,)
    """
    d = table.shape[0] - 5
    inverse = 1.0 / table[col, row]
    for i in range(n_rows):
        scratch[i] = table[col, i] * inverse
    excess = table[0, row] - limit
    for k in range(d + 1):
        entry = table[k, row] if k > 0 else excess
        if k != col and entry != 0.0:
            for i in range(n_rows):
                table[k, i] -= scratch[i] * entry
            table[k, row] = -entering_side * entry * inverse
    table[0, row] = start - entering_side * excess * inverse
    for i in range(n_rows):
        table[col, i] = leaving_side * scratch[i]
    table[col, row] = entering_side * leaving_side * inverse


@kernel
def is_steep(pivot):
    """Whether a pivot on this entry brings errors, or leaves those of one before, in the table."""
    return not _STEEP_PIVOT < abs(pivot) < 1.0 / _STEEP_PIVOT


@kernel
def exchange(table, n_rows, row_ids, col_ids, columns, row, col, upper, scratch):
    """Pivot, and note which variable stands where, with which limits and proved bounds.

    `upper` : the row's variable comes to stand at its upper limit, not at its lower one.
    """
    d = col_ids.shape[0]
    low, high = table[d + 3, row], table[d + 4, row]
    limit = table[d + 2, row] if upper else table[d + 1, row]
    leaving_side = -1.0 if upper else 1.0
    entering = col_ids[col - 1]
    side = columns[SIDE, col - 1]
    span = columns[SPAN, col - 1]
    start = -side if entering < d else 0.0
    pivot(table, n_rows, row, col, limit, leaving_side, start, side, scratch)
    col_ids[col - 1] = row_ids[row]
    columns[SIDE, col - 1] = leaving_side
    columns[SPAN, col - 1] = max(0.0, limit - low if upper else high - limit)
    row_ids[row] = entering
    table[d + 1, row] = -np.inf
    table[d + 2, row] = np.inf
    if entering < d or side > 0.0:
        table[d + 1, row] = -1.0 if entering < d else 0.0
    if entering < d or side < 0.0:
        table[d + 2, row] = 1.0 if entering < d else 0.0
    table[d + 3, row] = start if side > 0.0 else start - span
    table[d + 4, row] = start + span if side > 0.0 else start


@kernel
def move(table, n_rows, row_ids, col_ids, columns, row, col, scratch):
    """Go to the next vertex along column `col`: to `row`'s limit, or (row < 0) across the box."""
    if row >= 0:
        upper = table[col, row] > 0.0
        exchange(table, n_rows, row_ids, col_ids, columns, row, col, upper, scratch)
        return
    for i in range(n_rows):
        table[0, i] += 2.0 * table[col, i]
        table[col, i] = -table[col, i]
    columns[SIDE, col - 1] = -columns[SIDE, col - 1]
    # Its proved bounds spoke of the other limit.
    columns[SPAN, col - 1] = 2.0


@kernel
def ratio_test(table, n_rows, col, row_ids, smallest_index, scratch):
    """The row that blocks an increase of column `col`, and the step to it.

    Returns ``(-1, inf)`` if nothing blocks. `smallest_index` asks for Bland's tie rule.
    """
    d = table.shape[0] - 5
    step = np.inf
    for i in range(n_rows):
        # Both rooms and the ratio, wanted or not: a loop without a branch runs in vectors.
        slope = table[col, i]
        value = table[0, i]
        above = value - table[d + 1, i]
        below = table[d + 2, i] - value
        room = above if slope < 0.0 else below
        size = abs(slope)
        ratio = max(room, 0.0) / size
        ratio = ratio if size > _PIVOT else np.inf
        scratch[i] = ratio
    # Row counts are multiples of 4: four chains of comparisons instead of one.
    first, second, third = np.inf, np.inf, np.inf
    for i in range(0, n_rows, 4):
        step = min(step, scratch[i])
        first = min(first, scratch[i + 1])
        second = min(second, scratch[i + 2])
        third = min(third, scratch[i + 3])
    step = min(min(step, first), min(second, third))
    best = -1
    if step == np.inf:
        return best, step
    for i in range(n_rows):
        if scratch[i] <= step + _RATIO_TIE:
            if best < 0:
                best = i
            elif smallest_index:
                if row_ids[i] < row_ids[best]:
                    best = i
            elif abs(table[col, i]) > abs(table[col, best]):
                best = i
    return best, step


@kernel
def entering_column(table, row, sign, col_ids, columns, least, smallest_index):
    """The column that can lower ``sign * row`` most, and by how much all together could.

    The v of a column lies in ``[0, span]`` on the cell. Columns that promise less than
    `least` are left out. Returns ``(0, total)`` if none is left.
    """
    best = 0
    gain_of_best = least
    total = 0.0
    for j in range(1, col_ids.shape[0] + 1):
        gain = max(-sign * table[j, row] * columns[SPAN, j - 1], 0.0)
        total += gain
        better = gain > gain_of_best
        best = j if better else best
        gain_of_best = gain if better else gain_of_best
    if best > 0 and smallest_index:
        for j in range(1, col_ids.shape[0] + 1):
            gain = -sign * table[j, row] * columns[SPAN, j - 1]
            if gain > least and col_ids[j - 1] < col_ids[best - 1]:
                best = j
    return best, total


@kernel
def seek_negative(
    table, n_rows, row_ids, col_ids, columns, target, sign, tolerance, counters, scratch
):
    """Minimise ``sign * target`` over the cell until it drops below ``-tolerance`` somewhere.

    Parameters
    ----------
    target : int
        The row of an open unit; at least ``-tolerance`` (times sign) at the current vertex.

    Returns
    -------
    outcome : int
        NONNEGATIVE, TOUCHES, CROSSES (along the returned column the target falls below
        ``-tolerance`` before anything blocks; that move is left to the caller) or FAILED.
    col, row : int
        The column for CROSSES, and what blocks it (as `move` takes them).
    """
    d = col_ids.shape[0]
    least = tolerance / (4.0 * d)
    stalled = 0
    for _ in range(200 + 40 * (n_rows + d)):
        bland = stalled > 2 * d + 8
        value = sign * table[0, target]
        col, total = entering_column(table, target, sign, col_ids, columns, least, bland)
        if value - total > tolerance:
            return NONNEGATIVE, 0, 0
        if col == 0:
            return TOUCHES if value <= tolerance else NONNEGATIVE, 0, 0
        row, step = ratio_test(table, n_rows, col, row_ids, bland, scratch)
        if step >= 2.0 and col_ids[col - 1] < d:
            row, step = -1, 2.0
        elif row < 0:
            return FAILED, 0, 0
        slope = sign * table[col, target]
        if value + step * slope < -tolerance:
            return CROSSES, col, row
        stalled = stalled + 1 if step * -slope <= least * 1e-3 else 0
        counters[STEEP] += row >= 0 and is_steep(table[col, row])
        move(table, n_rows, row_ids, col_ids, columns, row, col, scratch)
        counters[PIVOTS] += 1
    return FAILED, 0, 0
