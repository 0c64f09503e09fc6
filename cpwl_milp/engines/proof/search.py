"""The walk through the tree of the listed patterns, and the proof of every decision on the way.

The patterns are sorted, so a cell is a run of them. In the layer at hand, a unit whose bit is the
same all along the run must be proved constant on the cell (*close*); when only others are left, the
first of them *splits* the cell and the run. A listed pattern that is no region has no witness, and
a region that is not listed makes some unit of some cell impossible to close. What float64 cannot
prove is asked.
"""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.proof.geometry import (
    CROSSED,
    NEGATIVE_ONLY,
    TOLERANCE,
    cross,
    lowest,
    recentre,
    refresh,
)
from cpwl_milp.engines.proof.maps import (
    aim,
    aim_at_face,
    bit_of,
    compose,
    find_sure,
    is_inside,
    ones,
    proved_least,
    proves,
)
from cpwl_milp.engines.proof.state import (
    AGE,
    ANSWERED,
    ASK_BIT,
    ASK_UNIT,
    BOXED,
    BUFFER,
    CLOSE,
    DONE,
    END_,
    ENTER,
    FIRST,
    HINGE,
    IN_FLOATS,
    LAYER,
    LEAF,
    LEAVES,
    LEAVES_IN_FLOATS,
    MIDDLE,
    NEITHER,
    OF_LAYER,
    OUT,
    PENDING,
    PHASE,
    SLOT,
    SPLIT,
    STRANGE,
    THIN_SIDE,
    UNIT,
    WRITES,
)
from cpwl_milp.engines.proof.strict import strict_entry, strict_inline, strict_kernel
from cpwl_milp.engines.proof.writing import (
    true_scale,
    write_bound,
    write_close,
    write_leaf,
    write_split,
    write_sure,
)

# How `walk` ends.
FINISHED = 0
PAUSED = 1  # the buffer is full, or enough leaves were found
FULL = 2  # more slots are needed
ASK_CLOSE = 3
ASK_LEAF = 4

_TOP = np.uint64(1 << 63)
_NONE = np.uint64(0)
# A witness this close to a hyperplane, relative to the cell beside it, is moved away from it.
_NEAR = 0.05
# A box is worth its 2 d bounds where so many units, times d, are to be closed.
_WORTH_A_BOX = 4


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
            write_split(state, unit)
            split(plan, state, slot, layer, unit, n_domain + slot)
            go_into(plan, state, slot, 0, n_domain)
        else:
            if at[ANSWERED] == 1:
                at[ANSWERED] = 0
            elif plan.in_floats and has_witness(plan, state, slot, n_domain):
                write_leaf(state)
                state.counters[LEAVES_IN_FLOATS] += 1
            else:
                return ASK_LEAF
            at[LEAVES] += 1
            back(plan, state, n_domain)


@strict_inline
def open_all(plan, state, slot, layer):
    """All units of a layer are open."""
    n = plan.offsets[layer + 1] - plan.offsets[layer]
    for word in range(plan.word_at[layer + 1] - plan.word_at[layer]):
        left = n - 64 * word
        state.opens[slot, word] = ~_NONE if left >= 64 else ~(~_NONE >> np.uint64(left))


@strict_inline
def find_mixed(plan, state, slot, layer):
    """`state.mixed`: the units of a layer that take both bits in the run of a slot."""
    first, end = state.ranges[slot, FIRST], state.ranges[slot, END_]
    start = plan.word_at[layer]
    for word in range(plan.word_at[layer + 1] - start):
        reference = state.words[first, start + word]
        found = _NONE
        for k in range(first + 1, end):
            found |= state.words[k, start + word] ^ reference
        state.mixed[word] = found


@strict_inline
def next_unit(plan, state, slot, layer, constant):
    """The first open unit of a layer that is constant in the run, or that is mixed; -1 if none."""
    for word in range(plan.word_at[layer + 1] - plan.word_at[layer]):
        found = state.opens[slot, word]
        found &= ~state.mixed[word] if constant else state.mixed[word]
        if found != _NONE:
            return 64 * word + leading_zeros(found)
    return -1


@strict_inline
def leading_zeros(word):
    """Of a word that is not 0."""
    count = 0
    for step in (32, 16, 8, 4, 2, 1):
        if word >> np.uint64(64 - step) == _NONE:
            count += step
            word <<= np.uint64(step)
    return count


@strict_inline
def close(plan, state, slot, layer, unit, bit, n_walls):
    """Prove in float64 that a unit has a bit all over the cell's interior, and write it down."""
    if not plan.in_floats:
        return False
    row = plan.unit_row[plan.offsets[layer] + unit]
    if state.sizes[row] == 0.0:
        # The zero function.
        if bit == 0:
            write_close(state, unit, 0, 0, True)
        return bit == 0
    aim(plan, state, row, 1.0 if bit else -1.0)
    refresh(state, slot)
    if not lowest(state, slot, n_walls, -TOLERANCE):
        return False
    n_terms = take_terms(state, slot)
    if state.at[WRITES] == 1:
        for n in range(n_terms):
            state.point[n] = state.shares[n]
        # With multipliers of 24 bits, if these do: they take half the room in the file.
        if shorten(state, n_terms) and proves(plan, state, slot, n_terms):
            write_close(state, unit, bit, n_terms, True)
            return True
        for n in range(n_terms):
            state.shares[n] = state.point[n]
    if proves(plan, state, slot, n_terms):
        write_close(state, unit, bit, n_terms, False)
        return True
    return False


@strict_inline
def take_terms(state, slot):
    """Multipliers from the vertex where the target is least; how many."""
    d = state.vertex.shape[1]
    n_terms = 0
    for j in range(d):
        wall = state.active[slot, j] - 2 * d
        if wall >= 0 and state.slopes[j] > 0.0 and n_terms < 255:
            state.terms[n_terms] = wall
            state.shares[n_terms] = state.slopes[j]
            n_terms += 1
    return n_terms


@strict_inline
def shorten(state, n_terms):
    """Round multipliers to what a float32 holds; False where one is beyond."""
    for n in range(n_terms):
        scale = true_scale(state, state.terms[n])
        state.float32[0] = state.shares[n] * scale
        value = float(state.float32[0])
        if not 1e-37 < value < 1e38:
            return False
        state.shares[n] = value / scale
    return True


@strict_kernel
def enclose(plan, state, slot, layer, n_walls):
    """Bound the coordinates on a cell, if many units of the layer are to be closed there."""
    d = plan.centre.shape[0]
    note = state.split[slot]
    if note[BOXED] == 1 or note[STRANGE] == 1 or not plan.in_floats:
        return
    n_constant = 0
    for word in range(plan.word_at[layer + 1] - plan.word_at[layer]):
        n_constant += ones(state.opens[slot, word] & ~state.mixed[word])
    if n_constant < _WORTH_A_BOX * d:
        return
    note[BOXED] = 1
    refresh(state, slot)
    for c in range(d):
        for upper in range(2):
            aim_at_face(plan, state, c, upper == 1)
            if not lowest(state, slot, n_walls, -np.inf):
                continue
            n_terms = take_terms(state, slot)
            if n_terms == 0 or not shorten(state, n_terms):
                continue
            # x_c - centre, or minus it, is at least that: in a float32 that is surely beyond.
            least = proved_least(plan, state, slot, n_terms) / state.of_target[2]
            sign = -1.0 if upper == 1 else 1.0
            x = plan.centre[c] + sign * least
            slack = 2.0**-22 * abs(x) + 2.0**-50 * (abs(plan.centre[c]) + plan.half[c])
            state.float32[0] = x - sign * slack
            if not abs(float(state.float32[0])) > 1e-37:
                continue
            t = (float(state.float32[0]) - plan.centre[c]) / plan.half[c] - sign * plan.drift
            if upper == 0 and t > state.lows[slot, c]:
                write_bound(state, c, 0, n_terms)
                state.lows[slot, c] = t
            elif upper == 1 and t < state.highs[slot, c]:
                write_bound(state, c, 1, n_terms)
                state.highs[slot, c] = t


@strict_inline
def close_sure(plan, state, slot, layer):
    """Close the units that are constant in the run and have that bit all over the cell's box."""
    first = state.ranges[slot, FIRST]
    start = plan.word_at[layer]
    n_words = plan.word_at[layer + 1] - start
    found = 0
    for word in range(n_words):
        bits = state.words[first, start + word]
        sure = (state.sure[1, word] & bits) | (state.sure[0, word] & ~bits)
        closed = state.opens[slot, word] & ~state.mixed[word] & sure
        state.sure[0, word] = closed
        state.opens[slot, word] &= ~closed
        found += ones(closed)
    state.counters[IN_FLOATS] += found
    if found:
        write_sure(state, plan.offsets[layer + 1] - plan.offsets[layer])


@strict_kernel
def has_witness(plan, state, slot, n_domain):
    """Whether a cell's witness is proved to be inside, after a second try from the middle."""
    if is_inside(plan, state, slot, n_domain):
        return True
    if state.split[slot, STRANGE] == 1:
        return False
    recentre(state, slot, n_domain + slot)
    return is_inside(plan, state, slot, n_domain)


@strict_kernel
def split(plan, state, slot, layer, unit, wall):
    """Find a vertex on a unit's hyperplane, and points on both sides; note what comes later."""
    d = plan.centre.shape[0]
    row = plan.unit_row[plan.offsets[layer] + unit]
    aim(plan, state, row, 1.0)
    for k in range(d + 1):
        state.walls[wall, k] = state.target[k]
    state.in_geometry[wall] = 0
    state.of_wall[wall, 0], state.of_wall[wall, 1] = state.of_target[0], state.of_target[1]
    state.wall_scale[wall] = state.of_target[2]
    first, end = state.ranges[slot, FIRST], state.ranges[slot, END_]
    low, high = first, end
    while high - low > 1:
        middle = (low + high) >> 1
        if bit_of(plan, state, unit, layer, middle):
            high = middle
        else:
            low = middle
    note = state.split[slot]
    note[UNIT], note[OF_LAYER], note[PENDING] = unit, layer, 1
    note[THIN_SIDE], note[HINGE] = NEITHER, -1
    state.ranges[slot, MIDDLE] = high
    for k in range(d):
        state.witness[slot + 1, k] = state.witness[slot, k]
    if note[STRANGE] == 1:
        return
    outcome, above, below = cross(state, slot, wall, 2 * d + wall)
    if outcome != CROSSED:
        note[THIN_SIDE] = 1 if outcome == NEGATIVE_ONLY else 0
        return
    for j in range(d):
        if state.active[slot, j] == 2 * d + wall:
            note[HINGE] = j
    # The witness of slot + 1 serves bit 0, which comes first, that of this slot bit 1.
    value = state.target[0]
    for k in range(d):
        value += state.target[k + 1] * state.witness[slot, k]
    move_away(state, slot + 1, -value, -below, -above, state.opposite, state.point)
    move_away(state, slot, value, above, below, state.point, state.opposite)


@strict_inline
def move_away(state, slot, value, best, worst, same, other):
    """Bring a slot's witness to the side where a function is above 0.

    It has the value `value` at the witness, `best` at the point `same` of the cell. Points between
    one inside and one of the closed cell are inside.
    """
    d = same.shape[0]
    if value >= _NEAR * best and value > TOLERANCE:
        return
    share = 0.5
    if value < 0.0 and best > 0.0:
        crossing = -value / (best - value)
        share = 0.5 * (1.0 + crossing)
    if best > 0.0:
        for k in range(d):
            state.witness[slot, k] += share * (same[k] - state.witness[slot, k])


@strict_kernel
def go_into(plan, state, slot, bit, n_domain):
    """Go from a slot that was split into the child of a bit."""
    d = plan.centre.shape[0]
    wall, child = n_domain + slot, slot + 1
    note = state.split[slot]
    layer, unit = note[OF_LAYER], note[UNIT]
    for word in range(plan.word_at[layer + 1] - plan.word_at[layer]):
        state.opens[child, word] = state.opens[slot, word]
    state.opens[child, unit >> 6] &= ~(_TOP >> np.uint64(unit & 63))
    for k in range(d):
        state.vertex[child, k] = state.vertex[slot, k]
        state.active[child, k] = state.active[slot, k]
        state.lows[child, k] = state.lows[slot, k]
        state.highs[child, k] = state.highs[slot, k]
        for j in range(d):
            state.edges[child, j, k] = state.edges[slot, j, k]
    if bit == 1:
        for k in range(d):
            state.witness[child, k] = state.witness[slot, k]
        note[PENDING] = 0
    # The wall is the function itself after the split; turned for bit 0, and once more for bit 1.
    for k in range(d + 1):
        state.walls[wall, k] = -state.walls[wall, k]
    if bit == 0 and note[HINGE] >= 0:
        for k in range(d):
            state.edges[child, note[HINGE], k] = -state.edges[child, note[HINGE], k]
    strange = note[STRANGE] == 1 or note[THIN_SIDE] == bit
    state.split[child, STRANGE] = 1 if strange else 0
    state.split[child, AGE] = note[AGE]
    state.split[child, BOXED] = 0
    state.in_geometry[wall] = 0 if strange else 1
    state.ranges[child, FIRST] = state.ranges[slot, FIRST if bit == 0 else MIDDLE]
    state.ranges[child, END_] = state.ranges[slot, MIDDLE if bit == 0 else END_]
    state.at[SLOT], state.at[LAYER], state.at[PHASE] = child, layer, CLOSE
    find_mixed(plan, state, child, layer)


@strict_kernel
def back(plan, state, n_domain):
    """From a leaf to the next cube of bit 1."""
    at = state.at
    while at[SLOT] > 0:
        slot = at[SLOT] - 1
        at[SLOT] = slot
        if state.split[slot, PENDING] == 1:
            go_into(plan, state, slot, 1, n_domain)
            return
    at[PHASE] = DONE
