"""Measuring a dictionary's accumulated error, and starting afresh from the maps."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.compiled import allocating_kernel, inlined_kernel, kernel
from cpwl_milp.engines.tree.state import AGE, INVERSE, REFACTORED, ROWS, SIDE, TABLE

# Pivots after which the error is measured.
CHECK_AFTER = 16
# Fresh residuals of the column variables above this (times d + 4) call for a refactorisation.
_RESIDUAL = 5e-15


@inlined_kernel
def check(plan, state):
    """Measure the error of the pivots so far; start afresh where it has grown."""
    state.sizes[state.at[TABLE], AGE] = 0
    d = state.col_ids.shape[1]
    if residual(plan, state) > _RESIDUAL * (d + 4):
        refresh(plan, state)


@kernel
def residual(plan, state):
    """Largest ``|z|`` among the units of the columns, evaluated afresh at the vertex.

    Zero in exact arithmetic: what stands there instead is the error of all pivots so far.
    Cost: O(columns of units * d).
    """
    s = state.at[TABLE]
    d = state.col_ids.shape[1]
    t = state.vertex
    for j in range(d):
        if state.col_ids[s, j] < d:
            t[state.col_ids[s, j]] = -state.columns[s, SIDE, j]
    for i in range(state.sizes[s, ROWS]):
        if 0 <= state.row_ids[s, i] < d:
            t[state.row_ids[s, i]] = state.tables[s, 0, i]
    worst = 0.0
    for j in range(d):
        unit = state.col_ids[s, j] - d
        if unit >= 0:
            source = plan.unit_row[unit]
            value = state.maps[source, 0]
            for k in range(d):
                value += state.maps[source, k + 1] * t[k]
            worst = max(worst, abs(value * state.measures[unit, INVERSE]))
    return worst


@allocating_kernel
def refresh(plan, state):
    """Recompute the whole dictionary from the units' maps and the choice of columns.

    The columns' variables are ``m`` units and ``d - m`` coordinates; the other ``m`` coordinates
    follow from the units by an m x m system, all other rows from the coordinates. Returns False
    (and leaves the dictionary alone) if the system is singular to working precision.
    Cost: O(m^3 + m^2 d + rows d m).
    """
    state.counters[REFACTORED] += 1
    s = state.at[TABLE]
    table = state.tables[s]
    row_ids, col_ids, sides = state.row_ids[s], state.col_ids[s], state.columns[s, SIDE]
    d = col_ids.shape[0]
    n_rows = state.sizes[s, ROWS]
    units = np.empty(d, dtype=np.int64)
    m = 0
    for j in range(d):
        if col_ids[j] >= d:
            units[m] = j
            m += 1
    rows = np.empty(m, dtype=np.int64)
    m = 0
    for i in range(n_rows):
        if 0 <= row_ids[i] < d:
            rows[m] = i
            m += 1
    # Unit j of the columns: side v_j = q + A t_rows + (share of the columns' coordinates).
    system = np.zeros((m, m))
    right = np.zeros((m, d + 1))
    for a in range(m):
        unit = col_ids[units[a]] - d
        source = plan.unit_row[unit]
        size = state.measures[unit, INVERSE]
        right[a, units[a] + 1] = sides[units[a]]
        right[a, 0] = -state.maps[source, 0] * size
        for j in range(d):
            if col_ids[j] < d:
                weight = state.maps[source, col_ids[j] + 1] * size
                right[a, 0] += weight * sides[j]
                right[a, j + 1] = -weight * sides[j]
        for b in range(m):
            system[a, b] = state.maps[source, row_ids[rows[b]] + 1] * size
    if not eliminate(system, right):
        return False
    for b in range(m):
        for k in range(d + 1):
            table[k, rows[b]] = right[b, k]
    for i in range(n_rows):
        if row_ids[i] >= d:
            express(plan, state, row_ids[i] - d, i, rows)
    return True


@kernel
def eliminate(system, right):
    """Solve ``system X = right`` in place, X into `right` (Gauss-Jordan, partial pivoting).

    False, with `right` spoiled, if a pivot falls below 1e-14.
    """
    m = system.shape[0]
    for j in range(m):
        best = j
        for i in range(j + 1, m):
            if abs(system[i, j]) > abs(system[best, j]):
                best = i
        if abs(system[best, j]) < 1e-14:
            return False
        if best != j:
            for k in range(m):
                system[j, k], system[best, k] = system[best, k], system[j, k]
            for k in range(right.shape[1]):
                right[j, k], right[best, k] = right[best, k], right[j, k]
        scale = 1.0 / system[j, j]
        for k in range(m):
            system[j, k] *= scale
        for k in range(right.shape[1]):
            right[j, k] *= scale
        for i in range(m):
            factor = system[i, j]
            if i != j and factor != 0.0:
                for k in range(m):
                    system[i, k] -= factor * system[j, k]
                for k in range(right.shape[1]):
                    right[i, k] -= factor * right[j, k]
    return True


@kernel
def express(plan, state, unit, row, rows):
    """Write a unit's normalised map through the columns, into `row` of the current table.

    Parameters
    ----------
    rows : int64 (m,)
        The rows of coordinates.
    """
    s = state.at[TABLE]
    d = state.col_ids.shape[1]
    source = plan.unit_row[unit]
    size = state.measures[unit, INVERSE]
    for k in range(d + 1):
        state.tables[s, k, row] = 0.0
    value = state.maps[source, 0] * size
    for j in range(d):
        if state.col_ids[s, j] < d:
            weight = state.maps[source, state.col_ids[s, j] + 1] * size * state.columns[s, SIDE, j]
            state.tables[s, j + 1, row] = weight
            value -= weight
    state.tables[s, 0, row] = value
    for b in range(rows.shape[0]):
        i = rows[b]
        weight = state.maps[source, state.row_ids[s, i] + 1] * size
        if weight != 0.0:
            for k in range(d + 1):
                state.tables[s, k, row] += weight * state.tables[s, k, i]
