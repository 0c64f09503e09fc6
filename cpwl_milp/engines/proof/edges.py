"""A vertex of a cell in float64 and the edges from there: one step of the simplex method.

Edges stand in columns, padded to whole vectors: ``edges[k, j]`` is coordinate k of edge j. Along it
only the function of ``active[j]`` changes, with slope 1. The walls are read by columns, too.
Nothing is concluded from what is found here.
"""

from __future__ import annotations

from cpwl_milp.engines.lanes import (
    filled,
    least_lane,
    load,
    plus_product,
    quotient,
    store,
    where_above,
)
from cpwl_milp.engines.proof.strict import strict_inline

# Targets and walls are of order one.
_LEAST_SLOPE = 1e-12
_TIE = 1e-13
_FAR = 1e300

# Rows of the work space.
WAY, LENGTHS, FALLS, STEPS, N_WORK = range(5)


@strict_inline
def height(target, vertex):
    """A function's value at a vertex."""
    value = target[0]
    for k in range(vertex.shape[0]):
        value += target[k + 1] * vertex[k]
    return value


@strict_inline
def find_slopes(target, edges, slopes, work):
    """How fast a function changes along each edge; `work[LENGTHS]` gets the edges' squares."""
    d, padded = edges.shape
    for j in range(0, d, 8):
        total, square = filled(0.0), filled(0.0)
        for k in range(d):
            edge = load(edges, k * padded + j)
            total = plus_product(total, edge, filled(target[k + 1]))
            square = plus_product(square, edge, edge)
        store(slopes, j, total)
        store(work, LENGTHS * work.shape[1] + j, square)


@strict_inline
def steepest(slopes, active, work, sign, bland):
    """The edge along which the function times `sign` falls the most, -1 if none."""
    best, most, square = -1, _LEAST_SLOPE * _LEAST_SLOPE, 1.0
    for j in range(active.shape[0]):
        slope = sign * slopes[j]
        own = slope * slope if slope < 0.0 else 0.0
        if bland:
            steep = own > _LEAST_SLOPE * _LEAST_SLOPE * work[LENGTHS, j]
            if steep and (best < 0 or active[j] < active[best]):
                best = j
        elif own * square > most * work[LENGTHS, j]:
            best, most, square = j, own, work[LENGTHS, j]
    return best


@strict_inline
def blocking(vertex, edges, active, columns, kept, n_walls, work, edge):
    """The function that an edge reaches first, and after which step; (-1, 0) if none.

    `work[WAY]` gets the edge.
    """
    d = vertex.shape[0]
    capacity = columns.shape[1]
    length = 0.0
    for k in range(d):
        work[WAY, k] = edges[k, edge]
        length = max(length, abs(work[WAY, k]))
    least = _LEAST_SLOPE * length
    best, shortest, best_slope = -1, _FAR, 0.0
    for c in range(d):
        slope = work[WAY, c]
        size = abs(slope)
        room = max(1.0 - vertex[c] if slope > 0.0 else 1.0 + vertex[c], 0.0)
        if room < shortest * size and size > least:
            best, shortest, best_slope = (d + c if slope > 0.0 else c), room / size, size
    if n_walls > 0:
        nearest = filled(_FAR)
        zero, limit = filled(0.0), filled(least)
        for w in range(0, n_walls, 8):
            fall, room = filled(0.0), load(columns, w)
            for k in range(d):
                column = load(columns, (k + 1) * capacity + w)
                fall = plus_product(fall, column, filled(-work[WAY, k]))
                room = plus_product(room, column, filled(vertex[k]))
            fall = plus_product(zero, fall, load(kept, w))
            step = quotient(where_above(room, zero, room, zero), fall)
            step = where_above(fall, limit, step, filled(_FAR))
            nearest = where_above(nearest, step, step, nearest)
            store(work, FALLS * work.shape[1] + w, fall)
            store(work, STEPS * work.shape[1] + w, step)
        tie = _TIE * length
        first = least_lane(nearest)
        if first <= shortest + tie:
            if first < shortest - tie:
                best_slope = 0.0
            shortest = min(first, shortest)
            for w in range(n_walls):
                if work[STEPS, w] <= shortest + tie and work[FALLS, w] > best_slope:
                    best, best_slope = 2 * d + w, work[FALLS, w]
    for j in range(d):
        if active[j] == best and j != edge:
            # Rounding: an active function does not change along this edge.
            return -1, 0.0
    return best, shortest


@strict_inline
def step_along(vertex, work, step):
    """Move a vertex along the edge in `work[WAY]`."""
    for k in range(vertex.shape[0]):
        vertex[k] += step * work[WAY, k]


@strict_inline
def enter(edges, active, walls, work, edge, function):
    """A function becomes active in place of that of an edge, at a vertex where it is 0.

    The edge is in `work[WAY]`.
    """
    d, padded = edges.shape
    wall = max(0, function - 2 * d)
    c = function % d
    pivot = 0.0
    if function < 2 * d:
        pivot = work[WAY, c] if function < d else -work[WAY, c]
    else:
        for k in range(d):
            pivot += walls[wall, k + 1] * work[WAY, k]
    inverse = 1.0 / pivot
    for k in range(d):
        work[WAY, k] *= inverse
    for j in range(0, d, 8):
        slope = filled(0.0)
        if function < 2 * d:
            slope = plus_product(
                slope, load(edges, c * padded + j), filled(1.0 if function < d else -1.0)
            )
        else:
            for k in range(d):
                slope = plus_product(slope, load(edges, k * padded + j), filled(walls[wall, k + 1]))
        for k in range(d):
            edge_k = plus_product(load(edges, k * padded + j), slope, filled(-work[WAY, k]))
            store(edges, k * padded + j, edge_k)
    for k in range(d):
        edges[k, edge] = work[WAY, k]
    active[edge] = function
