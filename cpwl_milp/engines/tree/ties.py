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

from cpwl_milp.engines.compiled import kernel
from cpwl_milp.engines.tree.plan import RELATIVE_TOLERANCE
from cpwl_milp.engines.tree.state import LAYER, ROWS, SIDE, TABLE, TOLERANCE

# A coefficient of a row has this sign beyond all rounding, where coordinates depend on the columns
# with coefficients of order one; otherwise rounding grows with the square of these.
_CLEAR = 1e-9
_GROWTH = 1e-13
# From here on columns may be dependent but for rounding.
_DEPENDENT = 1e6

NOWHERE = -1


@kernel
def is_certain(plan, state, unit, sign):
    """Whether ``sign * z >= 0`` on the cell, and not ``z = 0`` all over it unless it is pushed."""
    return leads_one_way(plan, state, unit, sign) or is_pushed(plan, state, unit, sign)


@kernel
def is_pushed(plan, state, unit, sign):
    """Whether active units below, and the bias, push a unit to one side only."""
    i = plan.unit_row[unit]
    if i < plan.first_row[1] or sign * plan.bias[i] < 0.0:
        return False
    layer = state.at[LAYER]
    for entry in range(plan.indptr[i], plan.indptr[i + 1]):
        source = plan.first_row[layer - 1] + plan.indices[entry]
        below = plan.unit_of_row[source]
        if below < 0:
            return False
        if state.bits[below] == 0:
            if plan.slope[source] != 0.0:
                return False
        elif sign * plan.weights[entry] < 0.0:
            return False
    return True


@kernel
def leads_one_way(plan, state, unit, sign):
    """Whether a unit has a common zero with what meets at the vertex, and rises from there only."""
    source = common_zero(plan, state)
    if source == NOWHERE:
        return False
    s = state.at[TABLE]
    d = state.col_ids.shape[1]
    row = state.place[unit]
    blur = state.measures[unit, TOLERANCE]
    for j in range(d):
        if state.col_ids[s, j] >= d:
            blur = max(blur, state.measures[state.col_ids[s, j] - d, TOLERANCE])
    steep = steepest(state)
    clear = max(_CLEAR, _GROWTH * steep * steep) * (blur / RELATIVE_TOLERANCE)
    for j in range(d):
        if sign * state.tables[s, j + 1, row] < clear and is_linear(plan, state, source, j):
            return False
    return True


@kernel
def common_zero(plan, state):
    """The layer at whose zero the vertex lies, together with all rows of the layer at hand.

    NOWHERE if no layer is known to be one; the last if there are more.
    """
    layer = state.at[LAYER]
    for source in range(layer, plan.linear_from[layer] - 1, -1):
        if stands_at_zero(plan, state, source):
            return source if steepest(state) < _DEPENDENT else NOWHERE
    return NOWHERE


@kernel
def stands_at_zero(plan, state, source):
    """Whether all values of a layer (the inputs: 0) are zero at the vertex, as far as is known.

    Cost: O(rows of the layer, and columns).
    """
    d = state.col_ids.shape[1]
    n = n_values(plan, state, source)
    if n == 0 or n > d:
        return False
    for j in range(d):
        n -= is_linear(plan, state, source, j)
    return n == 0


@kernel
def steepest(state):
    """The largest coefficient of a coordinate: of the inverse of the columns' matrix."""
    s = state.at[TABLE]
    d = state.col_ids.shape[1]
    found = 1.0
    for i in range(state.sizes[s, ROWS]):
        if 0 <= state.row_ids[s, i] < d:
            for k in range(1, d + 1):
                found = max(found, abs(state.tables[s, k, i]))
    return found


@kernel
def n_values(plan, state, source):
    """How many values behind a layer (of the inputs: 0) are not constantly 0 on the cell."""
    if source == 0:
        return state.col_ids.shape[1]
    n = 0
    for i in range(plan.first_row[source - 1], plan.first_row[source]):
        n += is_passed(plan, state, i)
    return n


@kernel
def is_passed(plan, state, i):
    """Whether the value of a row is passed on at all."""
    unit = plan.unit_of_row[i]
    return unit < 0 or state.bits[unit] == 1 or plan.slope[i] != 0.0


@kernel
def is_linear(plan, state, source, j):
    """Whether a column's function is linear in the values of a layer (of the inputs: 0)."""
    s = state.at[TABLE]
    d = state.col_ids.shape[1]
    variable = state.col_ids[s, j]
    if variable >= d:
        return is_linear_unit(plan, state, source, variable - d)
    carries = source == 0 or plan.carried[source - 1] == variable
    return carries and plan.zero_face[variable] == state.columns[s, SIDE, j]


@kernel
def is_linear_unit(plan, state, source, unit):
    """Whether a unit's function is linear in the values of a layer (of the inputs: 0)."""
    i = plan.unit_row[unit]
    if source == 0 or i >= plan.first_row[source]:
        return True
    return i >= plan.first_row[source - 1] and is_passed(plan, state, i)


@kernel
def at_exact_zero(plan, state):
    """Whether the vertex is a common zero of the layer at hand: rows are cleared of rounding then.

    Values of rows that are linear in a layer's values, and their coefficients along columns that
    are not, are set to zero: errors of pivots, which would grow along the next edges.
    """
    if common_zero(plan, state) == NOWHERE:
        return False
    layer = state.at[LAYER]
    for source in range(layer, plan.linear_from[layer] - 1, -1):
        if stands_at_zero(plan, state, source):
            clear(plan, state, source)
    return True


@kernel
def clear(plan, state, source):
    """Set to zero what is so at the zero of a layer."""
    s = state.at[TABLE]
    d = state.col_ids.shape[1]
    for i in range(state.sizes[s, ROWS]):
        variable = state.row_ids[s, i]
        if variable >= d:
            if is_linear_unit(plan, state, source, variable - d):
                state.tables[s, 0, i] = 0.0
        elif source == 0 and variable >= 0:
            state.tables[s, 0, i] = plan.zero[variable]
    if source == 0:
        return
    for j in range(d):
        if not is_linear(plan, state, source, j):
            for i in range(state.sizes[s, ROWS]):
                variable = state.row_ids[s, i]
                if variable >= d and is_linear_unit(plan, state, source, variable - d):
                    state.tables[s, j + 1, i] = 0.0


@kernel
def is_fed(plan, state, unit):
    """Whether any value that is not constantly 0 feeds a unit: if not, it is its bias, exactly."""
    layer = state.at[LAYER]
    if layer == 0:
        return True
    i = plan.unit_row[unit]
    for entry in range(plan.indptr[i], plan.indptr[i + 1]):
        source = plan.first_row[layer - 1] + plan.indices[entry]
        if plan.weights[entry] != 0.0 and is_passed(plan, state, source):
            return True
    return False
