"""The largest ball inside each region, from its cell's own dictionary."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.compiled import allocating_kernel
from cpwl_milp.engines.tree.search import REGION, search
from cpwl_milp.engines.tree.state import EMITTED, METRIC, PIVOTS, ROWS, SIDE, TABLE, TESTS


@allocating_kernel
def search_with_balls(plan, state, quota, backtrack_first):
    """`search`, with centre and radius of the largest ball of every region found."""
    counters = state.counters
    end = counters[PIVOTS] + counters[TESTS] + quota
    status = REGION
    while status == REGION:
        left = end - counters[PIVOTS] - counters[TESTS]
        status = search(plan, state, left, True, backtrack_first)
        if status == REGION:
            largest_ball(state, plan.scale, state.balls[state.at[EMITTED] - 1])
            backtrack_first = True
    return status


@allocating_kernel
def largest_ball(state, scale, ball):
    """Centre (coordinates of the unit box) and radius of the largest ball, into `ball`.

    The ball of radius r at t lies in the cell iff ``s_k(t) - norms[k] r >= 0`` for all k. Those
    reduced slacks have the same dictionary with one more column, for r, so the vertex at hand is
    feasible with r = 0 and one maximisation finishes (the Chebyshev centre). Each limit of the
    cell is a row of its own here, since r narrows a coordinate's range from both ends.

    Parameters
    ----------
    scale : float64 (d,)
        Half-widths of the box: norms are those of the domain.
    ball : float64 (d + 1,)
    """
    d = scale.shape[0]
    wide, rows, columns, n_rows = reduced_slacks(state, scale)
    # Minimise -r.
    objective = np.zeros(d + 2)
    objective[d + 1] = -1.0
    stalled = 0
    for _ in range(100 + 20 * (n_rows + d)):
        bland = stalled > 2 * d + 8
        col = 0
        for j in range(1, d + 2):
            if objective[j] < -1e-11:
                if col == 0:
                    col = j
                elif bland:
                    if columns[j - 1] < columns[col - 1]:
                        col = j
                elif objective[j] < objective[col]:
                    col = j
        if col == 0:
            break
        row, step = blocking_row(wide, d, n_rows, col, rows, bland)
        if row < 0:
            break
        stalled = stalled + 1 if step * -objective[col] < 1e-15 else 0
        swap(wide, n_rows, row, col, objective)
        rows[row], columns[col - 1] = columns[col - 1], rows[row]
    for i in range(d):
        ball[i] = wide[i, 0]
    ball[d] = -objective[0]


@allocating_kernel
def reduced_slacks(state, scale):
    """Rows ``(value, coefficients of the d reduced slacks at zero, coefficient of r)``.

    Returns
    -------
    wide : float64 (rows, d + 2)
        Coordinates 0..d-1 first, then the slack of every limit that is not a column.
    rows : int64 (rows,), columns : int64 (d + 1,)
        Ids for Bland's rule, of no other meaning.
    n_rows : int
    """
    s = state.at[TABLE]
    d = scale.shape[0]
    table, row_ids, col_ids = state.tables[s], state.row_ids[s], state.col_ids[s]
    sides = state.columns[s, SIDE]
    wide = np.zeros((d + 2 * (state.sizes[s, ROWS] + d), d + 2))
    norms = np.empty(d)
    for j in range(d):
        norms[j] = norm_of(state, scale, col_ids[j])
    n_rows = d
    for j in range(d):
        variable = col_ids[j]
        if variable < d:
            wide[variable, 0] = -sides[j]
            wide[variable, j + 1] = sides[j]
            wide[variable, d + 1] = sides[j] * norms[j]
            # The opposite face of the box.
            wide[n_rows, 0] = 2.0
            wide[n_rows, j + 1] = -1.0
            wide[n_rows, d + 1] = -2.0 * norms[j]
            n_rows += 1
    for i in range(state.sizes[s, ROWS]):
        variable = row_ids[i]
        if variable < 0:
            continue
        total = 0.0
        for j in range(d):
            total += table[j + 1, i] * norms[j]
        if variable < d:
            for k in range(d + 1):
                wide[variable, k] = table[k, i]
            wide[variable, d + 1] = total
        for upper in range(2):
            limit = table[d + 1 + upper, i]
            if abs(limit) < np.inf:
                sign = -1.0 if upper else 1.0
                for k in range(d + 1):
                    wide[n_rows, k] = sign * table[k, i]
                wide[n_rows, 0] -= sign * limit
                wide[n_rows, d + 1] = sign * total - norm_of(state, scale, variable)
                n_rows += 1
    rows = np.arange(n_rows)
    columns = np.arange(n_rows, n_rows + d + 1)
    return wide, rows, columns, n_rows


@allocating_kernel
def norm_of(state, scale, variable):
    """Norm of a variable's map in the metric of the domain."""
    d = scale.shape[0]
    return 1.0 / scale[variable] if variable < d else state.measures[variable - d, METRIC]


@allocating_kernel
def blocking_row(wide, first, n_rows, col, rows, smallest_index):
    """The row behind `first` that reaches zero first as the slack of `col` grows, and the step."""
    step = np.inf
    for i in range(first, n_rows):
        slope = wide[i, col]
        if slope < -1e-12:
            step = min(step, max(wide[i, 0], 0.0) / -slope)
    best = -1
    for i in range(first, n_rows):
        slope = wide[i, col]
        if slope < -1e-12 and max(wide[i, 0], 0.0) / -slope <= step + 1e-13:
            if best < 0:
                best = i
            elif smallest_index:
                if rows[i] < rows[best]:
                    best = i
            elif slope < wide[best, col]:
                best = i
    return best, step


@allocating_kernel
def swap(wide, n_rows, row, col, objective):
    """Pivot on ``wide[row, col]``, the objective carried along. Cost: O(n_rows * d)."""
    width = wide.shape[1]
    inverse = 1.0 / wide[row, col]
    for k in range(width):
        wide[row, k] *= -inverse
    wide[row, col] = inverse
    for i in range(n_rows):
        factor = wide[i, col]
        if i != row and factor != 0.0:
            wide[i, col] = 0.0
            for k in range(width):
                wide[i, k] += factor * wide[row, k]
    factor = objective[col]
    objective[col] = 0.0
    for k in range(width):
        objective[k] += factor * wide[row, k]
