"""What one open unit does on one cell: a constant bit, or a cut."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.ambiguity import Doubt
from cpwl_milp.engines.compiled import inlined_kernel, kernel, merged_kernel
from cpwl_milp.engines.tree.dictionary import (
    CROSSES,
    FAILED,
    STEEP_PIVOT,
    TOUCHES,
    move,
    seek_negative,
)
from cpwl_milp.engines.tree.state import (
    AGE,
    PIVOTS,
    ROWS,
    SIDE,
    STALE,
    STEEP,
    TABLE,
    TESTS,
    TOLERANCE,
)

BELOW, ABOVE, BOTH, CUT = (int(k) for k in (Doubt.BELOW, Doubt.ABOVE, Doubt.BOTH, Doubt.CUT))

# Rows and columns err by some 1e-15, and a value by that times its steepness: more than the
# tolerance from _STEEP on, and surely no more than _ERROR of it.
_STEEP = 1e4
_ERROR = 1e-13
# A limit so far from a vertex is close by; and goes through it, to rounding.
_NEAR = 1e-7
_THROUGH = 1e-12

# What a unit does on a cell.
BIT_0 = 0
BIT_1 = 1
CUTS = 2
UNDECIDED = 3
HELD_BADLY = -1  # a cell that float64 does not hold well: nothing on it is to be trusted
# From here on: that much above UNDECIDED is the doubt (ambiguity.py) of a unit that has a zero to
# the tolerance.


@kernel
def steepness(table, target):
    """How much an error of the columns' functions moves a row's value at the vertex."""
    total = 0.0
    for j in range(1, table.shape[0] - 4):
        total += abs(table[j, target])
    return total


@kernel
def note_basis(hint, col_ids, columns):
    """Keep the columns at hand, where a doubtful extreme was found."""
    for j in range(col_ids.shape[0]):
        hint[0, j] = col_ids[j]
        hint[1, j] = 1 if columns[SIDE, j] > 0.0 else -1


@kernel
def shaky(table, n_rows, target, col, row):
    """Whether a cut rests on vertices that float64 does not hold well.

    The two vertices with clear signs, at hand and next along column `col`, are well held if the
    target depends on what meets there so little that its signs are beyond rounding, and no further
    limit is close by: else the true cell may end before the vertex, as in a wedge between nearly
    parallel hyperplanes. A limit through the vertex itself, to rounding, is taken as such.
    """
    lower, upper = n_limits(table), n_limits(table) + 1
    step = 2.0
    after = here = abs(table[col, target])
    if row >= 0:
        slope = table[col, row]
        step = (table[upper if slope > 0.0 else lower, row] - table[0, row]) / slope
        share = table[col, target] / slope
        after = abs(share)
        for j in range(1, lower - 1):
            if j != col:
                here += abs(table[j, target])
                after += abs(table[j, target] - share * table[j, row])
    else:
        here = after = steepness(table, target)
    value = table[0, target]
    further = value + step * table[col, target]
    if here * _ERROR > abs(value) or after * _ERROR > abs(further):
        return True
    nearest = np.inf
    for i in range(n_rows):
        value = table[0, i]
        further = value + step * table[col, i]
        before = abs(min(value - table[lower, i], table[upper, i] - value))
        beyond = abs(min(further - table[lower, i], table[upper, i] - further))
        before = before if before > _THROUGH else np.inf
        beyond = beyond if beyond > _THROUGH else np.inf
        nearest = min(nearest, min(before, beyond))
    return nearest < _NEAR


@inlined_kernel
def n_limits(table):
    """The line of a table with the rows' lower limits; the upper ones follow."""
    return table.shape[0] - 4


@merged_kernel
def decide(state, unit):
    """What an open unit does on the current cell: BIT_0, BIT_1, CUTS, UNDECIDED or a doubt.

    With CUTS comes the column along which the unit's value passes zero from the current vertex
    before anything blocks. UNDECIDED (the pivots failed) asks for a dictionary without
    accumulated error. A doubt adds UNDECIDED to that of ambiguity.py.
    """
    s = state.at[TABLE]
    counters = state.counters
    counters[TESTS] += 1
    before, steep = counters[PIVOTS], counters[STEEP]
    code, col = classify(state, unit)
    state.sizes[s, AGE] += counters[PIVOTS] - before
    if counters[STEEP] != steep:
        state.sizes[s, AGE] = STALE
    return code, col


@inlined_kernel
def classify(state, unit):
    """As `decide`, on the dictionary as it is."""
    s = state.at[TABLE]
    table, row_ids, col_ids = state.tables[s], state.row_ids[s], state.col_ids[s]
    columns, scratch = state.columns[s], state.scratch[0]
    counters = state.counters
    n_rows = state.sizes[s, ROWS]
    target = state.place[unit]
    tolerance = state.measures[unit, TOLERANCE]
    # Where the vertex lies on the unit's hyperplane: whether no negative value was found.
    none_below = False
    for _ in range(4):
        value = table[0, target]
        undecided = abs(value) <= tolerance
        sign = -1.0 if none_below or value < -tolerance else 1.0
        code, col, row = seek_negative(
            table, n_rows, row_ids, col_ids, columns, target, sign, tolerance, counters, scratch
        )
        if code == FAILED:
            break
        if not undecided:
            if code == CROSSES:
                if shaky(table, n_rows, target, col, row):
                    return HELD_BADLY, col
                return CUTS, col
            if code == TOUCHES or steepness(table, target) > _STEEP:
                note_basis(state.hint, col_ids, columns)
                return UNDECIDED + (BELOW if sign > 0.0 else ABOVE), 0
            return BIT_1 if sign > 0.0 else BIT_0, 0
        if none_below:
            return UNDECIDED + (BELOW if code == CROSSES else BOTH), 0
        if code == CROSSES:
            # Go where the value is negative, and look for a positive one from there.
            counters[STEEP] += row >= 0 and abs(table[col, row]) < STEEP_PIVOT
            move(table, n_rows, row_ids, col_ids, columns, row, col, scratch)
            counters[PIVOTS] += 1
        else:
            none_below = True
            note_basis(state.hint, col_ids, columns)
    return UNDECIDED, 0
