"""The largest ball inside a cell and the unit ball."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.ball.projection import (
    BEYOND,
    FULL,
    REACHED,
    clear_slot,
    copy_slot,
    dot,
    measure,
    nearest,
    stand_on,
)
from cpwl_milp.engines.ball.state import EMITTED, LEVELS, PATH, TOTAL, VALUE
from cpwl_milp.engines.compiled import kernel

# A radius is found to this share of itself.
_ACCURACY = 1e-10
_MOST_STEPS = 60
# A slack above this is none that counts.
_ROUNDING = 1e-15


@kernel
def largest_ball(state):
    """Write centre and radius of the cell's largest ball behind the regions emitted.

    A ball of radius r fits iff the point nearest to 0 with ``g.x + h >= r`` for all rows has norm
    at most 1 - r. Multipliers m bound r from above, by ``D(m) + 2 r sum m <= (1 - r)^2``: each
    step takes the bound of the last step's, so that the radii fall to the largest one from above
    (Newton's method on a convex function). False if the slots are too small.
    """
    level, n_rows = state.at[LEVELS], state.at[PATH]
    ball = state.balls[state.at[EMITTED]]
    d = state.x.shape[1]
    here, trial = state.slots[level], state.slots[level + 1]
    value, total = standing(state, here)
    radius = limit_of(value, total)
    for k in range(d):
        ball[k] = state.x[here, k]
    ball[d] = np.nan
    copy_slot(state, here, trial)
    for _ in range(_MOST_STEPS):
        radius *= 1.0 - _ACCURACY
        for i in range(n_rows):
            state.moved[i] = state.rests[i] - radius
        stand_on(state, trial, state.moved)
        measure(state.columns, state.moved, n_rows, state.x[trial], state.slack)
        entering = -1
        least = -_ROUNDING
        for i in range(n_rows):
            if state.slack[i] < least:
                entering, least = i, state.slack[i]
        code = REACHED
        if entering >= 0:
            # To the end, though it need not be inside: the best multipliers give the best bound.
            code = nearest(state, trial, state.moved, n_rows, entering, np.inf)
            value, total = state.found[VALUE], state.found[TOTAL]
        else:
            value, total = standing(state, trial)
        if code == REACHED and value > (1.0 - radius) ** 2:
            code = BEYOND
        if code == FULL:
            return False
        if code == REACHED:
            for k in range(d):
                ball[k] = state.x[trial, k]
            ball[d] = radius
            break
        if code == BEYOND:
            radius = min(radius, limit_of(value - 2.0 * radius * total, total))
        else:
            radius *= 0.5
            clear_slot(state, trial)
    return True


@kernel
def standing(state, slot):
    """Squared norm of a slot's point, which is the dual objective, and sum of its multipliers."""
    total = 0.0
    for i in range(state.sizes[slot]):
        total += state.multipliers[slot, i]
    return dot(state.x[slot], state.x[slot]), total


@kernel
def limit_of(value, total):
    """The r of ``value + 2 r total = (1 - r)^2``."""
    half = 1.0 + total
    return (1.0 - value) / (half + (half * half - (1.0 - value)) ** 0.5)
