"""What an open unit does on a cell inside the ball: one bit, a cut, or what float64 cannot tell.

The point x of the cell that is nearest to the centre lies inside the ball, so the side that it is
on is there. The other side is there iff the cell has points inside the ball beyond the unit's
hyperplane. Both are proved with room for rounding (trusting.py), or else asked about.
"""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.ambiguity import Doubt
from cpwl_milp.engines.ball.projection import (
    BEYOND,
    FULL,
    REACHED,
    copy_slot,
    dot,
    nearest,
)
from cpwl_milp.engines.ball.state import (
    BLUR,
    ERROR,
    HOMOGENEOUS,
    LAST,
    LEVELS,
    LOST,
    OWN_BLUR,
    PATH,
    SURROUNDED,
    TESTS,
    VALUE,
)
from cpwl_milp.engines.ball.trusting import LACKS_ROOM, is_clear, lost_behind, lost_of, shrunk
from cpwl_milp.engines.compiled import inlined_kernel, kernel
from cpwl_milp.engines.descent import ROUNDING_SHARE

# What a unit does on a cell, or why that is not known.
BIT_0 = 0
BIT_1 = 1
CUTS = 2
LACKS_SPACE = 3
# From here on: that much above ASKS is the doubt (ambiguity.py).
ASKS = 3
BELOW, ABOVE, BOTH = (int(k) for k in (Doubt.BELOW, Doubt.ABOVE, Doubt.BOTH))

# Whether a side of a unit is there.
_THERE = 0
_ABSENT = 1
_OPEN = 2
_LACKS_SPACE = 3

# Of a nearest point so close to the centre, the direction is lost to underflow.
_LEAST_SQUARE = 1e-280
# Added to 1 - c^2 before its square root: it must not be too small.
_ROOM = 4e-15


@inlined_kernel
def decide(state, unit):
    """What a unit does on the cell at hand: BIT_0, BIT_1, CUTS, LACKS_SPACE or a doubt.

    Where the other child surely is there (CUTS, or a doubt of the point's own side), the free slot
    behind the cell's own holds that child's nearest point.

    Returns
    -------
    code : int
    nearer : int
        The bit of the side that the cell's point is on.
    """
    state.counters[TESTS] += 1
    level = state.at[LEVELS]
    here, free, spare = state.slots[level], state.slots[level + 1], state.slots[level + 2]
    tolerance = state.tolerances[unit]
    if tolerance == np.inf:
        return ASKS + BOTH, 0
    along = dot(state.normals[unit], state.x[here])
    value = along + state.heights[unit]
    nearer = 1 if value >= 0.0 else 0
    side = -1.0 if nearer else 1.0
    other = _ABSENT
    if reach(state, here, side * along, side * state.heights[unit]) > -tolerance:
        other = beyond(state, here, free, spare, unit, side, value)
    if other == _ABSENT:
        # Not constant, the unit takes some sign on the cell.
        return nearer, 0
    own = _THERE
    state.found[OWN_BLUR] = 0.0
    if abs(value) <= tolerance + state.trust[here, BLUR] and other != _LACKS_SPACE:
        own = held(state, here, spare, unit, -side)
    if own == _LACKS_SPACE or other == _LACKS_SPACE:
        return LACKS_SPACE, 0
    if own == _ABSENT:
        return 1 - nearer, 0
    if own == _OPEN and other == _OPEN:
        return ASKS + BOTH, 0
    if own == _THERE:
        # The child on this side keeps the point.
        state.trust[here, BLUR] = max(state.trust[here, BLUR], state.found[OWN_BLUR])
        if other == _THERE:
            return CUTS, nearer
    # The side in doubt is that of the nearer bit, or the other one.
    doubtful = nearer if own == _OPEN else 1 - nearer
    return ASKS + (ABOVE if doubtful else BELOW), nearer


@inlined_kernel
def reach(state, slot, along, height):
    """A bound of ``g.y + height``, ``|g| = 1``, over the cell within the ball, rounded up.

    The cell lies in the half-space ``{y: y.x >= |x|^2}`` of its nearest point x, so the largest
    value over the ball's cap there is a bound. Cost: O(1) beyond |x|.

    Parameters
    ----------
    along : float
        ``g.x``, not by way of differences: x may be tiny.
    """
    square = dot(state.x[slot], state.x[slot])
    if along >= square or square < _LEAST_SQUARE:
        return 1.0 + height
    lost = state.trust[slot, LOST]
    # The cosine between g and x is along / |x|.
    rest = max(0.0, 1.0 - square) + 2.0 * lost + _ROOM
    across = max(0.0, 1.0 - along * along / square) + _ROOM
    return along + lost + (rest * across) ** 0.5 + height


@kernel
def beyond(state, here, free, spare, unit, side, value):
    """Whether the side ``side * z > 0``, in which the cell's point is not, is there in the ball.

    Parameters
    ----------
    here, free, spare : int
        Slots of the cell, for the nearest point beyond the hyperplane, and for trials.
    value : float
        z at the cell's nearest point.
    """
    row = state.at[PATH]
    tolerance = state.tolerances[unit]
    put_row(state, row, unit, side)
    copy_slot(state, here, free)
    if side * value < 0.0:
        found = state.found
        code = nearest(state, free, state.rests, row + 1, row, 1.0)
        if code == FULL:
            return _LACKS_SPACE
        if code == BEYOND:
            margin = 2.0 * (tolerance * found[LAST] + found[ERROR])
            return _ABSENT if found[VALUE] - margin >= 1.0 else _OPEN
        if code != REACHED:
            return _OPEN
        blur = is_clear(state, free, row, tolerance)
        if blur >= 0.0:
            state.trust[free, BLUR] = blur
            state.trust[free, LOST] = lost_behind(found)
            return _THERE
    return trusted(state, free, spare, row + 1)


@kernel
def held(state, here, spare, unit, side):
    """Whether the side that the cell's point is on, within rounding, is there."""
    row = state.at[PATH]
    put_row(state, row, unit, side)
    blur = shrunk(state, here, spare, row + 1)
    if blur >= 0.0:
        state.found[OWN_BLUR] = blur
        return _THERE
    return not_held(state, blur)


@inlined_kernel
def trusted(state, slot, spare, n_rows):
    """Whether the rows leave room around a slot's point; what is known of it is put down."""
    lost = lost_of(state, slot)
    blur = shrunk(state, slot, spare, n_rows)
    if blur >= 0.0:
        state.trust[slot, BLUR] = blur
        state.trust[slot, LOST] = lost
        return _THERE
    return not_held(state, blur)


@inlined_kernel
def not_held(state, blur):
    """What it means that no point stands off all rows.

    Without biases cells are cones, and a unit is at most 0 on a cone if minus its gradient is a
    positive combination of the rows': that is exact, since all constants are 0 at the origin.
    """
    if blur == LACKS_ROOM:
        return _LACKS_SPACE
    if state.at[HOMOGENEOUS] == 1 and state.found[SURROUNDED] == 1.0:
        return _ABSENT
    return _OPEN


@inlined_kernel
def put_row(state, row, unit, side):
    """Write a unit's side as a row of the path."""
    state.path[row], state.signs[row] = unit, side
    state.rests[row] = side * state.heights[unit]
    state.errors[row] = ROUNDING_SHARE * state.tolerances[unit]
    for k in range(state.columns.shape[0]):
        state.columns[k, row] = side * state.normals[unit, k]
