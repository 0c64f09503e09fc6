"""The depth-first search over open units in layer order, on cells that meet the ball.

Every cell on the way meets the open ball, so every branching yields at least one region on each
side, and the work is linear in the number of regions.
"""

from __future__ import annotations

from cpwl_milp.engines.ball import state as places
from cpwl_milp.engines.ball.deciding import (
    CUTS,
    LACKS_SPACE,
    UNDECIDED,
    decide,
    put_row,
)
from cpwl_milp.engines.ball.entering import enter
from cpwl_milp.engines.ball.inscribed import largest_ball
from cpwl_milp.engines.ball.state import (
    COUNTED,
    EMITTED,
    ENTERED,
    LAYER,
    LEVELS,
    OF_LAYER,
    OF_NEXT,
    OF_ROW,
    OF_UNIT,
    OPEN,
    PATH,
    STEPS,
    TESTS,
)
from cpwl_milp.engines.compiled import entry_kernel, inlined_kernel
from cpwl_milp.engines.descent import DONE, NEEDS_SPACE, PARKED, PAUSED, STUCK

_BRANCHINGS = places.CUTS


@entry_kernel
def search(layout, state, quota, with_points, backtrack_first):
    """Search on until done, the quota of work is spent, or something comes up.

    Parameters
    ----------
    quota : int
        Tests of units and steps of projections after which to pause.
    with_points : bool
        Find the largest ball inside every region and the ball.
    backtrack_first : bool
        Leave the current cell (it was parked or is stuck) and go on with the next.
    """
    at, counters = state.at, state.counters
    n_layers = layout.offsets.shape[0] - 1
    end = counters[TESTS] + counters[STEPS] + quota
    leave = backtrack_first
    while True:
        if leave:
            if not backtrack(layout, state):
                return DONE
            leave = False
        layer = at[LAYER]
        if at[ENTERED] == 0:
            if counters[TESTS] + counters[STEPS] >= end:
                return PAUSED
            leave = not enter(layout, state, layer)
            at[ENTERED] = 1
            continue
        if at[OPEN] == state.n_opened[layer]:
            if layer >= at[COUNTED]:
                if state.prefix_left[layer] == 0:
                    return PARKED
                if layer == n_layers - 1 and at[EMITTED] == state.patterns.shape[0]:
                    return PAUSED
            if layer == n_layers - 1 and with_points and not largest_ball(state):
                return NEEDS_SPACE
            if layer >= at[COUNTED]:
                state.prefix_left[layer] -= 1
                state.prefix_counts[layer] += 1
            if layer == n_layers - 1:
                pack(state.bits, state.patterns[at[EMITTED]])
                at[EMITTED] += 1
                leave = True
            else:
                at[LAYER] += 1
                at[ENTERED] = 0
            continue
        level = at[LEVELS]
        if level + 3 >= state.slots.shape[0]:
            return NEEDS_SPACE
        unit = state.opened[layout.first[layer] + at[OPEN]]
        outcome, nearer = decide(state, unit)
        if outcome == UNDECIDED:
            return STUCK
        if outcome == LACKS_SPACE:
            return NEEDS_SPACE
        at[OPEN] += 1
        bit = outcome
        if outcome == CUTS:
            # The child of bit 0 first; the place at this level is that of its sibling.
            bit = state.fixed[unit]
            kept = 0 if bit < 0 else bit
            if (nearer == kept) == (bit < 0):
                state.slots[level], state.slots[level + 1] = (
                    state.slots[level + 1],
                    state.slots[level],
                )
            if bit < 0:
                bit = 0
                state.levels[level, OF_UNIT] = unit
                state.levels[level, OF_LAYER] = layer
                state.levels[level, OF_NEXT] = at[OPEN]
                state.levels[level, OF_ROW] = at[PATH]
                at[LEVELS] = level + 1
            counters[_BRANCHINGS] += 1
            put_row(state, at[PATH], unit, 1.0 if bit else -1.0)
            at[PATH] += 1
        elif state.fixed[unit] >= 0 and state.fixed[unit] != bit:
            leave = True
        state.bits[layout.unit[unit]] = bit


@inlined_kernel
def backtrack(layout, state):
    """Go to the latest sibling still to come; False if there is none."""
    at = state.at
    if at[LEVELS] == 0:
        return False
    level = at[LEVELS] - 1
    unit = state.levels[level, OF_UNIT]
    at[LEVELS] = level
    at[LAYER] = state.levels[level, OF_LAYER]
    at[OPEN] = state.levels[level, OF_NEXT]
    at[PATH] = state.levels[level, OF_ROW]
    at[ENTERED] = 1
    state.bits[layout.unit[unit]] = 1
    put_row(state, at[PATH], unit, 1.0)
    at[PATH] += 1
    return True


@inlined_kernel
def pack(bits, packed):
    """Pack a pattern into bytes, little-endian."""
    n = bits.shape[0]
    for byte in range(packed.shape[0]):
        value = 0
        for unit in range(8 * byte, min(8 * byte + 8, n)):
            value |= bits[unit] << (unit & 7)
        packed[byte] = value
