"""The depth-first search over units in layer order, on cells that carry their vertices.

The same search as the tree engine's, with the linear programme replaced by a look at the vertices:
a unit cuts a cell iff its z takes both signs on them. All units of a layer are tested at once when
a cell enters it (entering.py); only those that cut are looked at again inside.
"""

from __future__ import annotations

from cpwl_milp.engines.cells.clip import CUT, FULL_STACK, cut_cell
from cpwl_milp.engines.cells.entering import CLOSE_CALL, EXCLUDED, enter_layer
from cpwl_milp.engines.cells.layout import CAREFUL
from cpwl_milp.engines.cells.state import (
    BEGIN,
    CENTRES,
    CLOSE_CALLS,
    CORNERS,
    COUNTED,
    CUTS,
    EMITTED,
    END,
    ENTERED,
    FACETS,
    L_BEGIN,
    L_END,
    L_FACETS,
    L_LAYER,
    L_OPEN,
    L_PENDING,
    L_UNIT,
    LAYER,
    LEVELS,
    N_OPEN,
    NAMED,
    OPEN,
    SHAPES,
    TESTS,
    TOP,
)
from cpwl_milp.engines.compiled import entry_kernel, inlined_kernel, kernel
from cpwl_milp.engines.descent import DONE, NEEDS_SPACE, PARKED, PAUSED, STUCK, THIN


@entry_kernel
def search(layout, state, quota, detail, backtrack_first):
    """Search on until done, the quota of tests is spent, or something comes up.

    Parameters
    ----------
    quota : int
        Tests of a unit on a cell after which to pause.
    detail : int
        PATTERNS, CENTRES or SHAPES.
    backtrack_first : bool
        Leave the current cell (it was parked or is stuck) and go on with the next.
    """
    # Taken out of the tuple once: handing the whole tuple to a function costs more than most
    # functions here do.
    at, bits, fixed, counters, levels = (
        state.at,
        state.bits,
        state.fixed,
        state.counters,
        state.levels,
    )
    points, heights, facets, labels = state.points, state.heights, state.facets, state.labels
    open_unit, open_tolerance = state.open_unit, state.open_tolerance
    n_layers = layout.offsets.shape[0] - 1
    last_tests = counters[TESTS] + quota
    # Shapes are for the eye: all other searches give away the cells that they do not hold well.
    careful = detail != SHAPES
    if backtrack_first and not backtrack(state, detail):
        return DONE
    while True:
        layer = at[LAYER]
        if at[ENTERED] == 0:
            if counters[TESTS] >= last_tests:
                return PAUSED
            if at[TOP] + at[END] - at[BEGIN] > points.shape[0]:
                return NEEDS_SPACE
            outcome = enter_layer(layout, state, layer, CAREFUL if careful else 1.0)
            if outcome == CLOSE_CALL:
                counters[CLOSE_CALLS] += 1
                return THIN
            if outcome == EXCLUDED:
                if not backtrack(state, detail):
                    return DONE
                continue
        column = at[OPEN]
        if column == at[N_OPEN]:
            if layer >= at[COUNTED]:
                if state.prefix_left[layer] == 0:
                    return PARKED
                if layer == n_layers - 1 and (
                    at[EMITTED] == state.patterns.shape[0]
                    or (
                        detail == SHAPES
                        and at[CORNERS] + at[END] - at[BEGIN] > state.corners.shape[0]
                    )
                ):
                    return PAUSED
                state.prefix_left[layer] -= 1
                state.prefix_counts[layer] += 1
            pack_bits(state.packed, bits, layout.offsets[layer], layout.offsets[layer + 1])
            if layer < n_layers - 1:
                at[LAYER] += 1
                at[ENTERED] = 0
                continue
            place = at[EMITTED]
            for byte in range(state.packed.shape[0]):
                state.patterns[place, byte] = state.packed[byte]
            if detail == CENTRES:
                centre(points, at[BEGIN], at[END], state.centres[place])
            elif detail == SHAPES:
                hand_out(
                    points,
                    facets,
                    labels,
                    at,
                    state.corners,
                    state.corner_facets,
                    state.corner_end,
                    state.facet_labels,
                    place,
                )
            at[EMITTED] = place + 1
            if not backtrack(state, detail):
                return DONE
            continue
        unit = open_unit[layer, column]
        tolerance = open_tolerance[layer, column]
        low = high = heights[at[BEGIN], column]
        least = abs(low)
        for v in range(at[BEGIN] + 1, at[END]):
            low = min(low, heights[v, column])
            high = max(high, heights[v, column])
            least = min(least, abs(heights[v, column]))
        counters[TESTS] += 1
        if careful and least <= tolerance:
            # At this vertex the unit may be zero, whether it cuts or not.
            counters[CLOSE_CALLS] += 1
            return THIN
        if low >= -tolerance or high <= tolerance:
            bit = 1 if high > tolerance else 0
            if fixed[unit] >= 0 and fixed[unit] != bit:
                if not backtrack(state, detail):
                    return DONE
                continue
            bits[unit] = bit
            at[OPEN] = column + 1
            continue
        top = at[TOP]
        if detail == SHAPES and at[NAMED] == state.cut_unit.shape[0]:
            return PAUSED
        outcome, middle = cut_cell(
            at, points, heights, facets, labels, state.below, column, tolerance
        )
        if outcome != CUT:
            return NEEDS_SPACE if outcome == FULL_STACK else STUCK
        if detail == SHAPES:
            state.cut_unit[at[NAMED]] = unit
            at[NAMED] += 1
            labels[at[FACETS] - 1] = 2 * points.shape[1] + counters[CUTS]
        counters[CUTS] += 1
        bit = fixed[unit]
        if bit < 0:
            bit = 0
            level = levels[at[LEVELS]]
            level[L_UNIT], level[L_LAYER], level[L_OPEN] = unit, layer, column + 1
            level[L_BEGIN], level[L_END], level[L_FACETS] = top, middle, at[FACETS]
            level[L_PENDING] = 1
            if detail == SHAPES:
                for facet in range(at[FACETS]):
                    state.level_labels[at[LEVELS], facet] = labels[facet]
            at[LEVELS] += 1
        bits[unit] = bit
        at[OPEN] = column + 1
        if bit == 0:
            at[BEGIN], at[END] = middle, at[TOP]
        else:
            at[BEGIN], at[END], at[TOP] = top, middle, middle


@inlined_kernel
def backtrack(state, detail):
    """Go to the latest sibling still to come; False if there is none."""
    at, levels, bits, n_opened = state.at, state.levels, state.bits, state.n_opened
    while at[LEVELS] > 0:
        level = levels[at[LEVELS] - 1]
        if level[L_PENDING] == 0:
            at[LEVELS] -= 1
            continue
        level[L_PENDING] = 0
        bits[level[L_UNIT]] = 1
        at[LAYER] = level[L_LAYER]
        at[OPEN] = level[L_OPEN]
        at[N_OPEN] = n_opened[level[L_LAYER]]
        at[BEGIN] = level[L_BEGIN]
        at[END] = at[TOP] = level[L_END]
        at[FACETS] = level[L_FACETS]
        if detail == SHAPES:
            for facet in range(at[FACETS]):
                state.labels[facet] = state.level_labels[at[LEVELS] - 1, facet]
        at[ENTERED] = 1
        return True
    return False


@inlined_kernel
def centre(points, begin, end, target):
    """The mean of the cell's vertices, an interior point."""
    for c in range(target.shape[0]):
        total = 0.0
        for v in range(begin, end):
            total += points[v, c]
        target[c] = total / (end - begin)


@kernel
def hand_out(points, facets, labels, at, corners, corner_facets, corner_end, facet_labels, place):
    """Write the cell's vertices behind those before them, and what its facets are."""
    corner = at[CORNERS]
    for v in range(at[BEGIN], at[END]):
        for c in range(points.shape[1]):
            corners[corner, c] = points[v, c]
        corner_facets[corner] = facets[v]
        corner += 1
    at[CORNERS] = corner_end[place] = corner
    for facet in range(at[FACETS]):
        facet_labels[place, facet] = labels[facet]


@inlined_kernel
def pack_bits(packed, bits, first, last):
    """Write the bits first..last into the packed pattern."""
    unit = first
    while unit < last:
        byte = unit >> 3
        shift = unit & 7
        if shift == 0 and unit + 8 <= last:
            value = 0
            for k in range(8):
                value |= bits[unit + k] << k
            packed[byte] = value
            unit += 8
        else:
            packed[byte] = (packed[byte] & ~(1 << shift)) | (bits[unit] << shift)
            unit += 1
