"""What is known of a cell's point beyond rounding: that the true cell has points close to it.

Rows are known to an error each (`State.errors`). A point proves that the true cell meets the ball
if it stands off all rows by more than their errors, and inside the ball.
"""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.ball.projection import (
    FULL,
    REACHED,
    copy_slot,
    dot,
    measure,
    nearest,
    stand_on,
)
from cpwl_milp.engines.ball.state import ERROR, LEAST, SHRUNK, SURROUNDED, VALUE
from cpwl_milp.engines.compiled import inlined_kernel, kernel
from cpwl_milp.engines.descent import ROUNDING_SHARE

# Negative instead of a blur: nothing is proved; a slot cannot hold so many active rows.
NOT_PROVED = -1.0
LACKS_ROOM = -2.0

# Cells whose points are less certain than this are not searched in float64.
_MOST_BLUR = 1e-8
_ROUNDING = 4e-15


@inlined_kernel
def is_clear(state, slot, row, tolerance):
    """How far the true cell is from the point of `nearest`, if it surely is beyond the last row.

    The shortest way along which the last row grows by the tolerance, while the point keeps to the
    other active rows, has the length of tolerance times ``|triangle^-T e|``. Errors of the active
    rows move the point by at most ``|triangle^-T| errors``. No slack shrinks, and the point's norm
    grows, by more than both.
    """
    m = state.sizes[slot]
    active, triangle = state.active[slot], state.triangle[slot]
    step, share, found = state.step, state.share, state.found
    length = 0.0
    blur = 0.0
    for i in range(m):
        total = 1.0 if active[i] == row else 0.0
        error = state.errors[active[i]]
        for j in range(i):
            total -= triangle[j, i] * step[j]
            error += abs(triangle[j, i]) * share[j]
        step[i] = total / triangle[i, i]
        share[i] = error / abs(triangle[i, i])
        length += step[i] * step[i]
        blur += share[i] * share[i]
    blur = blur**0.5 + _ROUNDING
    length = 2.0 * tolerance * length**0.5 + blur
    if blur > _MOST_BLUR or found[LEAST] <= length or found[VALUE] ** 0.5 + length >= 1.0:
        return NOT_PROVED
    return blur


@kernel
def shrunk(state, slot, trial, n_rows):
    """How far the true cell is from a slot's point, by a point that stands off all rows.

    With w at a hundred times its error from every row, and x off by up to `most` of these
    distances, ``x + most (w - x)`` is in the true cell.
    """
    state.counters[SHRUNK] += 1
    state.found[SURROUNDED] = 0.0
    for i in range(n_rows):
        state.moved[i] = state.rests[i] - state.errors[i] / ROUNDING_SHARE
    x = state.x[slot]
    measure(state.columns, state.rests, n_rows, x, state.slack)
    most = 0.0
    for i in range(n_rows):
        error = state.errors[i]
        most = max(most, (error + _ROUNDING - state.slack[i]) * (ROUNDING_SHARE / error))
    copy_slot(state, slot, trial)
    stand_on(state, trial, state.moved)
    measure(state.columns, state.moved, n_rows, state.x[trial], state.slack)
    entering = -1
    least = -_ROUNDING
    for i in range(n_rows):
        if state.slack[i] < least:
            entering, least = i, state.slack[i]
    value = dot(state.x[trial], state.x[trial])
    if entering >= 0:
        code = nearest(state, trial, state.moved, n_rows, entering, 1.0)
        if code == FULL:
            return LACKS_ROOM
        if code != REACHED:
            return NOT_PROVED
        value = state.found[VALUE]
    if value >= 1.0 - _ROUNDING:
        return NOT_PROVED
    square = 0.0
    for k in range(x.shape[0]):
        square += (state.x[trial, k] - x[k]) ** 2
    blur = 2.0 * most * square**0.5 + _ROUNDING
    return blur if blur <= _MOST_BLUR else NOT_PROVED


@inlined_kernel
def lost_behind(found):
    """By how much the cell may reach beyond the half-space of its point, after `nearest`."""
    return 2.0 * found[ERROR] / max(found[VALUE] ** 0.5, np.finfo(np.float64).tiny) + _ROUNDING


@inlined_kernel
def lost_of(state, slot):
    """The same for a slot that stands."""
    total = 0.0
    for i in range(state.sizes[slot]):
        total += state.multipliers[slot, i] * state.errors[state.active[slot, i]]
    length = dot(state.x[slot], state.x[slot]) ** 0.5
    return 2.0 * total / max(length, np.finfo(np.float64).tiny) + _ROUNDING
