"""Splitting a cell, and points inside of what comes of it."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.lanes import load, ones, store
from cpwl_milp.engines.proof.edges import height
from cpwl_milp.engines.proof.geometry import (
    CROSSED,
    NEGATIVE_ONLY,
    TOLERANCE,
    cross,
    lowest,
    recentre,
)
from cpwl_milp.engines.proof.judging import aim, is_inside, margin_of
from cpwl_milp.engines.proof.maps import bit_of
from cpwl_milp.engines.proof.runs import find_mixed
from cpwl_milp.engines.proof.state import (
    AGE,
    BOXED,
    CLOSE,
    DONE,
    END_,
    FIRST,
    HINGE,
    LAYER,
    LEAVES,
    LEAVES_IN_FLOATS,
    MIDDLE,
    NEITHER,
    OF_LAYER,
    PENDING,
    PHASE,
    SLOT,
    STRANGE,
    THIN_SIDE,
    UNIT,
)
from cpwl_milp.engines.proof.strict import strict_inline, strict_merged
from cpwl_milp.engines.proof.writing import write_leaf, write_split

_TOP = np.uint64(1 << 63)
# A witness this close to a hyperplane, relative to the cell beside it, is moved away from it.
_NEAR = 0.05


@strict_merged
def has_witness(plan, state, slot, n_domain):
    """Whether a cell's witness is proved to be inside, after a second try from the middle."""
    if is_inside(plan, state, slot, n_domain + slot):
        return True
    if state.split[slot, STRANGE] == 1:
        return False
    recentre(state, slot, n_domain + slot)
    return is_inside(plan, state, slot, n_domain + slot)


@strict_merged
def split_last(plan, state, slot, layer, unit, n_domain):
    """Split a cell into two regions and be done with both, if that is all there is to do there.

    The witness serves one of them, a point between it and a vertex beyond the hyperplane the
    other. Where that fails nothing has happened: it is a split like any other.
    """
    if state.ranges[slot, END_] - state.ranges[slot, FIRST] != 2 or not plan.in_floats:
        return False
    if state.split[slot, STRANGE] == 1:
        return False
    left = 0
    for word in range(plan.word_at[layer + 1] - plan.word_at[layer]):
        left += ones(state.opens[slot, word])
    if left != 1:
        return False
    d = plan.centre.shape[0]
    n_walls = n_domain + slot
    aim(plan, state, plan.unit_row[plan.offsets[layer] + unit], 1.0)
    margin = margin_of(plan, state.of_target[0], state.of_target[1])
    value = height(state.target, state.witness[slot])
    bit = 1 if value > 0.0 else 0
    if not abs(value) > margin or not is_inside(plan, state, slot, n_walls):
        return False
    for k in range(d):
        state.opposite[k] = state.point[k]
    if bit == 0:
        for k in range(d + 1):
            state.target[k] = -state.target[k]
        value = -value
    beyond = height(state.target, state.vertex[slot])
    if not beyond < -TOLERANCE:
        lowest(state, slot, n_walls, -TOLERANCE)
        beyond = height(state.target, state.vertex[slot])
        if not beyond < -TOLERANCE:
            return False
    share = 0.5 * (1.0 + value / (value - beyond))
    other = slot + 1
    for k in range(d):
        way = state.vertex[slot, k] - state.witness[slot, k]
        state.witness[other, k] = state.witness[slot, k] + share * way
    if not -height(state.target, state.witness[other]) > margin:
        return False
    if not is_inside(plan, state, other, n_walls):
        return False
    write_split(state, unit)
    if bit == 1:
        write_leaf(state, state.point)
        write_leaf(state, state.opposite)
    else:
        write_leaf(state, state.opposite)
        write_leaf(state, state.point)
    state.counters[LEAVES_IN_FLOATS] += 2
    state.at[LEAVES] += 2
    return True


@strict_merged
def split(plan, state, slot, layer, unit, wall):
    """Find a vertex on a unit's hyperplane, and points on both sides; note what comes later."""
    d = plan.centre.shape[0]
    row = plan.unit_row[plan.offsets[layer] + unit]
    aim(plan, state, row, 1.0)
    put_wall(plan, state, wall)
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


@strict_inline
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
    copy_edges(state, slot, child)
    if bit == 1:
        for k in range(d):
            state.witness[child, k] = state.witness[slot, k]
        note[PENDING] = 0
    # The wall is the function itself after the split; turned for bit 0, and once more for bit 1.
    for k in range(d + 1):
        state.walls[wall, k] = -state.walls[wall, k]
        state.columns[k, wall] = state.walls[wall, k]
    if bit == 0 and note[HINGE] >= 0:
        for k in range(d):
            state.edges[child, k, note[HINGE]] = -state.edges[child, k, note[HINGE]]
    strange = note[STRANGE] == 1 or note[THIN_SIDE] == bit
    state.split[child, STRANGE] = 1 if strange else 0
    state.split[child, AGE] = note[AGE]
    state.split[child, BOXED] = 0
    state.kept[wall] = 0.0 if strange else 1.0
    # Walls are read eight at a time: none of an earlier cell may be behind.
    for behind in range(wall + 1, (wall & ~7) + 8):
        state.kept[behind] = 0.0
    state.ranges[child, FIRST] = state.ranges[slot, FIRST if bit == 0 else MIDDLE]
    state.ranges[child, END_] = state.ranges[slot, MIDDLE if bit == 0 else END_]
    state.at[SLOT], state.at[LAYER], state.at[PHASE] = child, layer, CLOSE
    find_mixed(plan, state, child, layer)


@strict_merged
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


@strict_merged
def put_wall(plan, state, wall):
    """Make the target a wall, to which vertices do not keep yet."""
    for k in range(state.columns.shape[0]):
        state.walls[wall, k] = state.target[k]
        state.columns[k, wall] = state.target[k]
    state.kept[wall] = 0.0
    state.of_wall[wall, 0], state.of_wall[wall, 1] = state.of_target[0], state.of_target[1]
    state.margins[wall] = margin_of(plan, state.of_target[0], state.of_target[1])
    state.wall_scale[wall] = state.of_target[2]


@strict_merged
def copy_edges(state, slot, child):
    """The edges of a slot, to another."""
    d, padded = state.edges.shape[1:]
    for k in range(d):
        for j in range(0, padded, 8):
            # Whole vectors.
            store(state.edges[child], k * padded + j, load(state.edges[slot], k * padded + j))
