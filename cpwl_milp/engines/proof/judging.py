"""Judges of proofs in float64: multipliers, boxes and points, with all roundings charged.

Whatever is put before them, they call nothing proved that is not true in real arithmetic.
Constants are at least twice what is needed, as in `maps`: that covers the charges' own roundings.
"""

from __future__ import annotations

import math

import numpy as np

from cpwl_milp.engines.lanes import above, filled, load, plus_product, store
from cpwl_milp.engines.proof.strict import strict_inline, strict_merged

_ROUNDOFF = 2.0**-53
_NONE = np.uint64(0)
_TOP = np.uint64(1 << 63)


@strict_inline
def aim(plan, state, row, sign):
    """Take an output's function, times sign, as the target, scaled by a power of two.

    `state.target` gets the function, `state.of_target` size, error and scale.
    """
    d = plan.centre.shape[0]
    scale = scale_of(state.sizes[row])
    for k in range(d + 1):
        state.target[k] = sign * scale * state.maps[k, row]
    state.of_target[0] = scale * state.sizes[row]
    state.of_target[1] = scale * state.errors[row]
    state.of_target[2] = scale


@strict_inline
def aim_at_face(plan, state, c, upper):
    """Take ``x_c - centre_c``, or minus it, as the target: what bounds a coordinate."""
    d = plan.centre.shape[0]
    for k in range(d + 1):
        state.target[k] = 0.0
    scale = scale_of(plan.half[c])
    # half * t is exact by the meaning of t.
    state.target[c + 1] = -scale * plan.half[c] if upper else scale * plan.half[c]
    state.of_target[0] = scale * plan.half[c]
    state.of_target[1] = 0.0
    state.of_target[2] = scale


@strict_inline
def scale_of(size):
    """A power of two that brings a size to [0.5, 1); 1 for 0."""
    return math.ldexp(1.0, -math.frexp(size)[1])


@strict_inline
def proved_least(plan, state, slot, n_terms):
    """A number that the target is nowhere below on the cell, in float64 with all errors charged.

    target - sum of multiplier * wall is a function r, and its least value on the box that holds
    the cell is read off (Neumaier, Shcherbina 2004: the residual charged against the box). The
    walls and multipliers are `state.terms` and `state.shares`; -inf if one of these is below 0.
    """
    d = plan.centre.shape[0]
    size = state.of_target[0]
    error = state.of_target[1]
    for n in range(n_terms):
        share, wall = state.shares[n], state.terms[n]
        if not share >= 0.0:
            return -np.inf
        size += share * state.of_wall[wall, 0]
        error += share * state.of_wall[wall, 1]
    padded = state.target.shape[0]
    for first in range(0, padded, 8):
        rest = load(state.target, first)
        for n in range(n_terms):
            wall = load(state.walls, state.terms[n] * padded + first)
            rest = plus_product(rest, wall, filled(-state.shares[n]))
        store(state.rest, first, rest)
    least = state.rest[0]
    for k in range(d):
        value = state.rest[k + 1]
        # In the box |t| <= 1: roundings are covered as those of the coefficients are.
        least += value * (state.lows[slot, k] if value > 0.0 else state.highs[slot, k])
    gamma = (2.0 * n_terms + 2.0 * d + 16.0) * 2.0 * _ROUNDOFF
    return least - (error + gamma * size) * (1.0 + gamma)


@strict_inline
def proves(plan, state, slot, n_terms):
    """Whether multipliers prove the target above 0 on the cell."""
    return proved_least(plan, state, slot, n_terms) > 0.0


@strict_merged
def find_sure(plan, state, slot, layer):
    """`state.sure`: the units of a layer that have bit 0 or 1 all over the box of a slot."""
    d = plan.centre.shape[0]
    start, end = plan.first_row[layer], plan.first_row[layer + 1]
    n_out = end - start
    gamma = (2.0 * d + 20.0) * 2.0 * _ROUNDOFF
    gaps, charges = state.gaps[start:end], state.charges[start:end]
    constants = state.maps[0, start:end]
    errors, sizes = state.errors[start:end], state.sizes[start:end]
    for i in range(n_out):
        gaps[i] = constants[i]
        charges[i] = (errors[i] + gamma * sizes[i]) * (1.0 + gamma)
    for k in range(d):
        low, high = state.lows[slot, k], state.highs[slot, k]
        middle = 0.5 * (low + high)
        radius = max(high - middle, middle - low) * (1.0 + 8.0 * _ROUNDOFF)
        slopes = state.maps[k + 1, start:end]
        for i in range(n_out):
            gaps[i] += slopes[i] * middle
            charges[i] += abs(slopes[i]) * radius
    for word in range(plan.word_at[layer + 1] - plan.word_at[layer]):
        state.sure[0, word] = state.sure[1, word] = _NONE
    first = plan.offsets[layer]
    for unit in range(plan.offsets[layer + 1] - first):
        row = plan.unit_row[first + unit] - start
        charge = charges[row] * (1.0 + gamma)
        bit = _TOP >> np.uint64(unit & 63)
        # Without branches: which way they go is not foretold.
        state.sure[1, unit >> 6] |= bit if gaps[row] > charge else _NONE
        state.sure[0, unit >> 6] |= bit if -gaps[row] > charge else _NONE


@strict_inline
def margin_of(plan, size, error):
    """What a value computed at a witness must exceed: then it is above 0 at the point in x."""
    gamma = (plan.centre.shape[0] + 16.0) * 2.0 * _ROUNDOFF + 2.0 * plan.drift
    return (error + gamma * size) * (1.0 + gamma)


@strict_inline
def is_inside(plan, state, slot, n_walls):
    """Whether a slot's witness, rounded to `state.point`, is strictly inside domain and walls."""
    d = plan.centre.shape[0]
    for k in range(d):
        t = state.witness[slot, k]
        if not -1.0 <= t <= 1.0:
            return False
        x = plan.centre[k] + plan.half[k] * t
        if not plan.lower[k] < x < plan.upper[k]:
            return False
        state.point[k] = x
    columns, margins = state.columns, state.margins
    capacity = columns.shape[1]
    for first in range(0, n_walls, 8):
        value = load(columns, first)
        for k in range(d):
            column = load(columns, (k + 1) * capacity + first)
            value = plus_product(value, column, filled(state.witness[slot, k]))
        here = above(value, load(margins, first))
        asked = 255 if n_walls - first >= 8 else (1 << (n_walls - first)) - 1
        if here & asked != asked:
            return False
    return True
