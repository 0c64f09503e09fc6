"""Entering a block of units: composing a layer's maps, carrying the units in the table."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.ambiguity import IS_POSITIVE, NOT_ASKED, UNSETTLED
from cpwl_milp.engines.compiled import kernel
from cpwl_milp.engines.tree.accuracy import express
from cpwl_milp.engines.tree.state import (
    ASKED,
    BLOCK,
    DOUBTS,
    INVERSE,
    LAYER,
    METRIC,
    OPEN,
    PADDING,
    ROWS,
    STANDING,
    TABLE,
    TIES,
    TOLERANCE,
    UNIT,
)
from cpwl_milp.engines.tree.units import BOTH, CUTS

# Outcomes of `enter`.
STANDS = 0
EMPTY = 1  # the cube asks for a bit that this cell does not have
LACKS_ROWS = 2
ASKS = 3  # some units are constant up to rounding
BEYOND = 4  # one of them cuts the cell nevertheless, exactly

# Instead of a bit: a unit's map varies; is constant up to rounding; waits for an answer.
VARIES = -1
VANISHES = -2
WAITS = -3

# Rows have unit norm and the domain is the unit box: below this, distances are rounding.
LEAST_TOLERANCE = 1e-11


@kernel
def compose(plan, state, layer):
    """Compose the affine maps of a layer's rows for the bits below: ``P = W diag(s) P'``.

    Rows of units that are constantly 0 are left out. Cost: O(weights of active units * d).
    """
    width = state.maps.shape[1]
    below = plan.first_row[layer - 1] if layer > 0 else 0
    for i in range(plan.first_row[layer], plan.first_row[layer + 1]):
        unit = plan.unit_of_row[i]
        if unit >= 0 and plan.stable[unit] == 0 and plan.slope[i] == 0.0:
            continue
        for k in range(1, width):
            state.maps[i, k] = 0.0
        state.maps[i, 0] = plan.bias[i]
        for entry in range(plan.indptr[i], plan.indptr[i + 1]):
            weight = plan.weights[entry]
            if layer == 0:
                state.maps[i, plan.indices[entry] + 1] += weight
            else:
                source = below + plan.indices[entry]
                unit = plan.unit_of_row[source]
                if unit >= 0 and state.bits[unit] == 0:
                    weight *= plan.slope[source]
                if weight != 0.0:
                    for k in range(width):
                        state.maps[i, k] += weight * state.maps[source, k]


@kernel
def enter(plan, state):
    """Carry the layer's next units, at most BLOCK of them that may cut, in the current table.

    Rows that bound the cell no more are left behind, and units whose bit is fixed on the whole
    domain are given it. Cost: O(BLOCK * d * rows of coordinates), once a cell of the prefix.
    """
    at = state.at
    s = at[TABLE]
    d = state.col_ids.shape[1]
    end = plan.offsets[at[LAYER] + 1]
    n_rows, n_coordinates = kept_rows(state)
    if n_rows + min(BLOCK, end - at[UNIT]) > state.row_ids.shape[1]:
        return LACKS_ROWS
    kept, coordinates = state.lists[0], state.lists[1, :n_coordinates]
    for k in range(d + 5):
        for i in range(n_rows):
            state.tables[s, k, i] = state.tables[s, k, kept[i]]
    for i in range(n_rows):
        state.row_ids[s, i] = state.row_ids[s, kept[i]]
    n_kept = n_rows
    n_open = 0
    first = unit = at[UNIT]
    empty = False
    at[ASKED] = 0
    while unit < end and n_open < BLOCK:
        bit = plan.stable[unit]
        if bit < 0:
            bit = measure(plan, state, unit)
        if bit == VANISHES:
            bit = constant_bit(state, unit)
            if bit == CUTS:
                at[STANDING] = first
                # All that were asked at once, those behind this one too: of this cell alone.
                forget(state, first, end)
                return BEYOND
        if bit >= 0:
            state.bits[unit] = bit
            empty = empty or (state.fixed[unit] >= 0 and state.fixed[unit] != bit)
        elif bit == VARIES:
            state.row_ids[s, n_rows] = d + unit
            state.place[unit] = n_rows
            express(plan, state, unit, n_rows, coordinates)
            state.tables[s, d + 1, n_rows] = -np.inf
            state.tables[s, d + 2, n_rows] = np.inf
            reach(plan, state, unit, n_rows)
            n_rows += 1
            state.opens[s, n_open] = unit
            n_open += 1
        unit += 1
    if at[ASKED] > 0 and not empty:
        # The block is entered once more with the answers: only rows that were kept are there then.
        state.sizes[s, ROWS] = padded(state, n_kept)
        return ASKS
    forget(state, first, unit)
    at[UNIT] = unit
    # The next unit last: taking it out then costs nothing.
    for k in range(n_open // 2):
        other = n_open - 1 - k
        state.opens[s, k], state.opens[s, other] = state.opens[s, other], state.opens[s, k]
    state.sizes[s, OPEN] = n_open
    state.sizes[s, ROWS] = padded(state, n_rows)
    return EMPTY if empty else STANDS


@kernel
def kept_rows(state):
    """List the rows of coordinates, and of units whose limits the cell still feels.

    Returns
    -------
    n, m : int
        So many rows are kept, listed rising in ``state.lists[0]``; coordinates stand at the m of
        these that are in ``state.lists[1]``, counted among the kept.
    """
    s = state.at[TABLE]
    d = state.col_ids.shape[1]
    kept, coordinates = state.lists[0], state.lists[1]
    n = 0
    m = 0
    for i in range(state.sizes[s, ROWS]):
        variable = state.row_ids[s, i]
        limited = state.tables[s, d + 1, i] > -np.inf or state.tables[s, d + 2, i] < np.inf
        if 0 <= variable < d:
            coordinates[m] = n
            m += 1
        if 0 <= variable < d or (variable >= d and limited):
            kept[n] = i
            n += 1
    return n, m


@kernel
def padded(state, n_rows):
    """Fill up to a whole number of vectors with rows that mean nothing; the new row count."""
    s = state.at[TABLE]
    d = state.col_ids.shape[1]
    end = (n_rows + PADDING - 1) // PADDING * PADDING
    for i in range(n_rows, end):
        for k in range(d + 5):
            state.tables[s, k, i] = 0.0
        state.tables[s, d + 1, i] = -np.inf
        state.tables[s, d + 2, i] = np.inf
        state.row_ids[s, i] = -1
    return end


@kernel
def constant_bit(state, unit):
    """The bit of a unit that is constant up to rounding, CUTS if it is not, or WAITS."""
    answer = state.answers[unit]
    if answer == NOT_ASKED:
        # Not the literal, for which it would be compiled apart.
        ask(state, unit, np.int64(BOTH))
        return WAITS
    if answer == UNSETTLED:
        state.counters[DOUBTS] += 1
        return 0
    return answer if answer <= IS_POSITIVE else CUTS


@kernel
def ask(state, unit, doubt):
    """Put down a question."""
    place = state.at[ASKED]
    state.asked[place, 0] = unit
    state.asked[place, 1] = doubt
    state.at[ASKED] = place + 1
    state.counters[TIES] += doubt <= BOTH


@kernel
def forget(state, first, end):
    """Forget the answers about some units: they were taken up."""
    for unit in range(first, end):
        state.answers[unit] = NOT_ASKED


@kernel
def measure(plan, state, unit):
    """Norms and tolerance of a unit's map, and VARIES.

    Of a map that is constant up to rounding (fed by dead units, say) its bit, or VANISHES where
    that is 0 up to rounding.
    """
    source = plan.unit_row[unit]
    tolerance = plan.tolerance[source]
    square = 0.0
    spread = 0.0
    metric = 0.0
    for k in range(plan.scale.shape[0]):
        value = state.maps[source, k + 1]
        square += value * value
        spread += abs(value)
        metric += (value / plan.scale[k]) ** 2
    if spread <= tolerance:
        value = state.maps[source, 0]
        if abs(value) <= spread + tolerance:
            return VANISHES
        return 1 if value > 0.0 else 0
    norm = np.sqrt(square)
    state.measures[unit, INVERSE] = 1.0 / norm
    state.measures[unit, TOLERANCE] = max(tolerance / norm, LEAST_TOLERANCE)
    state.measures[unit, METRIC] = np.sqrt(metric) / norm
    return VARIES


@kernel
def reach(plan, state, unit, row):
    """Bound a unit over the whole domain: the proved bounds that it starts with."""
    s = state.at[TABLE]
    d = state.col_ids.shape[1]
    source = plan.unit_row[unit]
    spread = 0.0
    for k in range(d):
        spread += abs(state.maps[source, k + 1])
    state.tables[s, d + 3, row] = (state.maps[source, 0] - spread) * state.measures[unit, INVERSE]
    state.tables[s, d + 4, row] = (state.maps[source, 0] + spread) * state.measures[unit, INVERSE]
