"""Vertices of cells in float64: where to look for multipliers and for points inside.

Nothing is concluded from what is found here: `maps.proves` and `maps.is_inside` judge it.
"""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.proof.state import AGE, PIVOTS
from cpwl_milp.engines.proof.strict import strict_entry, strict_inline, strict_kernel

# Targets and walls are of order one.
_LEAST_SLOPE = 1e-12
TOLERANCE = 1e-11
_TIE = 1e-13
# A witness closer than that to a wall is moved.
_CLOSE_BY = 1e-6
# Edges are computed anew after so many pivots along a path.
_STALE = 60

# What `cross` found.
CROSSED = 0
POSITIVE_ONLY = 1
NEGATIVE_ONLY = 2


@strict_inline
def height(target, vertex):
    """A function's value at a vertex."""
    value = target[0]
    for k in range(vertex.shape[0]):
        value += target[k + 1] * vertex[k]
    return value


@strict_inline
def descending(target, edges, active, slopes, sign, bland):
    """The edge along which ``sign * target`` falls the most, -1 if none; fills `slopes`."""
    d = slopes.shape[0]
    best, steepest = -1, 0.0
    for j in range(d):
        slope, length = 0.0, 0.0
        for k in range(d):
            edge = edges[j, k]
            slope += target[k + 1] * edge
            length = max(length, abs(edge))
        slope *= sign
        slopes[j] = slope
        if slope < -_LEAST_SLOPE * length:
            if bland:
                if best < 0 or active[j] < active[best]:
                    best = j
            elif slope < steepest * length:
                best, steepest = j, slope / length
    return best


@strict_inline
def blocking(vertex, edges, active, walls, in_geometry, n_walls, edge):
    """The function that an edge reaches first, and after which step; (-1, 0) if none."""
    d = vertex.shape[0]
    way = edges[edge]
    best, shortest, best_slope = -1, 1e300, 0.0
    length = 0.0
    for k in range(d):
        length = max(length, abs(way[k]))
    least = _LEAST_SLOPE * length
    for c in range(d):
        slope = way[c]
        if abs(slope) > least:
            room = 1.0 - vertex[c] if slope > 0.0 else 1.0 + vertex[c]
            step = max(room, 0.0) / abs(slope)
            if step < shortest:
                best, shortest, best_slope = (d + c if slope > 0.0 else c), step, abs(slope)
    for wall in range(n_walls):
        row = walls[wall]
        slope = 0.0
        for k in range(d):
            slope += row[k + 1] * way[k]
        if slope < -least and in_geometry[wall] == 1:
            room = row[0]
            for k in range(d):
                room += row[k + 1] * vertex[k]
            room = max(room, 0.0)
            # No division where it is far.
            if room > -slope * (shortest + _TIE * length):
                continue
            step = room / -slope
            if step < shortest - _TIE * length or -slope > best_slope:
                best, shortest, best_slope = 2 * d + wall, min(step, shortest), -slope
    for j in range(d):
        if active[j] == best and j != edge:
            # Rounding: an active function does not change along this edge.
            return -1, 0.0
    return best, shortest


@strict_inline
def enter(edges, active, walls, edge, function):
    """A function becomes active in place of that of an edge, at a vertex where it is 0."""
    d = active.shape[0]
    way = edges[edge]
    wall = max(0, function - 2 * d)
    c = function % d
    pivot = 0.0
    if function < 2 * d:
        pivot = way[c] if function < d else -way[c]
    else:
        for k in range(d):
            pivot += walls[wall, k + 1] * way[k]
    inverse = 1.0 / pivot
    for k in range(d):
        way[k] *= inverse
    for j in range(d):
        if j == edge:
            continue
        other = edges[j]
        slope = 0.0
        if function < 2 * d:
            slope = other[c] if function < d else -other[c]
        else:
            for k in range(d):
                slope += walls[wall, k + 1] * other[k]
        if slope != 0.0:
            for k in range(d):
                other[k] -= slope * way[k]
    active[edge] = function


@strict_inline
def step_along(vertex, way, step):
    """Move a vertex along an edge."""
    for k in range(vertex.shape[0]):
        vertex[k] += step * way[k]


@strict_kernel
def lowest(state, slot, n_walls, stop):
    """Move the vertex to where the target is least.

    Returns
    -------
    bool
        False if that fails, or where the target falls below `stop` on the way.
    """
    vertex, edges, active = state.vertex[slot], state.edges[slot], state.active[slot]
    target, slopes, walls, kept = state.target, state.slopes, state.walls, state.in_geometry
    d = vertex.shape[0]
    stalled = 0
    steps = 0
    found = False
    for _ in range(60 + 8 * (n_walls + d)):
        if height(target, vertex) < stop:
            break
        edge = descending(target, edges, active, slopes, 1.0, stalled > 2 * d + 6)
        if edge < 0:
            found = True
            break
        function, step = blocking(vertex, edges, active, walls, kept, n_walls, edge)
        if function < 0:
            break
        stalled = stalled + 1 if -slopes[edge] * step < 1e-14 else 0
        step_along(vertex, edges[edge], step)
        enter(edges, active, walls, edge, function)
        steps += 1
    state.split[slot, AGE] += steps
    state.counters[PIVOTS] += steps
    return found


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
            if room < nearest and state.in_geometry[wall] == 1:
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


@strict_kernel
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
    target, slopes, walls, kept = state.target, state.slopes, state.walls, state.in_geometry
    d = vertex.shape[0]
    value = height(target, vertex)
    sign = -1.0 if value < -TOLERANCE else 1.0
    started_at_zero = abs(value) <= TOLERANCE
    stalled = 0
    above, below = 0.0, 0.0
    for _ in range(80 + 8 * (n_walls + d)):
        edge = descending(target, edges, active, slopes, sign, stalled > 2 * d + 6)
        value = sign * height(target, vertex)
        if edge < 0:
            if started_at_zero and value <= TOLERANCE:
                # Nothing below on this way; the other way from here.
                started_at_zero = False
                sign = -sign
                continue
            break
        slope = slopes[edge]
        blocker, step = blocking(vertex, edges, active, walls, kept, n_walls, edge)
        if blocker < 0:
            break
        state.split[slot, AGE] += 1
        end = value + slope * step
        if end < -TOLERANCE:
            start = max(value, 0.0)
            for k in range(d):
                here = vertex[k]
                there = here + step * edges[edge, k]
                state.point[k] = here if sign > 0.0 else there
                state.opposite[k] = there if sign > 0.0 else here
            if sign > 0.0:
                above, below = start, end
            else:
                above, below = -end, -start
            step_along(vertex, edges[edge], start / -slope)
            enter(edges, active, walls, edge, function)
            return CROSSED, above, below
        stalled = stalled + 1 if -slope * step < 1e-14 else 0
        step_along(vertex, edges[edge], step)
        enter(edges, active, walls, edge, blocker)
    return (POSITIVE_ONLY if sign > 0.0 else NEGATIVE_ONLY), above, below


@strict_kernel
def refresh(state, slot):
    """Edges and vertex computed anew from the active functions, if many pivots made them.

    Gauss-Jordan elimination in place of the edges, with a copy of nothing: the last slot's edges
    serve as scratch. Leaves all as it is where the functions look dependent.
    """
    if state.split[slot, AGE] < _STALE:
        return
    state.split[slot, AGE] = 0
    d = state.vertex.shape[1]
    spare = state.edges.shape[0] - 1
    if slot == spare:
        return
    work = state.edges[spare]
    # Newton's iteration for the inverse: E <- E (2 I - N E), N the gradients (Schulz 1933). Two
    # steps square the error twice; cheaper to write than an elimination, and as good here.
    for _ in range(2):
        for i in range(d):
            for j in range(d):
                # The slope of active function i along edge j.
                value = slope_of(state, slot, state.active[slot, i], j)
                work[i, j] = (2.0 if i == j else 0.0) - value
        for k in range(d):
            for j in range(d):
                total = 0.0
                for i in range(d):
                    total += state.edges[slot, i, k] * work[i, j]
                state.slopes[j] = total
            for j in range(d):
                state.edges[slot, j, k] = state.slopes[j]
    for i in range(d):
        function = state.active[slot, i]
        state.slopes[i] = -room_of(state, slot, function)
    for i in range(d):
        for k in range(d):
            state.vertex[slot, k] += state.slopes[i] * state.edges[slot, i, k]


@strict_kernel
def slope_of(state, slot, function, edge):
    """How fast a function changes along an edge."""
    d = state.vertex.shape[1]
    if function < 2 * d:
        c = function % d
        return state.edges[slot, edge, c] if function < d else -state.edges[slot, edge, c]
    slope = 0.0
    for k in range(d):
        slope += state.walls[function - 2 * d, k + 1] * state.edges[slot, edge, k]
    return slope


@strict_kernel
def room_of(state, slot, function):
    """A function's value at the vertex."""
    d = state.vertex.shape[1]
    if function < 2 * d:
        t = state.vertex[slot, function % d]
        return 1.0 + t if function < d else 1.0 - t
    value = state.walls[function - 2 * d, 0]
    for k in range(d):
        value += state.walls[function - 2 * d, k + 1] * state.vertex[slot, k]
    return value


@strict_entry
def impose(state, wall):
    """Bring the vertex of slot 0 to the side of a domain's inequality, and let it keep to it."""
    d = state.vertex.shape[1]
    for k in range(d + 1):
        state.target[k] = state.walls[wall, k]
    if height(state.target, state.vertex[0]) < 0.0:
        cross(state, 0, wall, 2 * d + wall)
    state.in_geometry[wall] = 1
