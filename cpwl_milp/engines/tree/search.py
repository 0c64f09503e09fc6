"""The depth-first search over units in layer order: no-good cuts turned into branching.

The cell of a prefix of bits is a polytope, held as a dictionary at one of its vertices. A unit
whose affine function takes both signs on the cell cuts it into two full-dimensional children; any
other unit has one bit there. So every branching yields at least one region on each side, and the
work is linear in the number of regions.
"""

from __future__ import annotations

from cpwl_milp.engines.compiled import entry_kernel, merged_kernel
from cpwl_milp.engines.descent import DONE, NEEDS_SPACE, PARKED, PAUSED, STUCK
from cpwl_milp.engines.tree.accuracy import CHECK_AFTER, inaccurate
from cpwl_milp.engines.tree.branching import backtrack, branch, push
from cpwl_milp.engines.tree.entry import EMPTY, LACKS_ROWS, compose, enter
from cpwl_milp.engines.tree.state import (
    AFRESH,
    AGE,
    COUNTED,
    EMITTED,
    ENTERED,
    LAYER,
    OPEN,
    PIVOTS,
    REPEATED,
    TABLE,
    TESTS,
    UNIT,
)
from cpwl_milp.engines.tree.units import CUTS, UNDECIDED, decide

# Beside the codes of descent.py.
REGION = 5  # a region was handed out, and the caller wants to look at its cell
INACCURATE = 8  # the caller is to compute the current dictionary afresh


@entry_kernel
def search(plan, state, quota, one_by_one, backtrack_first):
    """Search on until done, the quota of pivots and tests is spent, or something comes up.

    Parameters
    ----------
    quota : int
        Pivots and tests after which to pause.
    one_by_one : bool
        Return after every region, standing in its cell.
    backtrack_first : bool
        Leave the current cell (it was parked, is stuck, or was handed out one by one) and go on
        with the next.

    Returns
    -------
    status : int
        DONE, PAUSED, PARKED, STUCK, NEEDS_SPACE, REGION or INACCURATE.
    """
    at = state.at
    counters = state.counters
    sizes = state.sizes
    n_layers = plan.offsets.shape[0] - 1
    n_units = plan.offsets[n_layers]
    end = counters[PIVOTS] + counters[TESTS] + quota
    leave = backtrack_first
    while True:
        if leave:
            if not backtrack(state):
                return DONE
            leave = False
        if at[ENTERED] == 0:
            layer = at[LAYER]
            if at[UNIT] == plan.offsets[layer]:
                compose(plan, state, layer)
                if layer == n_layers - 1:
                    pack(state.bits, 0, at[UNIT], state.head)
            code = enter(plan, state)
            if code == LACKS_ROWS:
                return NEEDS_SPACE
            at[ENTERED] = 1
            leave = code == EMPTY
            continue
        if sizes[at[TABLE], OPEN] == 0:
            layer = at[LAYER]
            if at[UNIT] < plan.offsets[layer + 1]:
                at[ENTERED] = 0
                continue
            if layer >= at[COUNTED]:
                if state.prefix_left[layer] == 0:
                    return PARKED
                if layer == n_layers - 1 and at[EMITTED] == state.patterns.shape[0]:
                    return PAUSED
                state.prefix_left[layer] -= 1
                state.prefix_counts[layer] += 1
            if layer == n_layers - 1:
                emit(plan, state)
                if one_by_one:
                    return REGION
                leave = True
            else:
                at[LAYER] += 1
                at[ENTERED] = 0
            continue
        if counters[PIVOTS] + counters[TESTS] >= end:
            return PAUSED
        s = at[TABLE]
        if s + 1 == sizes.shape[0]:
            return NEEDS_SPACE
        unit = state.opens[s, sizes[s, OPEN] - 1]
        if sizes[s, AGE] >= CHECK_AFTER:
            sizes[s, AGE] = 0
            if inaccurate(plan, state):
                return INACCURATE
        bit, col = decide(state, unit)
        if bit == UNDECIDED:
            if at[AFRESH] == 1:
                at[AFRESH] = 0
                return STUCK
            # Once more from a dictionary without accumulated error.
            counters[REPEATED] += 1
            at[AFRESH] = 1
            return INACCURATE
        at[AFRESH] = 0
        sizes[s, OPEN] -= 1
        if bit != CUTS:
            state.bits[unit] = bit
            leave = state.fixed[unit] >= 0 and state.fixed[unit] != bit
        elif (
            sizes[s, OPEN] == 0 and at[UNIT] == n_units and state.fixed[unit] < 0 and not one_by_one
        ):
            # The last cut: both children are regions, and nobody asks for their vertices.
            push(state, unit)
            state.bits[unit] = 0
        else:
            leave = not branch(state, unit, col)


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
