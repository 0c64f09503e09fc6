"""What one open unit does on one cell: a constant bit, or a cut."""

from __future__ import annotations

from cpwl_milp.engines.compiled import inlined_kernel, merged_kernel
from cpwl_milp.engines.tree.dictionary import CROSSES, FAILED, move, seek_negative
from cpwl_milp.engines.tree.state import AGE, PIVOTS, ROWS, TABLE, TESTS, TOLERANCE

# What a unit does on a cell.
BIT_0 = 0
BIT_1 = 1
CUTS = 2
UNDECIDED = 3


@merged_kernel
def decide(state, unit):
    """What an open unit does on the current cell: BIT_0, BIT_1, CUTS or UNDECIDED.

    With CUTS comes the column along which the unit's value passes zero from the current vertex
    before anything blocks. UNDECIDED (the pivots failed) asks for a dictionary without
    accumulated error.
    """
    s = state.at[TABLE]
    counters = state.counters
    counters[TESTS] += 1
    before = counters[PIVOTS]
    code, col = classify(state, unit)
    state.sizes[s, AGE] += counters[PIVOTS] - before
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
                return CUTS, col
            return BIT_1 if sign > 0.0 else BIT_0, 0
        if none_below:
            return BIT_1 if code == CROSSES else BIT_0, 0
        if code == CROSSES:
            # Go where the value is negative, and look for a positive one from there.
            move(table, n_rows, row_ids, col_ids, columns, row, col, scratch)
            counters[PIVOTS] += 1
        elif table[0, target] > tolerance:
            return BIT_1, 0
        else:
            none_below = True
    return UNDECIDED, 0
