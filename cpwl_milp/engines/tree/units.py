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
from cpwl_milp.engines.tree.ties import EXACT_ZERO, NEVER_ABOVE, NEVER_BELOW, examine

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
    """As `decide`, on the dictionary as it is.

    A vertex where the value is zero up to rounding is no place to cut from, unless it is so
    exactly (by structure, or since that was asked): then both signs are looked for from there.
    """
    s = state.at[TABLE]
    table, row_ids, col_ids = state.tables[s], state.row_ids[s], state.col_ids[s]
    columns, scratch = state.columns[s], state.scratch[0]
    counters = state.counters
    n_rows = state.sizes[s, ROWS]
    target = state.place[unit]
    tolerance = state.measures[unit, TOLERANCE]
    # From a vertex where it may be zero: no negative value was found.
    none_below = False
    # From one where it is: a negative value was found.
    crossed = False
    # The side (a sign) on which nothing was found from a vertex where it may be zero.
    closed = 0.0
    # Such a vertex was come upon on the way from a clear sign to the other.
    arrived = False
    for _ in range(8):
        value = table[0, target]
        undecided = abs(value) <= tolerance
        exact = False
        if undecided:
            known = examine(plan, state, unit)
            if known & (NEVER_BELOW | NEVER_ABOVE):
                counters[TIES] += 1
                return BIT_1 if known & NEVER_BELOW else BIT_0, 0
            exact = is_zero or known & EXACT_ZERO != 0
            if closed != 0.0 or (arrived and not exact):
                note_basis(state.hint, col_ids, columns)
                if closed != 0.0:
                    return UNDECIDED + (BELOW if closed > 0.0 else ABOVE), 0
                return UNDECIDED + ZERO, 0
        arrived = False
        if exact:
            table[0, target] = 0.0
            sign = -1.0 if crossed else 1.0
        else:
            sign = -1.0 if none_below or value < -tolerance else 1.0
        code, col, row = seek_negative(
            table, n_rows, row_ids, col_ids, columns, target, sign, tolerance, counters, scratch
        )
        if code == FAILED:
            break
        here = table[0, target]
        if exact:
            # Pivots at the vertex have no length; any other has changed the value.
            is_zero = here == 0.0
            if not is_zero:
                crossed = False
                continue
            if code != CROSSES:
                closed = sign
                continue
        elif undecided:
            if none_below:
                return UNDECIDED + (BELOW if code == CROSSES else BOTH), 0
            if code == CROSSES:
                # Go where the value is negative, and look for a positive one from there.
                counters[STEEP] += row >= 0 and is_steep(table[col, row])
                move(table, n_rows, row_ids, col_ids, columns, row, col, scratch)
                counters[PIVOTS] += 1
            else:
                none_below = True
                note_basis(state.hint, col_ids, columns)
            continue
        elif code == CROSSES:
            if abs(here) <= tolerance:
                arrived = True
                continue
        elif code == TOUCHES:
            closed = sign
            continue
        else:
            if steepness(table, target) <= _STEEP:
                return BIT_1 if sign > 0.0 else BIT_0, 0
            note_basis(state.hint, col_ids, columns)
            return UNDECIDED + (BELOW if sign > 0.0 else ABOVE), 0
        if shaky(table, n_rows, target, col, row, exact):
            return HELD_BADLY, col
        if crossed or not exact:
            return CUTS, col
        crossed = True
    return UNDECIDED, 0
