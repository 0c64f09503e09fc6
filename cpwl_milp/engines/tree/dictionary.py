"""A dense dictionary simplex on the cell of a partial pattern.

The cell is ``{t : s_k(t) = a_k t + b_k >= 0}`` with rows of unit norm. A dictionary writes every
quantity through the d slacks that are zero at the current vertex (the cobasis):

    table[i] = (value at the vertex, coefficients of the d cobasic slacks)

Rows 0..d-1 are the coordinates t themselves, the rows behind them the basic slacks. The vertex is
always feasible, so there is no phase 1, ever: a cut pivots the new row into the cobasis, and the
vertex found there belongs to both children.

Cost: a pivot touches ``rows * (d + 1)`` numbers.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Outcomes of `seek_negative`.
NONNEGATIVE = 0
CROSSES = 1
FAILED = 2

# Coefficients below this are noise of earlier pivots (rows and coordinates are of order one).
_PIVOT = 1e-12
# Two ratios this close are a tie, broken towards the larger pivot.
_RATIO_TIE = 1e-13


@njit(cache=True, nogil=True)
def pivot(table, n_rows, row, col, objective):
    """Swap the slack of `row` with the cobasic slack of `col`, in place.

    Parameters
    ----------
    table : float64 (capacity, d + 1)
    n_rows : int
        Rows in use.
    row, col : int
        ``table[row, col]`` is the pivot; `col` counts from 1.
    objective : float64 (d + 1,)
        One more row, carried along.
    """
    width = table.shape[1]
    inverse = 1.0 / table[row, col]
    for k in range(width):
        table[row, k] *= -inverse
    table[row, col] = inverse
    for i in range(n_rows):
        if i != row:
            factor = table[i, col]
            if factor != 0.0:
                table[i, col] = 0.0
                for k in range(width):
                    table[i, k] += factor * table[row, k]
    factor = objective[col]
    if factor != 0.0:
        objective[col] = 0.0
        for k in range(width):
            objective[k] += factor * table[row, k]


@njit(cache=True, nogil=True)
def ratio_test(table, n_rows, first_row, col, basis, smallest_index):
    """The row that blocks an increase of the cobasic slack of `col`, and the step to it.

    Returns ``(-1, inf)`` if nothing blocks. `smallest_index` asks for Bland's tie rule.
    """
    step = np.inf
    for i in range(first_row, n_rows):
        slope = table[i, col]
        if slope < -_PIVOT:
            ratio = max(table[i, 0], 0.0) / -slope
            step = min(step, ratio)
    best = -1
    for i in range(first_row, n_rows):
        slope = table[i, col]
        if slope < -_PIVOT and max(table[i, 0], 0.0) / -slope <= step + _RATIO_TIE:
            if best < 0:
                best = i
            elif smallest_index:
                if basis[i - first_row] < basis[best - first_row]:
                    best = i
            elif slope < table[best, col]:
                best = i
    return best, step


@njit(cache=True, nogil=True)
def entering_column(objective, cobasis, reach, least, smallest_index):
    """The column whose slack can lower the objective most, and how low all could take it.

    A cobasic slack of constraint k lies in ``[0, reach[k]]`` on the whole domain, so column j
    lowers the objective by at most ``-objective[j] * reach[cobasis[j]]``. Columns that promise
    less than `least` are left out. Returns ``(0, total)`` if none is left.
    """
    best = 0
    gain_of_best = least
    total = 0.0
    for j in range(1, objective.shape[0]):
        gain = -objective[j] * reach[cobasis[j - 1]]
        if gain > 0.0:
            total += gain
            if smallest_index:
                if gain > least and (best == 0 or cobasis[j - 1] < cobasis[best - 1]):
                    best = j
            elif gain > gain_of_best:
                best = j
                gain_of_best = gain
    return best, total


@njit(cache=True, nogil=True)
def seek_negative(table, n_rows, basis, cobasis, reach, objective, tolerance, counters):
    """Minimise the objective over the cell until it drops below ``-tolerance`` somewhere.

    Parameters
    ----------
    table, n_rows, basis, cobasis
        The dictionary; moved to other vertices of the same cell on the way.
    reach : float64 (n_constraints,)
        Largest value of each slack on the domain.
    objective : float64 (d + 1,)
        The row to minimise, at least ``-tolerance`` at the current vertex.
    counters : int64 (2,)
        Pivots made; optima within the tolerance of zero (ties).

    Returns
    -------
    outcome : int
        NONNEGATIVE, CROSSES (along the returned column the objective falls below
        ``-tolerance`` before anything blocks; that pivot is left to the caller) or FAILED.
    col : int
        The column for CROSSES.
    row : int
        The row that blocks that column.
    """
    d = cobasis.shape[0]
    least = tolerance / (4.0 * d)
    stalled = 0
    for _ in range(200 + 40 * (n_rows + d)):
        bland = stalled > 2 * d + 8
        col, total = entering_column(objective, cobasis, reach, least, bland)
        if objective[0] - total > tolerance:
            return NONNEGATIVE, 0, 0
        if col == 0:
            if objective[0] <= tolerance:
                counters[1] += 1
            return NONNEGATIVE, 0, 0
        row, step = ratio_test(table, n_rows, d, col, basis, bland)
        if row < 0:
            return FAILED, 0, 0
        if objective[0] + step * objective[col] < -tolerance:
            return CROSSES, col, row
        stalled = stalled + 1 if step * -objective[col] <= least * 1e-3 else 0
        exchange(table, n_rows, row, col, basis, cobasis, objective)
        counters[0] += 1
    return FAILED, 0, 0


@njit(cache=True, nogil=True)
def exchange(table, n_rows, row, col, basis, cobasis, objective):
    """Pivot and note which constraint is basic now."""
    pivot(table, n_rows, row, col, objective)
    d = cobasis.shape[0]
    leaving = basis[row - d]
    basis[row - d] = cobasis[col - 1]
    cobasis[col - 1] = leaving


@njit(cache=True, nogil=True)
def express(table, row, objective):
    """Write ``row[0] + row[1:] . t`` through the cobasic slacks, into `objective`."""
    d = row.shape[0] - 1
    for k in range(d + 1):
        objective[k] = 0.0
    objective[0] = row[0]
    for i in range(d):
        factor = row[i + 1]
        if factor != 0.0:
            for k in range(d + 1):
                objective[k] += factor * table[i, k]


@njit(cache=True, nogil=True)
def residual(table, constraints, cobasis):
    """Largest ``|s_k|`` among the cobasic slacks, evaluated afresh at the vertex.

    Zero in exact arithmetic: what stands there instead is the error of all pivots so far.
    """
    d = cobasis.shape[0]
    worst = 0.0
    for j in range(d):
        k = cobasis[j]
        value = constraints[k, 0]
        for i in range(d):
            value += constraints[k, i + 1] * table[i, 0]
        worst = max(worst, abs(value))
    return worst


@njit(cache=True, nogil=True)
def refactor(table, n_rows, constraints, basis, cobasis):
    """Recompute the whole dictionary from the constraints and the cobasis: forget the errors.

    Returns False (and leaves the dictionary alone) if the cobasic rows are singular to working
    precision. Cost: O(d^3 + n_rows d^2).
    """
    d = cobasis.shape[0]
    normal = np.empty((d, d))
    offset = np.empty(d)
    for j in range(d):
        for i in range(d):
            normal[j, i] = constraints[cobasis[j], i + 1]
        offset[j] = constraints[cobasis[j], 0]
    # A row operation keeps this free of LAPACK: Gauss-Jordan with partial pivoting.
    inverse = np.eye(d)
    for j in range(d):
        best = j
        for i in range(j + 1, d):
            if abs(normal[i, j]) > abs(normal[best, j]):
                best = i
        if abs(normal[best, j]) < 1e-14:
            return False
        if best != j:
            for k in range(d):
                swap = normal[j, k]
                normal[j, k] = normal[best, k]
                normal[best, k] = swap
                swap = inverse[j, k]
                inverse[j, k] = inverse[best, k]
                inverse[best, k] = swap
        scale = 1.0 / normal[j, j]
        for k in range(d):
            normal[j, k] *= scale
            inverse[j, k] *= scale
        for i in range(d):
            if i != j and normal[i, j] != 0.0:
                factor = normal[i, j]
                for k in range(d):
                    normal[i, k] -= factor * normal[j, k]
                    inverse[i, k] -= factor * inverse[j, k]
    for i in range(d):
        value = 0.0
        for j in range(d):
            value -= inverse[i, j] * offset[j]
            table[i, j + 1] = inverse[i, j]
        table[i, 0] = value
    line = np.empty(d + 1)
    for r in range(d, n_rows):
        express(table, constraints[basis[r - d]], line)
        for k in range(d + 1):
            table[r, k] = line[k]
    return True
