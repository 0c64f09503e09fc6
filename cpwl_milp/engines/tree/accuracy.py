"""Measuring a dictionary's accumulated error, and starting afresh from the maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense
from cpwl_milp.engines.compiled import kernel, merged_kernel
from cpwl_milp.engines.tree.plan import Plan
from cpwl_milp.engines.tree.state import INVERSE, REFACTORED, ROWS, SIDE, TABLE, State

# Pivots after which the error is measured.
CHECK_AFTER = 16
# Fresh residuals of the column variables above this (times d + 4) call for a refactorisation.
_RESIDUAL = 5e-15
# Condition from which a system is singular.
_SINGULAR = 1e14


@merged_kernel
def inaccurate(plan, state):
    """Whether the error of the pivots so far calls for a refactorisation: see `residual`."""
    return residual(plan, state) > _RESIDUAL * (state.col_ids.shape[1] + 4)


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


def refresh(plan: Plan, state: State) -> None:
    """Recompute the whole dictionary from the units' maps and the choice of columns.

    The columns' variables are ``m`` units and ``d - m`` coordinates; the other ``m`` coordinates
    follow from the units by an m x m system, all other rows from the coordinates. The dictionary
    is left alone if the system is singular to working precision. Not compiled: this comes up once
    in a million pivots. Cost: O(m^3 + m^2 d + rows d m).
    """
    state.counters[REFACTORED] += 1
    s = int(state.at[TABLE])
    n_rows = int(state.sizes[s, ROWS])
    table, row_ids = state.tables[s, :, :n_rows], state.row_ids[s, :n_rows]
    col_ids, sides = state.col_ids[s], state.columns[s, SIDE]
    d = col_ids.size
    of_units, of_coordinates = np.flatnonzero(col_ids >= d), np.flatnonzero(col_ids < d)
    rows = np.flatnonzero((row_ids >= 0) & (row_ids < d))
    # Column j of a coordinate: t = side (v - 1).
    standing, signs = 1 + col_ids[of_coordinates], sides[of_coordinates]
    cutting = _normalised(plan, state, col_ids[of_units] - d)
    system = cutting[:, 1 + row_ids[rows]]
    if system.size and np.linalg.cond(system) > _SINGULAR:
        return
    # Of a unit: side v = q + system t_rows + (share of the columns' coordinates).
    share = cutting[:, standing] * signs
    right = np.zeros((of_units.size, d + 1))
    right[:, 0] = share.sum(axis=1) - cutting[:, 0]
    right[:, 1 + of_coordinates] = -share
    right[np.arange(of_units.size), 1 + of_units] = sides[of_units]
    coordinates = np.linalg.solve(system, right)
    table[: d + 1, rows] = coordinates.T
    units = np.flatnonzero(row_ids >= d)
    maps = _normalised(plan, state, row_ids[units] - d)
    share = maps[:, standing] * signs
    fresh = maps[:, 1 + row_ids[rows]] @ coordinates
    fresh[:, 0] += maps[:, 0] - share.sum(axis=1)
    fresh[:, 1 + of_coordinates] += share
    table[: d + 1, units] = fresh.T


def _normalised(plan: Plan, state: State, units: NDArray[np.int64]) -> Dense:
    """The maps ``[q, P]`` of some units, P of unit norm."""
    return state.maps[plan.unit_row[units]] * state.measures[units, INVERSE, None]


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
