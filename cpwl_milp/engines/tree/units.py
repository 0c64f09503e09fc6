"""What one unit does on one cell: a constant bit, or a cut."""

from __future__ import annotations

import numpy as np
from numba import njit

from cpwl_milp.engines.tree.dictionary import (
    CROSSES,
    FAILED,
    exchange,
    express,
    refactor,
    residual,
    seek_negative,
)
from cpwl_milp.engines.tree.state import (
    CHECKED,
    CONSTRAINTS,
    PIVOTS,
    REFACTORED,
    REPEATED,
    TESTS,
    TIES,
)

# What a unit does on a cell.
BIT_0 = 0
BIT_1 = 1
CUTS = 2
UNDECIDED = 3

# Fresh residuals of the cobasic slacks above this (times d + 4) call for a refactorisation.
_RESIDUAL = 5e-15
# Rows have unit norm and the domain is the unit box: below this, distances are rounding.
LEAST_TOLERANCE = 1e-11


@njit(cache=True, nogil=True)
def decide(plan, state, unit, objective, row):
    """What a unit does on the current cell: BIT_0, BIT_1, CUTS or UNDECIDED.

    `row` receives the unit's row ``[q, p]``, unit norm; `objective` is scratch.
    """
    d = state.cobasis.shape[0]
    source = plan.unit_row[unit]
    tolerance = plan.tolerance[source]
    square = 0.0
    spread = 0.0
    for k in range(1, d + 1):
        value = state.maps[source, k]
        square += value * value
        spread += abs(value)
    state.counters[TESTS] += 1
    if spread <= tolerance:
        # Constant on the whole domain up to rounding (fed by dead units, say).
        if state.maps[source, 0] > tolerance:
            return BIT_1
        if state.maps[source, 0] > 0.0:
            state.counters[TIES] += 1
        return BIT_0
    norm = np.sqrt(square)
    for k in range(d + 1):
        row[k] = state.maps[source, k] / norm
    tolerance = max(tolerance / norm, LEAST_TOLERANCE)
    if state.counters[PIVOTS] - state.at[CHECKED] >= 16:
        check(state)
    code = classify(state, objective, row, tolerance)
    if code == UNDECIDED:
        # Once more from a dictionary without accumulated error.
        state.counters[REPEATED] += 1
        refresh(state)
        code = classify(state, objective, row, tolerance)
    return code


@njit(cache=True, nogil=True)
def classify(state, objective, row, tolerance):
    """As `decide`, for a row of unit norm; a cutting row is left in the cobasis.

    After CUTS the new row is the last constraint and cobasic, in the orientation
    ``slack = row . (1, t)`` (bit 1's side); every basic slack is non-negative, so the vertex
    belongs to both children.
    """
    table, basis, cobasis = state.table, state.basis, state.cobasis
    d = cobasis.shape[0]
    # n constraints give d coordinate rows and n - d basic slacks: n rows.
    n_rows = state.at[CONSTRAINTS]
    express(table, row, objective)
    sign = 1.0
    if objective[0] < -tolerance:
        sign = -1.0
    elif objective[0] <= tolerance:
        # The vertex lies on the unit's hyperplane: look to either side for a sign.
        code, col, blocking = seek_negative(
            table, n_rows, basis, cobasis, state.reach, objective, tolerance, state.counters
        )
        if code == FAILED:
            return UNDECIDED
        if code == CROSSES:
            exchange(table, n_rows, blocking, col, basis, cobasis, objective)
            state.counters[PIVOTS] += 1
            sign = -1.0
        elif objective[0] <= tolerance:
            for k in range(d + 1):
                objective[k] = -objective[k]
            code, col, blocking = seek_negative(
                table, n_rows, basis, cobasis, state.reach, objective, tolerance, state.counters
            )
            if code == FAILED:
                return UNDECIDED
            return BIT_1 if code == CROSSES else BIT_0
        else:
            return BIT_1
    if sign < 0.0:
        for k in range(d + 1):
            objective[k] = -objective[k]
    code, col, blocking = seek_negative(
        table, n_rows, basis, cobasis, state.reach, objective, tolerance, state.counters
    )
    if code == FAILED:
        return UNDECIDED
    if code != CROSSES:
        return BIT_1 if sign > 0.0 else BIT_0
    # Both signs occur. Stop the edge at the hyperplane itself: a vertex of both children.
    for k in range(d + 1):
        table[n_rows, k] = sign * objective[k]
    basis[n_rows - d] = n_rows
    exchange(table, n_rows + 1, n_rows, col, basis, cobasis, objective)
    state.counters[PIVOTS] += 1
    return CUTS


@njit(cache=True, nogil=True)
def check(state):
    """Measure the error of the pivots so far; start afresh where it has grown."""
    d = state.cobasis.shape[0]
    state.at[CHECKED] = state.counters[PIVOTS]
    if residual(state.table, state.constraints, state.cobasis) > _RESIDUAL * (d + 4):
        refresh(state)


@njit(cache=True, nogil=True)
def refresh(state):
    """Refactor the current dictionary."""
    state.counters[REFACTORED] += 1
    refactor(state.table, state.at[CONSTRAINTS], state.constraints, state.basis, state.cobasis)
