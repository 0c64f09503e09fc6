"""Cutting a cell in two by the zero set of one open unit.

A cell is a run of vertices on the stack, each with its coordinates and the heights z of the open
units. A cut writes both children to the top of the stack: first the one of bit 1, then, above it,
the one of bit 0. New vertices lie on the edges that join the two sides; along an edge every height
is affine, so all are interpolated alike.

Cost: O(k) in the plane, where vertices are kept in order; O(k^2) pairs beyond, where an edge is a
pair of vertices with d - 1 facets in common (and no third vertex on all of them).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cpwl_milp.engines.cells.state import BEGIN, END, FACETS, MAX_FACETS, N_OPEN, TOP

# Outcomes of `cut_cell`.
CUT = 0
FULL_STACK = 1
TOO_MANY_FACETS = 2


@njit(cache=True, nogil=True)
def cut_cell(state, column, tolerance):
    """Cut the cell at hand by its open unit `column`.

    Returns
    -------
    outcome : int
        CUT, FULL_STACK (nothing is written) or TOO_MANY_FACETS.
    middle : int
        Where bit 1's vertices end and bit 0's begin; bit 1's begin at the old top of the stack.
    """
    at = state.at
    k = at[END] - at[BEGIN]
    d = state.points.shape[1]
    # Each side gets at most its own vertices and one new vertex an edge that is cut.
    most = 2 * (k + 2) if d == 2 else 2 * (k + (k * k) // 4)
    if at[TOP] + most > state.points.shape[0]:
        return FULL_STACK, 0
    if d == 2:
        return CUT, _cut_polygon(state, column, tolerance)
    if at[FACETS] == MAX_FACETS and not _renumber(state):
        return TOO_MANY_FACETS, 0
    return CUT, _cut_polytope(state, column, tolerance)


@njit(cache=True, nogil=True)
def _copy(state, source, target):
    for c in range(state.points.shape[1]):
        state.points[target, c] = state.points[source, c]
    for j in range(state.at[N_OPEN]):
        state.heights[target, j] = state.heights[source, j]
    state.facets[target] = state.facets[source]


@njit(cache=True, nogil=True)
def _between(state, a, b, column, target):
    """Put the point of the edge a-b where the unit is zero at `target`."""
    share = state.heights[a, column] / (state.heights[a, column] - state.heights[b, column])
    for c in range(state.points.shape[1]):
        low = state.points[a, c]
        state.points[target, c] = low + share * (state.points[b, c] - low)
    for j in range(state.at[N_OPEN]):
        low = state.heights[a, j]
        state.heights[target, j] = low + share * (state.heights[b, j] - low)
    state.heights[target, column] = 0.0


@njit(cache=True, nogil=True)
def _cut_polygon(state, column, tolerance):
    begin, end = state.at[BEGIN], state.at[END]
    top = state.at[TOP]
    place = top
    for side in range(2):
        if side == 1:
            middle = place
        sign = 1.0 if side == 0 else -1.0
        for v in range(begin, end):
            after = v + 1 if v + 1 < end else begin
            here = sign * state.heights[v, column]
            there = sign * state.heights[after, column]
            if here >= -tolerance:
                _copy(state, v, place)
                place += 1
            if (here > tolerance and there < -tolerance) or (
                here < -tolerance and there > tolerance
            ):
                # Always from the positive end, so that both sides get the same point.
                if state.heights[v, column] > 0.0:
                    _between(state, v, after, column, place)
                else:
                    _between(state, after, v, column, place)
                place += 1
    state.at[TOP] = place
    return middle


@njit(cache=True, nogil=True)
def _cut_polytope(state, column, tolerance):
    at = state.at
    begin, end = at[BEGIN], at[END]
    facet = np.uint64(1) << np.uint64(at[FACETS])
    at[FACETS] += 1
    d = state.points.shape[1]
    place = at[TOP]
    for v in range(begin, end):
        if state.heights[v, column] >= -tolerance:
            _copy(state, v, place)
            if state.heights[v, column] <= tolerance:
                state.facets[place] |= facet
            place += 1
    first_new = place
    for u in range(begin, end):
        if state.heights[u, column] > tolerance:
            for v in range(begin, end):
                if state.heights[v, column] < -tolerance:
                    common = state.facets[u] & state.facets[v]
                    if _count(common) >= d - 1 and _is_edge(state, begin, end, u, v, common):
                        _between(state, u, v, column, place)
                        state.facets[place] = common | facet
                        place += 1
    middle = place
    for v in range(first_new, middle):
        _copy(state, v, place)
        place += 1
    for v in range(begin, end):
        if state.heights[v, column] <= tolerance:
            _copy(state, v, place)
            if state.heights[v, column] >= -tolerance:
                state.facets[place] |= facet
            place += 1
    at[TOP] = place
    return middle


@njit(cache=True, nogil=True)
def _is_edge(state, begin, end, u, v, common):
    """Whether no third vertex lies on all facets that u and v share."""
    for w in range(begin, end):
        if w != u and w != v and state.facets[w] & common == common:
            return False
    return True


@njit(cache=True, nogil=True)
def _count(mask):
    """Number of bits (the SWAR population count)."""
    mask = mask - ((mask >> np.uint64(1)) & np.uint64(0x5555555555555555))
    mask = (mask & np.uint64(0x3333333333333333)) + (
        (mask >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    mask = (mask + (mask >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((mask * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True, nogil=True)
def _renumber(state):
    """Give the facets of the cell at hand the lowest ids; False if there is no id to spare."""
    begin, end = state.at[BEGIN], state.at[END]
    used = np.uint64(0)
    for v in range(begin, end):
        used |= state.facets[v]
    n = _count(used)
    if n >= MAX_FACETS:
        return False
    for v in range(begin, end):
        mask = np.uint64(0)
        target = np.uint64(0)
        for bit in range(MAX_FACETS):
            one = np.uint64(1) << np.uint64(bit)
            if used & one:
                if state.facets[v] & one:
                    mask |= np.uint64(1) << target
                target += np.uint64(1)
        state.facets[v] = mask
    state.at[FACETS] = n
    return True
