"""The depth-first search over units in layer order, on cells that carry their vertices.

The same search as the tree engine's, with the linear programme replaced by a look at the vertices:
a unit cuts a cell iff its z takes both signs on them. All units of a layer are tested at once when
a cell enters it; only those that cut are looked at again inside.
"""

from __future__ import annotations

from numba import njit

from cpwl_milp.engines.cells.clip import CUT, FULL_STACK, cut_cell
from cpwl_milp.engines.cells.maps import enter_maps
from cpwl_milp.engines.cells.state import (
    BEGIN,
    COUNTED,
    CUTS,
    EMITTED,
    END,
    ENTERED,
    FACETS,
    LAYER,
    LEVELS,
    N_OPEN,
    OPEN,
    TESTS,
    TIES,
    TOP,
)
from cpwl_milp.engines.descent import DONE, NEEDS_SPACE, PARKED, PAUSED, STUCK

# Rows of unit norm in the unit box: below this, distances are rounding.
LEAST_TOLERANCE = 1e-11


@njit(cache=True, nogil=True)
def search(layout, state, quota, with_points, backtrack_first):
    """Search on until done, the quota of tests is spent, or something comes up.

    Parameters
    ----------
    quota : int
        Tests of a unit on a cell after which to pause.
    with_points : bool
        Whether to find an interior point of every region.
    backtrack_first : bool
        Leave the current cell (it was parked or is stuck) and go on with the next.
    """
    at = state.at
    n_layers = layout.offsets.shape[0] - 1
    last_tests = state.counters[TESTS] + quota
    if backtrack_first and not backtrack(state):
        return DONE
    while True:
        layer = at[LAYER]
        if at[ENTERED] == 0:
            if state.counters[TESTS] >= last_tests:
                return PAUSED
            if at[TOP] + at[END] - at[BEGIN] > state.points.shape[0]:
                return NEEDS_SPACE
            if not enter_layer(layout, state, layer):
                # The cube asks for a side that this cell does not have: nothing there.
                if not backtrack(state):
                    return DONE
                continue
        if at[OPEN] == at[N_OPEN]:
            if layer >= at[COUNTED]:
                if state.prefix_left[layer] == 0:
                    return PARKED
                if layer == n_layers - 1 and at[EMITTED] == state.patterns.shape[0]:
                    return PAUSED
                state.prefix_left[layer] -= 1
                state.prefix_counts[layer] += 1
            pack_layer(layout, state, layer)
            if layer == n_layers - 1:
                state.patterns[at[EMITTED]] = state.packed
                if with_points:
                    centre(state, state.centres[at[EMITTED]])
                at[EMITTED] += 1
                if not backtrack(state):
                    return DONE
            else:
                at[LAYER] += 1
                at[ENTERED] = 0
            continue
        status = look_at_unit(state, layer)
        if status in (STUCK, NEEDS_SPACE):
            return status
        if status == DONE and not backtrack(state):
            return DONE


@njit(cache=True, nogil=True)
def enter_layer(layout, state, layer):
    """Evaluate all units of a layer on the cell's vertices; False if the cube excludes the cell.

    Constant units get their bit; the heights of the open ones are written beside a copy of the
    vertices at the top of the stack, which becomes the cell at hand.
    """
    at = state.at
    enter_maps(layout, state, layer)
    first, last = layout.first_row[layer], layout.first_row[layer + 1]
    n = last - first
    d = state.points.shape[1]
    begin, end = at[BEGIN], at[END]
    low, high = state.lowest, state.highest
    scratch = state.scratch
    for v in range(begin, end):
        for i in range(n):
            scratch[i] = state.maps[0, first + i]
        for c in range(d):
            x = state.points[v, c]
            row = state.maps[c + 1, first:last]
            for i in range(n):
                scratch[i] += x * row[i]
        if v == begin:
            for i in range(n):
                low[i] = scratch[i]
                high[i] = scratch[i]
        else:
            for i in range(n):
                low[i] = min(low[i], scratch[i])
                high[i] = max(high[i], scratch[i])
    n_open = 0
    for i in range(n):
        unit = layout.unit_of_row[first + i]
        if unit < 0:
            continue
        bit = layout.stable[unit]
        if bit < 0:
            tolerance = unit_tolerance(layout, state, first + i)
            if high[i] > tolerance and low[i] < -tolerance:
                state.open_unit[layer, n_open] = unit
                state.open_row[layer, n_open] = first + i
                state.open_tolerance[layer, n_open] = tolerance
                n_open += 1
                continue
            bit = 1 if high[i] > tolerance else 0
            if min(abs(low[i]), abs(high[i])) <= tolerance:
                state.counters[TIES] += 1
        if state.fixed[unit] >= 0 and state.fixed[unit] != bit:
            return False
        state.bits[unit] = bit
    state.counters[TESTS] += n
    top = at[TOP]
    for v in range(begin, end):
        target = top + v - begin
        for c in range(d):
            state.points[target, c] = state.points[v, c]
        state.facets[target] = state.facets[v]
        for j in range(n_open):
            row = state.open_row[layer, j]
            z = state.maps[0, row]
            for c in range(d):
                z += state.points[v, c] * state.maps[c + 1, row]
            state.heights[target, j] = z
    at[BEGIN] = top
    at[END] = at[TOP] = top + end - begin
    at[OPEN] = 0
    at[N_OPEN] = state.n_opened[layer] = n_open
    at[ENTERED] = 1
    return True


@njit(cache=True, nogil=True)
def unit_tolerance(layout, state, row):
    """Below this, z of a row is rounding: of its terms, or of the distance in the unit box."""
    square = 0.0
    for c in range(1, state.maps.shape[0]):
        square += state.maps[c, row] ** 2
    return max(layout.tolerance[row], LEAST_TOLERANCE * square**0.5)


@njit(cache=True, nogil=True)
def look_at_unit(state, layer):
    """Settle the next open unit on the cell at hand: its bit, or a cut and into a child.

    Returns PAUSED to go on, DONE if the cube excludes the cell, NEEDS_SPACE or STUCK.
    """
    at = state.at
    column = at[OPEN]
    unit = state.open_unit[layer, column]
    tolerance = state.open_tolerance[layer, column]
    negative = positive = False
    for v in range(at[BEGIN], at[END]):
        z = state.heights[v, column]
        negative |= z < -tolerance
        positive |= z > tolerance
    state.counters[TESTS] += 1
    if not (negative and positive):
        bit = 1 if positive else 0
        if state.fixed[unit] >= 0 and state.fixed[unit] != bit:
            return DONE
        state.bits[unit] = bit
        at[OPEN] += 1
        return PAUSED
    top = at[TOP]
    outcome, middle = cut_cell(state, column, tolerance)
    if outcome == FULL_STACK:
        return NEEDS_SPACE
    if outcome != CUT:
        return STUCK
    state.counters[CUTS] += 1
    bit = state.fixed[unit]
    if bit < 0:
        bit = 0
        level = at[LEVELS]
        state.level_unit[level] = unit
        state.level_layer[level] = layer
        state.level_open[level] = column + 1
        state.level_begin[level] = top
        state.level_end[level] = middle
        state.level_facets[level] = at[FACETS]
        state.level_pending[level] = 1
        at[LEVELS] = level + 1
    state.bits[unit] = bit
    at[OPEN] = column + 1
    if bit == 0:
        at[BEGIN], at[END] = middle, at[TOP]
    else:
        at[BEGIN], at[END], at[TOP] = top, middle, middle
    return PAUSED


@njit(cache=True, nogil=True)
def backtrack(state):
    """Go to the latest sibling still to come; False if there is none."""
    at = state.at
    while at[LEVELS] > 0:
        level = at[LEVELS] - 1
        if state.level_pending[level] == 0:
            at[LEVELS] = level
            continue
        state.level_pending[level] = 0
        layer = state.level_layer[level]
        state.bits[state.level_unit[level]] = 1
        at[LAYER] = layer
        at[OPEN] = state.level_open[level]
        at[N_OPEN] = state.n_opened[layer]
        at[BEGIN] = state.level_begin[level]
        at[END] = at[TOP] = state.level_end[level]
        at[FACETS] = state.level_facets[level]
        at[ENTERED] = 1
        return True
    return False


@njit(cache=True, nogil=True)
def centre(state, target):
    """The mean of the cell's vertices, an interior point."""
    begin, end = state.at[BEGIN], state.at[END]
    target[:] = 0.0
    for v in range(begin, end):
        for c in range(target.shape[0]):
            target[c] += state.points[v, c] / (end - begin)


@njit(cache=True, nogil=True)
def pack_layer(layout, state, layer):
    """Write the bits of a layer into the packed pattern."""
    for unit in range(layout.offsets[layer], layout.offsets[layer + 1]):
        byte = unit >> 3
        shift = unit & 7
        state.packed[byte] = (state.packed[byte] & ~(1 << shift)) | (state.bits[unit] << shift)
