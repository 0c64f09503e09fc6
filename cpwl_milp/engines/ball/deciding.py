"""What an open unit does on a cell inside the ball: one bit, or a cut.

The point x of the cell that is nearest to the centre lies inside the ball, so the side that it is
on is there for sure. The other side is there iff the nearest point of the cell beyond the unit's
hyperplane is inside the ball, too.
"""

from __future__ import annotations

from cpwl_milp.engines.ball.projection import (
    BEYOND,
    FULL,
    REACHED,
    copy_slot,
    dot,
    nearest,
)
from cpwl_milp.engines.ball.state import (
    DOUBTS,
    LAST,
    LEAST,
    LEVELS,
    PATH,
    SHIFTED,
    TESTS,
    TIES,
    TOTAL,
    VALUE,
)
from cpwl_milp.engines.compiled import inlined_kernel, kernel
from cpwl_milp.engines.descent import ROUNDING_SHARE

# What a unit does on a cell, or why that is not known.
BIT_0 = 0
BIT_1 = 1
CUTS = 2
UNDECIDED = 3
LACKS_SPACE = 4

# Whether a side of a unit is there.
_THERE = 0
_ABSENT = 1
_TOUCHED = 2  # within rounding, the hyperplane touches the cell inside the ball
_DOUBTFUL = 3
_UNDECIDED = 4
_LACKS_SPACE = 5

# Rounding of the rows, by which a squared distance may be off for each unit of the multipliers.
_ROW_ERROR = 1e-13
# Added to 1 - c^2 before its square root: it must not be too small.
_ROOM = 4e-15


@inlined_kernel
def decide(state, unit):
    """What a unit does on the cell at hand: BIT_0, BIT_1, CUTS, UNDECIDED or LACKS_SPACE.

    With CUTS, the free slot behind the cell's own holds the nearest point of the other child.

    Returns
    -------
    code : int
    nearer : int
        With CUTS the bit of the child that keeps the cell's point.
    """
    counters = state.counters
    counters[TESTS] += 1
    level = state.at[LEVELS]
    here, free, spare = state.slots[level], state.slots[level + 1], state.slots[level + 2]
    along = dot(state.normals[unit], state.x[here])
    value = along + state.heights[unit]
    nearer = 1 if value >= 0.0 else 0
    side = -1.0 if nearer else 1.0
    other = _ABSENT
    if reach(state, here, side * along, side * state.heights[unit]) > -state.tolerances[unit]:
        other = beyond(state, here, free, spare, unit, side, value)
    own = _THERE
    if abs(value) <= state.tolerances[unit] and other < _UNDECIDED:
        own = beyond(state, here, -1, spare, unit, -side, value)
    if other >= _UNDECIDED or own >= _UNDECIDED:
        return LACKS_SPACE if max(own, other) == _LACKS_SPACE else UNDECIDED, 0
    if own == _THERE and other == _THERE:
        return CUTS, nearer
    # Neither: z vanishes on the cell, and the bit is 0.
    bit = nearer if own == _THERE else 1 - nearer if other == _THERE else 0
    against = other if bit == nearer else own
    note_touch(counters, against)
    return bit, 0


@inlined_kernel
def note_touch(counters, against):
    """Count a decision that rests on the tolerance: the side that is not taken is `against`.

    Here is the place for an exact answer: the side is there iff its unit cuts the cell and the
    squared distance from the centre of the cell beyond the unit is below the squared radius.
    """
    if against >= _TOUCHED:
        counters[TIES] += 1
        if against == _DOUBTFUL:
            counters[DOUBTS] += 1


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
    if along >= square:
        return 1.0 + height
    # The cosine between g and x is along / |x|.
    rest = max(0.0, 1.0 - square) + _ROOM
    across = max(0.0, 1.0 - along * along / square) + _ROOM
    return along + (rest * across) ** 0.5 + height


@kernel
def beyond(state, here, free, spare, unit, side, value):
    """Whether the side ``side * z > 0`` of a unit is there in the cell within the ball.

    Parameters
    ----------
    here, free, spare : int
        Slots of the cell, for the nearest point beyond the hyperplane (-1: the cell's own point
        lies there), and for trials.
    value : float
        z at the cell's nearest point.
    """
    row = state.at[PATH]
    tolerance = state.tolerances[unit]
    rest = side * state.heights[unit]
    put_row(state, row, unit, side)
    if free >= 0:
        copy_slot(state, here, free)
        if side * value < 0.0:
            code = nearest(state, free, state.rests, row + 1, row, 1.0)
            found = state.found
            margin = 2.0 * (tolerance * found[LAST] + _ROW_ERROR * found[TOTAL])
            if code == BEYOND:
                return _ABSENT if found[VALUE] - margin >= 1.0 else _TOUCHED
            if code != REACHED:
                return _LACKS_SPACE if code == FULL else _UNDECIDED
            if found[VALUE] + margin < 1.0 and is_clear(state, free, row, tolerance):
                return _THERE
    state.counters[SHIFTED] += 1
    outcome = _THERE
    for share in (1.0, ROUNDING_SHARE):
        shift = share * tolerance
        if side * value < shift:
            state.rests[row] = rest - shift
            copy_slot(state, here, spare)
            code = nearest(state, spare, state.rests, row + 1, row, 1.0)
            state.rests[row] = rest
            if code != REACHED and code != BEYOND:
                return _LACKS_SPACE if code == FULL else _UNDECIDED
            reached = code == REACHED
            if share == 1.0:
                found = state.found
                reached = reached and found[VALUE] + 2.0 * _ROW_ERROR * found[TOTAL] < 1.0
        else:
            reached = True
        if reached:
            return outcome
        outcome = _DOUBTFUL
    return _TOUCHED


@inlined_kernel
def put_row(state, row, unit, side):
    """Write a unit's side as a row of the path."""
    state.path[row], state.signs[row] = unit, side
    state.rests[row] = side * state.heights[unit]
    for k in range(state.columns.shape[0]):
        state.columns[k, row] = side * state.normals[unit, k]


@inlined_kernel
def is_clear(state, slot, row, tolerance):
    """Whether moving the nearest point beyond the last row by the tolerance leaves it in the cell.

    The shortest way that keeps to the other active rows has the length of tolerance times
    ``|triangle^-T e|``; no slack shrinks, and the point's norm grows, by more than that.
    """
    m = state.sizes[slot]
    triangle, step = state.triangle[slot], state.step
    length = 0.0
    for i in range(m):
        total = 1.0 if state.active[slot, i] == row else 0.0
        for j in range(i):
            total -= triangle[j, i] * step[j]
        step[i] = total / triangle[i, i]
        length += step[i] * step[i]
    length = 2.0 * tolerance * length**0.5
    return state.found[LEAST] > length and state.found[VALUE] ** 0.5 + length < 1.0
