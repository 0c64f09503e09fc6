"""The walk through the tree of the listed patterns, and the proof of every decision on the way.

The patterns are sorted, so a cell is a run of them. In the layer at hand, a unit whose bit is the
same all along the run must be proved constant on the cell (*close*); when only others are left, the
first of them *splits* the cell and the run. A listed pattern that is no region has no witness, and
a region that is not listed makes some unit of some cell impossible to close. What float64 cannot
prove is asked.
"""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.proof.closing import close, close_sure, enclose
from cpwl_milp.engines.proof.judging import find_sure
from cpwl_milp.engines.proof.maps import bit_of, compose
from cpwl_milp.engines.proof.runs import find_mixed, next_unit, open_all
from cpwl_milp.engines.proof.splitting import back, go_into, has_witness, split, split_last
from cpwl_milp.engines.proof.state import (
    ANSWERED,
    ASK_BIT,
    ASK_UNIT,
    BUFFER,
    CLOSE,
    DONE,
    ENTER,
    FIRST,
    IN_FLOATS,
    LAYER,
    LEAF,
    LEAVES,
    LEAVES_IN_FLOATS,
    OUT,
    PHASE,
    SLOT,
    SPLIT,
)
from cpwl_milp.engines.proof.strict import strict_entry
from cpwl_milp.engines.proof.writing import write_leaf, write_split

# How `walk` ends.
FINISHED = 0
PAUSED = 1  # the buffer is full, or enough leaves were found
FULL = 2  # more slots are needed
ASK_CLOSE = 3
ASK_LEAF = 4

_TOP = np.uint64(1 << 63)


@strict_entry
def walk(plan, state, quota):
    """Go on until something is needed, or `quota` leaves were found."""
    at = state.at
    n_layers = plan.offsets.shape[0] - 1
    n_domain = state.walls.shape[0] - state.vertex.shape[0]
    room = BUFFER
    stop = at[LEAVES] + quota
    while True:
        if at[OUT] > room or at[LEAVES] >= stop:
            return PAUSED
        slot, layer = at[SLOT], at[LAYER]
        if at[PHASE] == DONE:
            return FINISHED
        if at[PHASE] == ENTER:
            if layer == n_layers:
                at[PHASE] = LEAF
                continue
            compose(plan, state, layer, state.ranges[slot, FIRST])
            open_all(plan, state, slot, layer)
            find_mixed(plan, state, slot, layer)
            enclose(plan, state, slot, layer, n_domain + slot)
            if plan.in_floats:
                find_sure(plan, state, slot, layer)
                close_sure(plan, state, slot, layer)
            at[PHASE] = CLOSE
        elif at[PHASE] == CLOSE:
            unit = next_unit(plan, state, slot, layer, True)
            if unit < 0:
                if next_unit(plan, state, slot, layer, False) < 0:
                    at[LAYER] = layer + 1
                    at[PHASE] = ENTER
                else:
                    at[PHASE] = SPLIT
                continue
            bit = bit_of(plan, state, unit, layer, state.ranges[slot, FIRST])
            if at[ANSWERED] == 1:
                at[ANSWERED] = 0
            elif close(plan, state, slot, layer, unit, bit, n_domain + slot):
                state.counters[IN_FLOATS] += 1
            else:
                at[ASK_UNIT], at[ASK_BIT] = plan.offsets[layer] + unit, bit
                return ASK_CLOSE
            state.opens[slot, unit >> 6] &= ~(_TOP >> np.uint64(unit & 63))
        elif at[PHASE] == SPLIT:
            if slot + 2 >= state.vertex.shape[0]:
                return FULL
            unit = next_unit(plan, state, slot, layer, False)
            if layer == n_layers - 1 and split_last(plan, state, slot, layer, unit, n_domain):
                back(plan, state, n_domain)
                continue
            write_split(state, unit)
            split(plan, state, slot, layer, unit, n_domain + slot)
            go_into(plan, state, slot, 0, n_domain)
        else:
            if at[ANSWERED] == 1:
                at[ANSWERED] = 0
            elif plan.in_floats and has_witness(plan, state, slot, n_domain):
                write_leaf(state, state.point)
                state.counters[LEAVES_IN_FLOATS] += 1
            else:
                return ASK_LEAF
            at[LEAVES] += 1
            back(plan, state, n_domain)
