"""What all units of a layer do on a cell that enters it."""

from __future__ import annotations

from cpwl_milp.engines.cells.layout import LEAST_TOLERANCE
from cpwl_milp.engines.cells.maps import enter_maps
from cpwl_milp.engines.cells.state import (
    BEGIN,
    END,
    ENTERED,
    N_OPEN,
    OPEN,
    TESTS,
    TOP,
)
from cpwl_milp.engines.compiled import inlined_kernel
from cpwl_milp.engines.lanes import N_LANES, least, load, most, plus_scaled, store

# Outcomes of `enter_layer`.
EXCLUDED = 0  # the cube asks for a side that this cell does not have
ENTERS = 1
CLOSE_CALL = 2  # a unit has a zero, or nearly so, without cutting


@inlined_kernel
def enter_layer(layout, state, layer, widening):
    """Evaluate all units of a layer on the cell's vertices: ENTERS, EXCLUDED or CLOSE_CALL.

    `widening` is how much wider than the tolerance of rounding that of the units is to be; at 1,
    what lies within it is taken as zero and no CLOSE_CALL is made.
    Constant units get their bit; the heights of the open ones are written beside a copy of the
    vertices at the top of the stack, which becomes the cell at hand.
    """
    at, bits, fixed = state.at, state.bits, state.fixed
    enter_maps(layout, state.maps, state.stamps, state.map_bits, bits, at, state.counters, layer)
    first, last = layout.first_row[layer], layout.first_row[layer + 1]
    begin, end = at[BEGIN], at[END]
    ranges(state.points, begin, end, state.maps, first, last, state.lowest, state.highest)
    # Of one type from the start (a literal 0 is another, and compiled for apart).
    n_open = 0 * first
    for i in range(last - first):
        low, high = state.lowest[i], state.highest[i]
        unit = layout.unit_of_row[first + i]
        bit = 1 if high > 0.0 else 0
        if low <= layout.clear[first + i] and high >= -layout.clear[first + i]:
            # Both signs, or too close to zero to tell at a glance.
            if unit < 0:
                continue
            bit = layout.stable[unit]
            if bit < 0:
                tolerance = unit_tolerance(state.maps, first + i, layout.tolerance[first + i])
                tolerance *= widening
                if high > tolerance and low < -tolerance:
                    state.open_unit[layer, n_open] = unit
                    state.open_row[layer, n_open] = first + i
                    state.open_tolerance[layer, n_open] = tolerance
                    n_open += 1
                    continue
                if widening > 1.0 and low <= tolerance and high >= -tolerance:
                    return CLOSE_CALL
                bit = 1 if high > tolerance else 0
        if unit >= 0:
            if fixed[unit] >= 0 and fixed[unit] != bit:
                return EXCLUDED
            bits[unit] = bit
    state.counters[TESTS] += last - first
    lift(state, layer, n_open)
    at[OPEN] = 0
    at[N_OPEN] = state.n_opened[layer] = n_open
    at[ENTERED] = 1
    return ENTERS


@inlined_kernel
def lift(state, layer, n_open):
    """Copy the cell to the top of the stack, with the heights of the layer's open units."""
    at = state.at
    points, heights, maps = state.points, state.heights, state.maps
    d = points.shape[1]
    begin, end, top = at[BEGIN], at[END], at[TOP]
    for v in range(begin, end):
        target = top + v - begin
        for c in range(d):
            points[target, c] = points[v, c]
        state.facets[target] = state.facets[v]
        for j in range(n_open):
            row = state.open_row[layer, j]
            z = maps[0, row]
            for c in range(d):
                z += points[v, c] * maps[c + 1, row]
            heights[target, j] = z
    at[BEGIN] = top
    at[END] = at[TOP] = top + end - begin


@inlined_kernel
def ranges(points, begin, end, maps, first, last, lowest, highest):
    """Least and greatest z of the rows first..last over the vertices begin..end.

    `maps` is ``[q; P^T]``, (d + 1, n_rows + 8): a row of it is contiguous over units, so that the
    cost, k n d, is in vector instructions.
    """
    stride = maps.shape[1]
    flat = maps.reshape(maps.size)
    for i in range(first, last, N_LANES):
        q = load(flat, i)
        low = high = q
        for v in range(begin, end):
            z = q
            for c in range(points.shape[1]):
                z = plus_scaled(z, load(flat, (c + 1) * stride + i), points[v, c])
            if v == begin:
                low = high = z
            else:
                low = least(low, z)
                high = most(high, z)
        store(lowest, i - first, low)
        store(highest, i - first, high)


@inlined_kernel
def unit_tolerance(maps, row, of_terms):
    """Below this, z of a row is rounding: of its terms, or of the distance in the unit box."""
    square = 0.0
    for c in range(1, maps.shape[0]):
        square += maps[c, row] ** 2
    return max(of_terms, LEAST_TOLERANCE * square**0.5)
