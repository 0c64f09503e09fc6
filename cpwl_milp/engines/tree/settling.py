"""Bounds of all rows at once: which open units and limits matter on the current cell."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.compiled import inlined_kernel, kernel
from cpwl_milp.engines.tree.state import OPEN, ROWS, SPAN, TABLE, TOLERANCE

# Bounds are given away by this share of their width, for the rounding of the sums.
_SLACK = 1e-13
# A column's function is zero at the vertex up to so much, after the pivots of some checks: a row
# that depends steeply on it errs by as much more.
_ERROR = 5e-14
# A limit that stands off the cell by this is left out of all ratio tests.
_REDUNDANT = 1e-9


@kernel
def tighten(table, n_rows, columns, scratch):
    """Bound every row over the cell by the spans of the columns; drop implied limits.

    Bounds only ever get narrower on the way down, and the span of a column is taken from them
    when its variable leaves the rows. Cost: that of a pivot.

    Parameters
    ----------
    scratch : float64 (2, capacity)
    """
    d = table.shape[0] - 5
    middle, reach = scratch[0], scratch[1]
    for i in range(n_rows):
        middle[i] = table[0, i]
        reach[i] = 0.0
    # Two columns at a time: half the traffic of the sums.
    for j in range(1, d, 2):
        half, other = 0.5 * columns[SPAN, j - 1], 0.5 * columns[SPAN, j]
        wide, other_wide = half + _ERROR, other + _ERROR
        for i in range(n_rows):
            middle[i] += table[j, i] * half + table[j + 1, i] * other
            reach[i] += abs(table[j, i]) * wide + abs(table[j + 1, i]) * other_wide
    if d % 2 == 1:
        half = 0.5 * columns[SPAN, d - 1]
        wide = half + _ERROR
        for i in range(n_rows):
            middle[i] += table[d, i] * half
            reach[i] += abs(table[d, i]) * wide
    for i in range(n_rows):
        slack = reach[i] + _SLACK * (1.0 + reach[i])
        least = max(table[d + 3, i], middle[i] - slack)
        most = min(table[d + 4, i], middle[i] + slack)
        table[d + 3, i] = least
        table[d + 4, i] = most
        table[d + 1, i] = -np.inf if least > table[d + 1, i] + _REDUNDANT else table[d + 1, i]
        table[d + 2, i] = np.inf if most < table[d + 2, i] - _REDUNDANT else table[d + 2, i]


@inlined_kernel
def settle(state):
    """Give every open unit its bit that the bounds fix on the current cell.

    Returns False if the cube asks for another bit of one of them: no region of it is here.
    """
    s = state.at[TABLE]
    if state.sizes[s, OPEN] == 0:
        return True
    d = state.col_ids.shape[1]
    tighten(state.tables[s], state.sizes[s, ROWS], state.columns[s], state.scratch)
    kept = 0
    for k in range(state.sizes[s, OPEN]):
        unit = state.opens[s, k]
        row = state.place[unit]
        tolerance = state.measures[unit, TOLERANCE]
        bit = -1
        if state.tables[s, d + 3, row] > tolerance:
            bit = 1
        elif state.tables[s, d + 4, row] < -tolerance:
            bit = 0
        if bit < 0:
            state.opens[s, kept] = unit
            kept += 1
        else:
            state.bits[unit] = bit
            if state.fixed[unit] >= 0 and state.fixed[unit] != bit:
                return False
    state.sizes[s, OPEN] = kept
    return True
