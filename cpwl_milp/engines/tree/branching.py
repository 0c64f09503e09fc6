"""Going down into a child of a cut, and back to the sibling."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.compiled import merged_kernel
from cpwl_milp.engines.tree.dictionary import exchange
from cpwl_milp.engines.tree.state import (
    AGE,
    ENTERED,
    LAYER,
    LEVELS,
    LOOSE,
    LOOSE_CELL,
    OF_KIND,
    OF_LAYER,
    OF_NEXT,
    OF_TABLE,
    OF_UNIT,
    OPEN,
    PENDING,
    PIVOTS,
    PLAIN,
    ROWS,
    SIDE,
    SPAN,
    STANDING,
    TABLE,
    THIN_CELL,
    UNIT,
)
from cpwl_milp.engines.tree.units import BELOW, BOTH

# Where a search comes to stand.
AT_NONE = 0
AT_CELL = 1
AT_THIN = 2  # in a cell too thin for float64


@merged_kernel
def branch(state, unit, col):
    """Cut the cell by `unit` and descend into the child of bit 0 (or the cube's own side).

    Stops the edge of column `col` at the hyperplane itself: that vertex belongs to both children.
    The table stays for bit 1, a copy goes on with bit 0.
    """
    at = state.at
    s = at[TABLE]
    d = state.col_ids.shape[1]
    n_rows = state.sizes[s, ROWS]
    row = state.place[unit]
    lowest = state.tables[s, d + 3, row]
    # Stands at its lower limit: an open unit has no upper one.
    state.tables[s, d + 1, row] = 0.0
    exchange(
        state.tables[s],
        n_rows,
        state.row_ids[s],
        state.col_ids[s],
        state.columns[s],
        row,
        col,
        state.tables[s, d + 2, row] < np.inf,
        state.scratch[0],
    )
    state.counters[PIVOTS] += 1
    state.sizes[s, AGE] += 1
    bit = state.fixed[unit]
    if bit < 0:
        bit = 0
        push(state, unit, PLAIN)
        copy(state, s, s + 1)
        s += 1
        at[TABLE] = s
    if bit == 0:
        for i in range(n_rows):
            state.tables[s, col, i] = -state.tables[s, col, i]
        state.columns[s, SIDE, col - 1] = -1.0
        state.columns[s, SPAN, col - 1] = max(0.0, -lowest)
    state.bits[unit] = bit


@merged_kernel
def push(state, unit, kind):
    """A level for the sibling that is still to come, a cell of some kind."""
    at = state.at
    level = at[LEVELS]
    state.levels[level, OF_UNIT] = unit
    state.levels[level, OF_LAYER] = at[LAYER]
    state.levels[level, OF_NEXT] = at[UNIT]
    state.levels[level, OF_TABLE] = at[TABLE]
    state.levels[level, PENDING] = 1
    state.levels[level, OF_KIND] = kind
    at[LEVELS] = level + 1


@merged_kernel
def copy(state, source, target):
    """Copy a dictionary. Cost: half a pivot."""
    n_rows = state.sizes[source, ROWS]
    for k in range(state.tables.shape[1]):
        for i in range(n_rows):
            state.tables[target, k, i] = state.tables[source, k, i]
    for i in range(n_rows):
        state.row_ids[target, i] = state.row_ids[source, i]
    for j in range(state.col_ids.shape[1]):
        state.col_ids[target, j] = state.col_ids[source, j]
        state.columns[target, SIDE, j] = state.columns[source, SIDE, j]
        state.columns[target, SPAN, j] = state.columns[source, SPAN, j]
    for k in range(state.sizes[source, OPEN]):
        state.opens[target, k] = state.opens[source, k]
    for k in range(state.sizes.shape[1]):
        state.sizes[target, k] = state.sizes[source, k]


@merged_kernel
def backtrack(state):
    """Go to the latest sibling still to come: AT_NONE if there is none, AT_THIN, or AT_CELL."""
    at = state.at
    while at[LEVELS] > 0:
        level = at[LEVELS] - 1
        if state.levels[level, PENDING] == 0:
            at[LEVELS] = level
            continue
        state.levels[level, PENDING] = 0
        unit = state.levels[level, OF_UNIT]
        state.bits[unit] = 1
        at[LAYER] = state.levels[level, OF_LAYER]
        at[UNIT] = state.levels[level, OF_NEXT]
        # The sibling's table is in bit 1's orientation, and the maps of its layer depend on the
        # bits below only, which are the same.
        at[TABLE] = state.levels[level, OF_TABLE]
        at[ENTERED] = 1
        if at[LOOSE] > level:
            at[LOOSE] = -1
        if state.levels[level, OF_KIND] == THIN_CELL:
            # Nothing but its bits: the table went on with the thick side.
            at[STANDING] = unit + 1
            return AT_THIN
        if state.levels[level, OF_KIND] == LOOSE_CELL and at[LOOSE] < 0:
            at[LOOSE] = level + 1
        return AT_CELL
    return AT_NONE


@merged_kernel
def divide(state, unit, doubt):
    """Take a unit's cut with a sliver, of which the table keeps both sides: AT_CELL or AT_THIN.

    Parameters
    ----------
    doubt : int
        BELOW or ABOVE: the side that is a sliver; BOTH: both are.
    """
    at = state.at
    if doubt == BOTH:
        at[STANDING] = unit
        return AT_THIN
    state.sizes[at[TABLE], OPEN] -= 1
    sliver = 0 if doubt == BELOW else 1
    bit = state.fixed[unit]
    if bit < 0:
        bit = 0
        push(state, unit, THIN_CELL if sliver == 1 else LOOSE_CELL)
    state.bits[unit] = bit
    if bit == sliver:
        at[STANDING] = unit + 1
        return AT_THIN
    if at[LOOSE] < 0:
        at[LOOSE] = at[LEVELS]
    return AT_CELL
