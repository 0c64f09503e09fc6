"""The depth-first search over open units in layer order, on cells that meet the ball.

Every cell on the way meets the open ball, so every branching yields at least one region on each
side, and the work is linear in the number of regions.
"""

from __future__ import annotations

from cpwl_milp.engines.ambiguity import IS_CUT, NOT_ASKED, UNSETTLED
from cpwl_milp.engines.ball import state as places
from cpwl_milp.engines.ball.deciding import (
    ASKS,
    BELOW,
    BIT_0,
    BIT_1,
    BOTH,
    CUTS,
    LACKS_SPACE,
    decide,
    put_row,
)
from cpwl_milp.engines.ball.entering import enter
from cpwl_milp.engines.ball.inscribed import largest_ball
from cpwl_milp.engines.ball.state import (
    ASKED,
    COUNTED,
    DOUBT,
    DOUBTS,
    EMITTED,
    ENTERED,
    LAYER,
    LEVELS,
    NEARER,
    OF_LAYER,
    OF_NEXT,
    OF_ROW,
    OF_THIN,
    OF_UNIT,
    OPEN,
    PATH,
    STANDING,
    STEPS,
    TESTS,
    TIES,
)
from cpwl_milp.engines.compiled import entry_kernel, inlined_kernel
from cpwl_milp.engines.descent import AMBIGUOUS, DONE, NEEDS_SPACE, PARKED, PAUSED, THIN

_BRANCHINGS = places.CUTS

# Where a search comes to stand.
_AT_NONE = 0
_AT_CELL = 1
_AT_THIN = 2  # in a cell too thin for float64


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
        Leave the current cell (it was parked, or too thin) and go on with the next.
    """
    at, counters = state.at, state.counters
    n_layers = layout.offsets.shape[0] - 1
    end = counters[TESTS] + counters[STEPS] + quota
    leave = backtrack_first
    while True:
        if leave:
            place = backtrack(layout, state)
            if place != _AT_CELL:
                return DONE if place == _AT_NONE else THIN
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
        answer = state.answers[unit]
        if answer == NOT_ASKED:
            outcome, nearer = decide(state, unit)
            if outcome > ASKS:
                counters[TIES] += 1
                if is_pushed(layout, state, unit, outcome - ASKS):
                    outcome = BIT_1 if outcome == ASKS + BELOW else BIT_0
            if outcome > ASKS:
                at[ASKED], at[DOUBT], at[NEARER] = unit, outcome - ASKS, nearer
                return AMBIGUOUS
            if outcome == LACKS_SPACE:
                return NEEDS_SPACE
        else:
            state.answers[unit] = NOT_ASKED
            if answer == IS_CUT:
                if at[DOUBT] == BOTH:
                    at[STANDING] = layout.unit[unit]
                    return THIN
                at[OPEN] += 1
                if divide(layout, state, unit, 0 if at[DOUBT] == BELOW else 1) == _AT_THIN:
                    return THIN
                continue
            outcome, nearer = int(answer), 0
            if answer == UNSETTLED:
                counters[DOUBTS] += 1
                outcome = BIT_1 if at[DOUBT] == BELOW else BIT_0
        at[OPEN] += 1
        bit = outcome
        if outcome == CUTS:
            # The child of bit 0 first; the place at this level is that of its sibling.
            bit = state.fixed[unit]
            kept = 0 if bit < 0 else bit
            if (nearer == kept) == (bit < 0):
                swap(state.slots, level)
            if bit < 0:
                bit = 0
                push(state, unit, False)
            counters[_BRANCHINGS] += 1
            put_row(state, at[PATH], unit, 1.0 if bit else -1.0)
            at[PATH] += 1
        elif state.fixed[unit] >= 0 and state.fixed[unit] != bit:
            leave = True
        state.bits[layout.unit[unit]] = bit


@inlined_kernel
def is_pushed(layout, state, unit, doubt):
    """Whether active units below, and the bias, push a unit to the side that is surely there.

    They are above 0 inside the cell, so that a unit with weights of one sign is so, too.
    """
    if doubt == BOTH or not layout.direct[unit]:
        return False
    sign = 1.0 if doubt == BELOW else -1.0
    if sign * layout.bias[unit] < 0.0:
        return False
    for entry in range(layout.indptr[unit], layout.indptr[unit + 1]):
        source = layout.indices[entry]
        if state.bits[layout.unit[source]] == 0:
            if layout.slope[source] != 0.0:
                return False
        elif sign * layout.weights[entry] < 0.0:
            return False
    return True


@inlined_kernel
def push(state, unit, thin):
    """A level for the child of bit 1, still to come."""
    at = state.at
    level = at[LEVELS]
    state.levels[level, OF_UNIT] = unit
    state.levels[level, OF_LAYER] = at[LAYER]
    state.levels[level, OF_NEXT] = at[OPEN]
    state.levels[level, OF_ROW] = at[PATH]
    state.levels[level, OF_THIN] = thin
    at[LEVELS] = level + 1


@inlined_kernel
def swap(slots, level):
    """The slot of the cell at hand and the free one behind it."""
    slots[level], slots[level + 1] = slots[level + 1], slots[level]


@inlined_kernel
def divide(layout, state, unit, thin):
    """Take a cut of which one side, the bit `thin`, is too thin for float64; where that leads.

    The thick side has the cell's point if that is on it, else the one in the free slot.
    """
    bit = state.fixed[unit]
    first = bit < 0
    if first:
        bit = 0
    if (state.at[NEARER] == thin) == (not first or thin == 0):
        # The point at this level is that of the sibling, or of the only child.
        swap(state.slots, state.at[LEVELS])
    if first:
        push(state, unit, thin == 1)
    return go_to(layout, state, unit, bit, bit == thin)


@inlined_kernel
def go_to(layout, state, unit, bit, thin):
    """Stand in a child of the cell at hand, whose nearest point is in the slot; where that is."""
    put_row(state, state.at[PATH], unit, 1.0 if bit else -1.0)
    state.at[PATH] += 1
    state.bits[layout.unit[unit]] = bit
    if thin:
        state.at[STANDING] = layout.unit[unit] + 1
        return _AT_THIN
    return _AT_CELL


@inlined_kernel
def backtrack(layout, state):
    """Go to the latest sibling still to come: where that is, _AT_NONE if there is none."""
    at = state.at
    if at[LEVELS] == 0:
        return _AT_NONE
    level = at[LEVELS] - 1
    at[LEVELS] = level
    at[LAYER] = state.levels[level, OF_LAYER]
    at[OPEN] = state.levels[level, OF_NEXT]
    at[PATH] = state.levels[level, OF_ROW]
    at[ENTERED] = 1
    unit = state.levels[level, OF_UNIT]
    return go_to(layout, state, unit, 1, state.levels[level, OF_THIN] == 1)


@inlined_kernel
def pack(bits, packed):
    """Pack a pattern into bytes, little-endian."""
    n = bits.shape[0]
    for byte in range(packed.shape[0]):
        value = 0
        for unit in range(8 * byte, min(8 * byte + 8, n)):
            value |= bits[unit] << (unit & 7)
        packed[byte] = value
