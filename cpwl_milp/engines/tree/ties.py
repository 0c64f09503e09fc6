"""Zeros that follow from how a network is built: told exactly, and without exact arithmetic.

Two reasons, both of structure (no number is compared with zero but those that are clear of it):

*Pushed*: all values that feed a unit, and its bias, push it to one side.

*Common zeros*: let V be the values of layer l, or the inputs (l = 0), and let no row behind l up to
the unit's layer have a bias. On the cell r of the values V are not constantly 0, and every row
behind l is a linear function of these. If r columns of the dictionary are such functions, they
are a basis of all of them: the unit is ``sum_j m_j s_j`` over these columns exactly, without a
constant, and its coefficients along the other columns are exactly 0. So it is 0 at the vertex; and
if all these m_j are above 0, clearly, it is at least 0 on the cell, and 0 nowhere inside.
"""

from __future__ import annotations

from cpwl_milp.engines.compiled import kernel, merged_kernel
from cpwl_milp.engines.tree.plan import RELATIVE_TOLERANCE
from cpwl_milp.engines.tree.state import LAYER, ROWS, SIDE, TABLE, TOLERANCE

# A coefficient of a row has this sign beyond all rounding, where coordinates depend on the columns
# with coefficients of order one; otherwise rounding grows with the square of these.
_CLEAR = 1e-9
_GROWTH = 1e-13
# From here on columns may be dependent but for rounding.
_DEPENDENT = 1e6

# What `examine` finds (or-ed).
EXACT_ZERO = 1
NEVER_BELOW = 2  # z >= 0 on the cell, and z > 0 inside
NEVER_ABOVE = 4


@kernel
def examine(plan, state, unit):
    """What structure tells of a unit that is zero up to rounding at the vertex at hand.

    At a common zero the table is cleared of rounding: values of rows that are linear in the
    layer's values, and their coefficients along columns that are not, are set to zero. These are
    errors of pivots, which would grow along the next edges.

    Cost: O(weights of the unit, rows of layers); at a common zero O(rows of the table * d).
    """
    at, bits, slope = state.at, state.bits, plan.slope
    unit_row, unit_of_row, first_row = plan.unit_row, plan.unit_of_row, plan.first_row
    s, layer = at[TABLE], at[LAYER]
    table, row_ids, col_ids = state.tables[s], state.row_ids[s], state.col_ids[s]
    n_rows = state.sizes[s, ROWS]
    d = col_ids.shape[0]
    found = pushed(plan, bits, layer, unit_row[unit])
    steep = -1.0
    for source in range(layer, plan.linear_from[layer] - 1, -1):
        n = d
        if source > 0:
            n = 0
            for i in range(first_row[source - 1], first_row[source]):
                n += is_passed(unit_of_row, bits, slope, i)
        if n == 0 or n > d:
            continue
        least, most = 1.0, -1.0
        for j in range(d):
            if column_is_linear(plan, bits, source, col_ids[j], state.columns[s, SIDE, j]):
                coefficient = table[j + 1, state.place[unit]]
                least = min(least, coefficient)
                most = max(most, coefficient)
                n -= 1
        if n != 0:
            continue
        if steep < 0.0:
            steep = steepest(table, n_rows, row_ids)
            if steep > _DEPENDENT:
                break
            clear = clearance(state.measures, col_ids, unit, steep)
        found |= EXACT_ZERO
        found |= NEVER_BELOW * (least > clear) | NEVER_ABOVE * (most < -clear)
        for i in range(n_rows):
            variable = row_ids[i]
            if variable >= d:
                if source == 0 or unit_is_linear(plan, bits, source, variable - d):
                    table[0, i] = 0.0
            elif source == 0 and variable >= 0:
                table[0, i] = plan.zero[variable]
        for j in range(d):
            if source == 0 or column_is_linear(
                plan, bits, source, col_ids[j], state.columns[s, SIDE, j]
            ):
                continue
            for i in range(n_rows):
                if row_ids[i] >= d and unit_is_linear(plan, bits, source, row_ids[i] - d):
                    table[j + 1, i] = 0.0
    return found


@merged_kernel
def pushed(plan, bits, layer, i):
    """NEVER_BELOW or NEVER_ABOVE if active units below a row, and its bias, push it to one side.

    A row that varies on the cell, that is.
    """
    up = layer > 0 and plan.bias[i] >= 0.0
    down = layer > 0 and plan.bias[i] <= 0.0
    entry = plan.indptr[i]
    while entry < plan.indptr[i + 1] and (up or down):
        source = plan.first_row[layer - 1] + plan.indices[entry]
        weight = plan.weights[entry]
        below = plan.unit_of_row[source]
        if below < 0 or (bits[below] == 0 and plan.slope[source] != 0.0):
            up = down = False
        elif bits[below] == 1:
            up = up and weight >= 0.0
            down = down and weight <= 0.0
        entry += 1
    return NEVER_BELOW * up | NEVER_ABOVE * down


@merged_kernel
def column_is_linear(plan, bits, source, variable, side):
    """Whether a column's function is linear in the values of a layer (of the inputs: 0)."""
    d = plan.scale.shape[0]
    if variable >= d:
        linear = unit_is_linear(plan, bits, source, variable - d)
    else:
        carries = source == 0 or plan.carried[source - 1] == variable
        linear = carries and plan.zero_face[variable] == side
    return linear


@merged_kernel
def unit_is_linear(plan, bits, source, unit):
    """Whether a unit's function is linear in the values of a layer (of the inputs: 0)."""
    i = plan.unit_row[unit]
    linear = source == 0 or i >= plan.first_row[source]
    if not linear and i >= plan.first_row[source - 1]:
        linear = is_passed(plan.unit_of_row, bits, plan.slope, i)
    return linear


@merged_kernel
def is_passed(unit_of_row, bits, slope, i):
    """Whether the value of a row is passed on at all."""
    return unit_of_row[i] < 0 or bits[unit_of_row[i]] == 1 or slope[i] != 0.0


@merged_kernel
def steepest(table, n_rows, row_ids):
    """The largest coefficient of a coordinate: of the inverse of the columns' matrix."""
    found = 1.0
    for i in range(n_rows):
        if 0 <= row_ids[i] < table.shape[0] - 5:
            for k in range(1, table.shape[0] - 4):
                found = max(found, abs(table[k, i]))
    return found


@merged_kernel
def clearance(measures, col_ids, unit, steep):
    """From where on a coefficient's sign is beyond rounding."""
    blur = measures[unit, TOLERANCE]
    for j in range(col_ids.shape[0]):
        if col_ids[j] >= col_ids.shape[0]:
            blur = max(blur, measures[col_ids[j] - col_ids.shape[0], TOLERANCE])
    return max(_CLEAR, _GROWTH * steep * steep) * (blur / RELATIVE_TOLERANCE)
