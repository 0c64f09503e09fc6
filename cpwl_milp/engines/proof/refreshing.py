"""A vertex and its edges computed anew, after many pivots, from the functions active there."""

from __future__ import annotations

from cpwl_milp.engines.proof.state import AGE
from cpwl_milp.engines.proof.strict import strict_inline, strict_kernel

# Edges are computed anew after so many pivots along a path.
_STALE = 60


@strict_inline
def refresh(state, slot):
    """Edges and vertex computed anew, if many pivots made them."""
    if state.split[slot, AGE] >= _STALE:
        renew(state, slot)


@strict_kernel
def renew(state, slot):
    """Bring edges and vertex of a slot closer to what the active functions say.

    Newton's iteration for the inverse: ``E <- E (2 I - N E)`` with N the gradients (Schulz 1933).
    Two steps square the error twice; the last slot's edges serve as scratch.
    """
    state.split[slot, AGE] = 0
    d = state.vertex.shape[1]
    spare = state.edges.shape[0] - 1
    if slot == spare:
        return
    work = state.edges[spare]
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
                    total += state.edges[slot, k, i] * work[i, j]
                state.slopes[j] = total
            for j in range(d):
                state.edges[slot, k, j] = state.slopes[j]
    for i in range(d):
        state.slopes[i] = -room_of(state, slot, state.active[slot, i])
    for i in range(d):
        for k in range(d):
            state.vertex[slot, k] += state.slopes[i] * state.edges[slot, k, i]


@strict_inline
def slope_of(state, slot, function, edge):
    """How fast a function changes along an edge."""
    d = state.vertex.shape[1]
    if function < 2 * d:
        c = function % d
        return state.edges[slot, c, edge] if function < d else -state.edges[slot, c, edge]
    slope = 0.0
    for k in range(d):
        slope += state.walls[function - 2 * d, k + 1] * state.edges[slot, k, edge]
    return slope


@strict_inline
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
