"""Closing: units proved constant on a cell, and cells enclosed in boxes."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.lanes import ones
from cpwl_milp.engines.proof.geometry import TOLERANCE, lowest
from cpwl_milp.engines.proof.judging import aim, aim_at_face, proved_least, proves
from cpwl_milp.engines.proof.refreshing import refresh
from cpwl_milp.engines.proof.state import (
    BOXED,
    FIRST,
    IN_FLOATS,
    STRANGE,
    WRITES,
)
from cpwl_milp.engines.proof.strict import strict_inline, strict_kernel, strict_merged
from cpwl_milp.engines.proof.writing import (
    true_scale,
    write_bound,
    write_close,
    write_sure,
)

# A box is worth its 2 d bounds where so many units, times d, are to be closed.
_WORTH_A_BOX = 4


@strict_merged
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


@strict_merged
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
