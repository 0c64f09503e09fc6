"""Cutting a cell in two by the zero set of one open unit.

A cell is a run of vertices on the stack, each with its coordinates and the heights z of the open
units. A cut writes both children to the top of the stack: first the one of bit 1, then, above it,
the one of bit 0. New vertices lie on the edges that join the two sides; along an edge every height
is affine, so all are interpolated alike.

Cost: O(k^2): an edge is a pair of vertices with d - 1 facets in common (and no third vertex on all
of them).
"""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.cells.state import BEGIN, END, FACETS, MAX_FACETS, N_OPEN, TOP
from cpwl_milp.engines.compiled import inlined_kernel, kernel

# Outcomes of `cut_cell`.
CUT = 0
FULL_STACK = 1
TOO_MANY_FACETS = 2

_ONE = np.uint64(1)


@inlined_kernel
def cut_cell(at, points, heights, facets, labels, below, column, tolerance):
    """Cut the cell at hand by its open unit `column`.

    Returns
    -------
    outcome : int
        CUT, FULL_STACK (nothing is written) or TOO_MANY_FACETS.
    middle : int
        Where bit 1's vertices end and bit 0's begin; bit 1's begin at the old top of the stack.
    """
    begin, end, top, last = at[BEGIN], at[END], at[TOP], at[N_OPEN]
    k = end - begin
    # Each side gets at most its own vertices and one new vertex an edge that is cut.
    most = 2 * (k + (k * k) // 4)
    if top + most > points.shape[0]:
        return FULL_STACK, 0
    if at[FACETS] == MAX_FACETS:
        at[FACETS] = _renumbered(facets[begin:end], labels)
        if at[FACETS] == MAX_FACETS:
            return TOO_MANY_FACETS, 0
    facet = np.uint64(1) << np.uint64(at[FACETS])
    at[FACETS] += 1
    middle, at[TOP] = _cut_polytope(
        points, heights, facets, below, begin, end, top, column, last, tolerance, facet
    )
    return CUT, middle


@inlined_kernel
def _copy(points, heights, source, target, first, last):
    """Copy a vertex with the heights of the open units still to come."""
    for c in range(points.shape[1]):
        points[target, c] = points[source, c]
    for j in range(first, last):
        heights[target, j] = heights[source, j]


@inlined_kernel
def _between(points, heights, a, b, column, target, last):
    """Put the point of the edge a-b where the unit `column` is zero at `target`."""
    share = heights[a, column] / (heights[a, column] - heights[b, column])
    for c in range(points.shape[1]):
        low = points[a, c]
        points[target, c] = low + share * (points[b, c] - low)
    for j in range(column + 1, last):
        low = heights[a, j]
        heights[target, j] = low + share * (heights[b, j] - low)


@inlined_kernel
def _cut_polytope(points, heights, facets, below, begin, end, top, column, last, tolerance, facet):
    """Both children, from `top` on; `facet` is the mask of the new facet.

    Returns where the second begins and ends.
    """
    d = points.shape[1]
    place = top
    simple = True
    n_below = 0
    for v in range(begin, end):
        simple &= _count(facets[v]) == d
        if heights[v, column] >= -tolerance:
            _copy(points, heights, v, place, column + 1, last)
            facets[place] = facets[v]
            if heights[v, column] <= tolerance:
                facets[place] |= facet
            place += 1
        else:
            below[n_below] = v
            n_below += 1
    first_new = place
    for u in range(begin, end):
        if heights[u, column] > tolerance:
            mask = facets[u]
            for k in range(n_below):
                v = below[k]
                if simple:
                    # d facets each: all but one are common iff two bits differ.
                    differ = mask ^ facets[v]
                    differ &= differ - _ONE
                    if differ & (differ - _ONE):
                        continue
                else:
                    common = mask & facets[v]
                    if _count(common) < d - 1 or not _is_edge(facets[begin:end], common):
                        continue
                _between(points, heights, u, v, column, place, last)
                facets[place] = mask & facets[v] | facet
                place += 1
    middle = place
    for v in range(first_new, middle):
        _copy(points, heights, v, place, column + 1, last)
        facets[place] = facets[v]
        place += 1
    for v in range(begin, end):
        if heights[v, column] <= tolerance:
            _copy(points, heights, v, place, column + 1, last)
            facets[place] = facets[v]
            if heights[v, column] >= -tolerance:
                facets[place] |= facet
            place += 1
    return middle, place


@inlined_kernel
def _is_edge(masks, common):
    """Whether no vertex but two lies on all facets in `common`."""
    on_all = 0
    for mask in masks:
        on_all += mask & common == common
    return on_all == 2


@inlined_kernel
def _count(mask):
    """Number of bits (the SWAR population count)."""
    mask = mask - ((mask >> np.uint64(1)) & np.uint64(0x5555555555555555))
    mask = (mask & np.uint64(0x3333333333333333)) + (
        (mask >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    mask = (mask + (mask >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((mask * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def _renumbered(masks, labels):
    """Give the facets of a cell the lowest ids, in place, and their labels with them.

    Returns how many there are.
    """
    used = np.uint64(0)
    for mask in masks:
        used |= mask
    n = _count(used)
    if n == MAX_FACETS:
        return n
    for v in range(masks.shape[0]):
        mask = np.uint64(0)
        target = np.uint64(0)
        for bit in range(MAX_FACETS):
            one = np.uint64(1) << np.uint64(bit)
            if used & one:
                if masks[v] & one:
                    mask |= np.uint64(1) << target
                target += np.uint64(1)
        masks[v] = mask
    place = 0
    for bit in range(MAX_FACETS):
        if used & (np.uint64(1) << np.uint64(bit)):
            labels[place] = labels[bit]
            place += 1
    return n
