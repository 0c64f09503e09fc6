"""Vertices of cells in float64: where to look for multipliers and for points inside.

Nothing is concluded from what is found here: `judging.proves` and `judging.is_inside` judge it.
"""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.proof.edges import (
    WAY,
    blocking,
    enter,
    find_slopes,
    height,
    steepest,
    step_along,
)
from cpwl_milp.engines.proof.state import AGE, PIVOTS
from cpwl_milp.engines.proof.strict import strict_entry, strict_inline, strict_kernel

TOLERANCE = 1e-11
# A step that gains less is none.
_STALLS = 1e-14
# A witness closer than that to a wall is moved.
_CLOSE_BY = 1e-6

# What `cross` found.
CROSSED = 0
POSITIVE_ONLY = 1
NEGATIVE_ONLY = 2


@strict_inline
def lowest(state, slot, n_walls, stop):
    """Move a slot's vertex to where the target is least.

    Returns
    -------
    bool
        False if that fails, or where the target falls below `stop` on the way.
    """
    steps = descend(
        state.vertex[slot],
        state.edges[slot],
        state.active[slot],
        state.target,
        state.slopes,
        state.walls,
        state.columns,
        state.kept,
        state.work,
        n_walls,
        stop,
    )
    found = steps >= 0
    steps = steps if found else ~steps
    state.split[slot, AGE] += steps
    state.counters[PIVOTS] += steps
    return found


@strict_kernel
def descend(vertex, edges, active, target, slopes, walls, columns, kept, work, n_walls, stop):
    """As `lowest`: the number of pivots, or if that failed, minus it, minus 1."""
    d = vertex.shape[0]
    stalled = 0
    value = height(target, vertex)
    most = 60 + 8 * (n_walls + d)
    for steps in range(most):
        if value < stop:
            return ~steps
        find_slopes(target, edges, slopes, work)
        edge = steepest(slopes, active, work, 1.0, stalled > 2 * d + 6)
        if edge < 0:
            return steps
        function, step = blocking(vertex, edges, active, columns, kept, n_walls, work, edge)
        if function < 0:
            return ~steps
        gain = -slopes[edge] * step
        stalled = stalled + 1 if gain < _STALLS else 0
        value -= gain
        step_along(vertex, work, step)
        enter(edges, active, walls, work, edge, function)
    return ~most


@strict_kernel
def recentre(state, slot, n_walls):
    """Move a slot's witness away from the walls and faces that it is close to.

    Each step goes half the way to a vertex that is as far from the nearest of them as can be.
    """
    d = state.vertex.shape[1]
    for _ in range(4 * d):
        nearest, function = _CLOSE_BY, -1
        for c in range(d):
            t = state.witness[slot, c]
            if min(1.0 - t, 1.0 + t) < nearest:
                nearest, function = min(1.0 - t, 1.0 + t), (c if t < 0.0 else d + c)
        for wall in range(n_walls):
            room = height(state.walls[wall], state.witness[slot])
            if room < nearest and state.kept[wall] != 0.0:
                nearest, function = room, 2 * d + wall
        if function < 0:
            return
        for k in range(d + 1):
            state.target[k] = -state.walls[max(0, function - 2 * d), k]
        if function < 2 * d:
            for k in range(d + 1):
                state.target[k] = 0.0
            state.target[1 + function % d] = -1.0 if function < d else 1.0
        if not lowest(state, slot, n_walls, -np.inf):
            return
        for k in range(d):
            state.witness[slot, k] += 0.5 * (state.vertex[slot, k] - state.witness[slot, k])


@strict_inline
def cross(state, slot, n_walls, function):
    """Move the vertex to the hyperplane of the target, which is wall `function - 2 d`.

    On the way `state.point` and `state.opposite` become points of the cell with the target above
    and below 0.

    Returns
    -------
    outcome : int
        CROSSED, or the one side of the target that was found.
    above, below : float
        The target there; 0 where there is no such point.
    """
    vertex, edges, active = state.vertex[slot], state.edges[slot], state.active[slot]
    target, slopes, walls, work = state.target, state.slopes, state.walls, state.work
    d = vertex.shape[0]
    value = height(target, vertex)
    sign = -1.0 if value < -TOLERANCE else 1.0
    started_at_zero = abs(value) <= TOLERANCE
    stalled = 0
    above, below = 0.0, 0.0
    for _ in range(80 + 8 * (n_walls + d)):
        find_slopes(target, edges, slopes, work)
        edge = steepest(slopes, active, work, sign, stalled > 2 * d + 6)
        value = sign * height(target, vertex)
        if edge < 0:
            if started_at_zero and value <= TOLERANCE:
                # Nothing below on this way; the other way from here.
                started_at_zero = False
                sign = -sign
                continue
            break
        slope = sign * slopes[edge]
        blocker, step = blocking(
            vertex, edges, active, state.columns, state.kept, n_walls, work, edge
        )
        if blocker < 0:
            break
        state.split[slot, AGE] += 1
        end = value + slope * step
        if end < -TOLERANCE:
            start = max(value, 0.0)
            for k in range(d):
                here = vertex[k]
                there = here + step * work[WAY, k]
                state.point[k] = here if sign > 0.0 else there
                state.opposite[k] = there if sign > 0.0 else here
            if sign > 0.0:
                above, below = start, end
            else:
                above, below = -end, -start
            step_along(vertex, work, start / -slope)
            enter(edges, active, walls, work, edge, function)
            return CROSSED, above, below
        stalled = stalled + 1 if -slope * step < _STALLS else 0
        step_along(vertex, work, step)
        enter(edges, active, walls, work, edge, blocker)
    return (POSITIVE_ONLY if sign > 0.0 else NEGATIVE_ONLY), above, below


@strict_entry
def impose(state, wall):
    """Bring the vertex of slot 0 to the side of a domain's inequality, and let it keep to it."""
    d = state.vertex.shape[1]
    for k in range(d + 1):
        state.target[k] = state.walls[wall, k]
    if height(state.target, state.vertex[0]) < 0.0:
        cross(state, 0, wall, 2 * d + wall)
    state.kept[wall] = 1.0
