"""What one open unit does on one cell: a constant bit, or a cut."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.ambiguity import Doubt
from cpwl_milp.engines.compiled import inlined_kernel, kernel, merged_kernel
from cpwl_milp.engines.tree.dictionary import (
    CROSSES,
    FAILED,
    TOUCHES,
    is_steep,
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
    TIES,
    TOLERANCE,
)
from cpwl_milp.engines.tree.ties import (
    NOWHERE,
    at_exact_zero,
    common_zero,
    is_certain,
    leads_one_way,
)

BELOW, ABOVE, BOTH, CUT, ZERO = (int(k) for k in Doubt)

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
OPEN_STILL = -2  # no answer yet: from another vertex, perhaps
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
def shaky(table, n_rows, target, col, row, exactly_zero):
    """Whether a cut rests on vertices that float64 does not hold well.

    The two vertices with clear signs, at hand and next along column `col`, are well held if the
    target depends on what meets there so little that its signs are beyond rounding, and no further
    limit is close by: else the true cell may end before the vertex, as in a wedge between nearly
    parallel hyperplanes. A limit through the vertex itself, to rounding, is taken as such. Where
    the target is `exactly_zero` at the vertex at hand, its sign at the next one alone matters.
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
    if (here * _ERROR > abs(value) and not exactly_zero) or after * _ERROR > abs(further):
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
def decide(plan, state, unit, is_zero):
    """What an open unit does on the current cell: BIT_0, BIT_1, CUTS, UNDECIDED or a doubt.

    `is_zero` : it is known to be exactly 0 at the vertex at hand.

    With CUTS comes the column along which the unit's value passes zero from the current vertex
    before anything blocks. UNDECIDED (the pivots failed) asks for a dictionary without
    accumulated error. A doubt adds UNDECIDED to that of ambiguity.py.
    """
    s = state.at[TABLE]
    counters = state.counters
    counters[TESTS] += 1
    before, steep = counters[PIVOTS], counters[STEEP]
    code, col = classify(plan, state, unit, is_zero)
    state.sizes[s, AGE] += counters[PIVOTS] - before
    if counters[STEEP] != steep:
        state.sizes[s, AGE] = STALE
    return code, col


@inlined_kernel
def classify(plan, state, unit, is_zero):
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
        if undecided and not none_below:
            code, col = at_common_zero(plan, state, unit, is_zero)
            if code != OPEN_STILL:
                return code, col
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
                if abs(table[0, target]) <= tolerance and common_zero(plan, state) != NOWHERE:
                    # Signs on both sides are to be found from here.
                    continue
                if abs(table[0, target]) <= tolerance:
                    note_basis(state.hint, col_ids, columns)
                    return UNDECIDED + ZERO, 0
                if shaky(table, n_rows, target, col, row, False):
                    return HELD_BADLY, col
                return CUTS, col
            if code == TOUCHES or steepness(table, target) > _STEEP:
                return one_sided(plan, state, unit, sign), 0
            return BIT_1 if sign > 0.0 else BIT_0, 0
        if none_below:
            return UNDECIDED + (BELOW if code == CROSSES else BOTH), 0
        if code == CROSSES:
            # Go where the value is negative, and look for a positive one from there.
            counters[STEEP] += row >= 0 and is_steep(table[col, row])
            move(table, n_rows, row_ids, col_ids, columns, row, col, scratch)
            counters[PIVOTS] += 1
        else:
            if is_certain(plan, state, unit, 1.0):
                counters[TIES] += 1
                return BIT_1, 0
            none_below = True
            note_basis(state.hint, col_ids, columns)
    return UNDECIDED, 0


@kernel
def one_sided(plan, state, unit, sign):
    """The bit of a unit whose least value (times sign) float64 cannot tell from 0, or the doubt."""
    if is_certain(plan, state, unit, sign):
        state.counters[TIES] += 1
        return BIT_1 if sign > 0.0 else BIT_0
    s = state.at[TABLE]
    note_basis(state.hint, state.col_ids[s], state.columns[s])
    return UNDECIDED + (BELOW if sign > 0.0 else ABOVE)


@kernel
def at_common_zero(plan, state, unit, is_zero):
    """Classify a unit at a vertex where it is zero, if it is so by structure, or known to be.

    OPEN_STILL if it is not, or if the vertex does not decide.
    """
    s = state.at[TABLE]
    table, row_ids, col_ids = state.tables[s], state.row_ids[s], state.col_ids[s]
    columns, scratch = state.columns[s], state.scratch[0]
    counters = state.counters
    n_rows = state.sizes[s, ROWS]
    target = state.place[unit]
    tolerance = state.measures[unit, TOLERANCE]
    if not at_exact_zero(plan, state) and not is_zero:
        return OPEN_STILL, 0
    table[0, target] = 0.0
    col = 0
    for sign in (1.0, -1.0):
        code, col, row = seek_negative(
            table, n_rows, row_ids, col_ids, columns, target, sign, tolerance, counters, scratch
        )
        if code == FAILED or abs(table[0, target]) > tolerance:
            return OPEN_STILL, 0
        if code == CROSSES:
            # Pivots at the vertex have no length; any other would have changed the value.
            if table[0, target] != 0.0 and not at_exact_zero(plan, state):
                return OPEN_STILL, 0
            if shaky(table, n_rows, target, col, row, True):
                return HELD_BADLY, col
        elif leads_one_way(plan, state, unit, sign):
            counters[TIES] += 1
            return BIT_1 if sign > 0.0 else BIT_0, 0
        else:
            return OPEN_STILL, 0
    return CUTS, col
