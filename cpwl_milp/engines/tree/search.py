"""The depth-first search over units in layer order: no-good cuts turned into branching.

The cell of a prefix of bits is a polytope, held as a dictionary at one of its vertices. A unit
whose affine function takes both signs on the cell cuts it into two full-dimensional children; any
other unit has one bit there. So every branching yields at least one region on each side, and the
work is linear in the number of regions.
"""

from __future__ import annotations

from cpwl_milp.engines.ambiguity import (
    IS_NEGATIVE,
    IS_POSITIVE,
    IS_ZERO,
    NOT_ASKED,
    UNSETTLED,
)
from cpwl_milp.engines.compiled import entry_kernel, merged_kernel
from cpwl_milp.engines.descent import AMBIGUOUS, DONE, NEEDS_SPACE, PARKED, PAUSED, STUCK, THIN
from cpwl_milp.engines.tree.accuracy import CHECK_AFTER, inaccurate
from cpwl_milp.engines.tree.ball import keep
from cpwl_milp.engines.tree.branching import (
    AT_CELL,
    AT_NONE,
    AT_THIN,
    backtrack,
    branch,
    divide,
    push,
)
from cpwl_milp.engines.tree.dictionary import is_steep
from cpwl_milp.engines.tree.entry import ASKS, EMPTY, LACKS_ROWS, STANDS, ask, compose, enter
from cpwl_milp.engines.tree.settling import settle
from cpwl_milp.engines.tree.state import (
    AFRESH,
    AGE,
    ASKED,
    COUNTED,
    DOUBTS,
    EMITTED,
    ENTERED,
    LAYER,
    LOOSE,
    OPEN,
    PIVOTS,
    PLAIN,
    REPEATED,
    STALE,
    STANDING,
    TABLE,
    TESTS,
    UNIT,
)
from cpwl_milp.engines.tree.units import (
    BELOW,
    BIT_0,
    BIT_1,
    CUT,
    CUTS,
    HELD_BADLY,
    UNDECIDED,
    ZERO,
    decide,
)

# Beside the codes of descent.py.
INACCURATE = 5  # the caller is to compute the current dictionary afresh


@entry_kernel
def search(plan, state, quota, keep_cells, backtrack_first):
    """Search on until done, the quota of pivots and tests is spent, or something comes up.

    Parameters
    ----------
    quota : int
        Pivots and tests after which to pause.
    keep_cells : bool
        Keep the dictionary of every region emitted: see `keep`.
    backtrack_first : bool
        Leave the current cell (it was parked or is stuck) and go on with the next.

    Returns
    -------
    status : int
        One of descent.py, or INACCURATE.
    """
    at = state.at
    counters = state.counters
    sizes = state.sizes
    n_layers = plan.offsets.shape[0] - 1
    n_units = plan.offsets[n_layers]
    end = counters[PIVOTS] + counters[TESTS] + quota
    leave = backtrack_first
    fresh = False
    while True:
        if leave:
            place = backtrack(state)
            if place != AT_CELL:
                return DONE if place == AT_NONE else THIN
            leave = False
            fresh = True
        if fresh:
            # A cell not looked at before.
            fresh = False
            leave = not settle(state)
            continue
        if at[ENTERED] == 0:
            layer = at[LAYER]
            if at[UNIT] == plan.offsets[layer]:
                compose(plan, state, layer)
                if layer == n_layers - 1:
                    pack(state.bits, 0, at[UNIT], state.head)
            code = enter(plan, state)
            if code >= LACKS_ROWS:
                if code == LACKS_ROWS:
                    return NEEDS_SPACE
                return AMBIGUOUS if code == ASKS else THIN
            at[ENTERED] = 1
            leave = code == EMPTY
            fresh = code == STANDS
            continue
        if sizes[at[TABLE], OPEN] == 0:
            layer = at[LAYER]
            if at[UNIT] < plan.offsets[layer + 1]:
                at[ENTERED] = 0
                continue
            if layer >= at[COUNTED]:
                if state.prefix_left[layer] == 0:
                    return PARKED
                if layer == n_layers - 1:
                    if at[EMITTED] == state.patterns.shape[0]:
                        return PAUSED
                    if keep_cells and at[TABLE] + 1 + at[EMITTED] == sizes.shape[0]:
                        return PAUSED if at[EMITTED] > 0 else NEEDS_SPACE
                state.prefix_left[layer] -= 1
                state.prefix_counts[layer] += 1
            if layer == n_layers - 1:
                emit(plan, state)
                if keep_cells:
                    keep(plan, state)
                leave = True
            else:
                at[LAYER] += 1
                at[ENTERED] = 0
            continue
        if counters[PIVOTS] + counters[TESTS] >= end:
            return PAUSED
        s = at[TABLE]
        if keep_cells and at[EMITTED] > 0 and s + 1 + at[EMITTED] == sizes.shape[0]:
            return PAUSED
        if s + 1 == sizes.shape[0]:
            return NEEDS_SPACE
        unit = state.opens[s, sizes[s, OPEN] - 1]
        if sizes[s, AGE] >= CHECK_AFTER:
            sizes[s, AGE] = 0
            if inaccurate(plan, state):
                return INACCURATE
        answer = state.answers[unit]
        if IS_NEGATIVE <= answer <= IS_POSITIVE:
            bit, col = int(answer), 0
            if state.asked[0, 1] == CUT:
                # float64 saw a cut where there is none: its cell is larger than the true one.
                bit = HELD_BADLY
        else:
            bit, col = decide(plan, state, unit, answer == IS_ZERO)
            if bit == UNDECIDED + ZERO and answer != NOT_ASKED:
                # That was asked already, and does not help.
                bit = HELD_BADLY
            if answer >= IS_ZERO:
                # There may be more to ask.
                answer = state.answers[unit] = NOT_ASKED
        if bit == UNDECIDED:
            if at[AFRESH] == 1:
                at[AFRESH] = 0
                return STUCK
            # Once more from a dictionary without accumulated error.
            counters[REPEATED] += 1
            at[AFRESH] = 1
            return INACCURATE
        if sizes[s, AGE] >= STALE and not IS_NEGATIVE <= answer <= IS_POSITIVE:
            # Steep pivots on the way: once more from a fresh table, and no further if they come
            # again.
            sizes[s, AGE] = 0
            if at[AFRESH] == 0:
                at[AFRESH] = 1
                return INACCURATE
            bit = HELD_BADLY
        if bit == HELD_BADLY or (bit == CUTS and is_steep(state.tables[s, col, state.place[unit]])):
            at[AFRESH] = 0
            at[STANDING] = unit
            state.answers[unit] = NOT_ASKED
            return THIN
        if bit != UNDECIDED + ZERO:
            at[AFRESH] = 0
        if bit == CUTS and at[LOOSE] >= 0:
            bit = UNDECIDED + CUT
        if bit > UNDECIDED:
            if answer == NOT_ASKED:
                at[ASKED] = 0
                ask(state, unit, bit - UNDECIDED)
                return AMBIGUOUS
            counters[DOUBTS] += answer == UNSETTLED
            if bit == UNDECIDED + CUT:
                bit = CUTS
            elif answer == UNSETTLED:
                bit = BIT_1 if bit == UNDECIDED + BELOW else BIT_0
            else:
                state.answers[unit] = NOT_ASKED
                if divide(state, unit, bit - UNDECIDED) == AT_THIN:
                    return THIN
                continue
        state.answers[unit] = NOT_ASKED
        sizes[s, OPEN] -= 1
        if bit != CUTS:
            state.bits[unit] = bit
            leave = state.fixed[unit] >= 0 and state.fixed[unit] != bit
        elif (
            sizes[s, OPEN] == 0 and at[UNIT] == n_units and state.fixed[unit] < 0 and not keep_cells
        ):
            # The last cut: both children are regions, and nobody asks for their vertices.
            push(state, unit, PLAIN)
            state.bits[unit] = 0
        else:
            branch(state, unit, col)
            fresh = True


@merged_kernel
def pack(bits, first, end, packed):
    """Pack bits ``first..end - 1`` into whole bytes, from the byte that holds the first on."""
    for byte in range(first >> 3, (end + 7) >> 3):
        value = 0
        for unit in range(8 * byte, min(8 * byte + 8, end)):
            value |= bits[unit] << (unit & 7)
        packed[byte] = value


@merged_kernel
def emit(plan, state):
    """Hand the current, complete pattern out."""
    place = state.at[EMITTED]
    first = plan.offsets[-2]
    for byte in range(first >> 3):
        state.patterns[place, byte] = state.head[byte]
    pack(state.bits, first, plan.offsets[-1], state.patterns[place])
    state.at[EMITTED] = place + 1
