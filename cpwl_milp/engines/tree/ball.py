"""The largest ball inside each region, from its cell's own dictionary."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.compiled import entry_kernel, kernel, merged_kernel
from cpwl_milp.engines.tree.state import EMITTED, METRIC, ROWS, SIDE, SPAN, TABLE


@merged_kernel
def keep(plan, state):
    """Keep the dictionary of the region just emitted, from the end of the tables down.

    Norms of the variables (in the metric of the domain) take the place of what nobody asks for
    any more: the spans of columns and the proved lower bounds of rows.
    """
    s = state.at[TABLE]
    target = state.tables.shape[0] - state.at[EMITTED]
    d = plan.scale.shape[0]
    n_rows = state.sizes[s, ROWS]
    state.sizes[target, ROWS] = n_rows
    for k in range(d + 3):
        for i in range(n_rows):
            state.tables[target, k, i] = state.tables[s, k, i]
    for i in range(n_rows):
        variable = state.row_ids[s, i]
        state.row_ids[target, i] = variable
        state.tables[target, d + 3, i] = norm_of(plan, state, variable)
    for j in range(d):
        state.col_ids[target, j] = state.col_ids[s, j]
        state.columns[target, SIDE, j] = state.columns[s, SIDE, j]
        state.columns[target, SPAN, j] = norm_of(plan, state, state.col_ids[s, j])


@kernel
def norm_of(plan, state, variable):
    """Norm of a variable's map in the metric of the domain (0: no variable)."""
    d = plan.scale.shape[0]
    if variable < 0:
        return 0.0
    return 1.0 / plan.scale[variable] if variable < d else state.measures[variable - d, METRIC]


@entry_kernel
def largest_balls(tables, row_ids, col_ids, columns, sizes, first, n, wide, ids, objective, balls):
    """The largest balls in the regions `first` to `n - 1`, whose dictionaries were kept.

    Parameters
    ----------
    tables, row_ids, col_ids, columns, sizes
        Of the search (State), with the dictionaries kept at their ends.
    first, n : int
    wide : float64 (d + 2 * (capacity + d), d + 2)
        Scratch, as `ids`, int64 (as many as rows of `wide`, and d + 1 more), and `objective`,
        float64 (d + 2,).
    balls : float64 (at least n, d + 1)
        To hold centre (coordinates of the unit box) and radius of each.
    """
    for region in range(first, n):
        s = tables.shape[0] - 1 - region
        largest_ball(
            tables[s],
            row_ids[s],
            col_ids[s],
            columns[s],
            sizes[s, ROWS],
            wide,
            ids,
            objective,
            balls[region],
        )


@merged_kernel
def largest_ball(table, row_ids, col_ids, columns, table_rows, wide, ids, objective, ball):
    """Centre (coordinates of the unit box) and radius of the largest ball, into `ball`.

    The ball of radius r at t lies in the cell iff ``s_k(t) - norms[k] r >= 0`` for all k. Those
    reduced slacks have the same dictionary with one more column, for r, so the vertex at hand is
    feasible with r = 0 and one maximisation finishes (the Chebyshev centre). Each limit of the
    cell is a row of its own here, since r narrows a coordinate's range from both ends.
    """
    d = col_ids.shape[0]
    n_rows = reduced_slacks(table, row_ids, col_ids, columns, table_rows, wide)
    # For Bland's rule, of no other meaning.
    for k in range(n_rows + d + 1):
        ids[k] = k
    rows, standing = ids[:n_rows], ids[n_rows:]
    # Minimise -r.
    for k in range(d + 1):
        objective[k] = 0.0
    objective[d + 1] = -1.0
    stalled = 0
    for _ in range(100 + 20 * (n_rows + d)):
        bland = stalled > 2 * d + 8
        col = entering_slack(objective, standing, bland)
        if col == 0:
            break
        row, step = blocking_row(wide, d, n_rows, col, rows, bland)
        if row < 0:
            break
        stalled = stalled + 1 if step * -objective[col] < 1e-15 else 0
        swap(wide, n_rows, row, col, objective)
        rows[row], standing[col - 1] = standing[col - 1], rows[row]
    for i in range(d):
        ball[i] = wide[i, 0]
    ball[d] = -objective[0]


@kernel
def reduced_slacks(table, row_ids, col_ids, columns, table_rows, wide):
    """Write rows ``(value, coefficients of the d reduced slacks at zero, coefficient of r)``.

    Coordinates 0..d-1 first, then the slack of every limit that is not a column. Returns how many.
    """
    d = col_ids.shape[0]
    n_rows = d
    for j in range(d):
        variable = col_ids[j]
        if variable < d:
            side, norm = columns[SIDE, j], columns[SPAN, j]
            for k in range(d + 2):
                wide[variable, k] = 0.0
                wide[n_rows, k] = 0.0
            wide[variable, 0] = -side
            wide[variable, j + 1] = side
            wide[variable, d + 1] = side * norm
            # The opposite face of the box.
            wide[n_rows, 0] = 2.0
            wide[n_rows, j + 1] = -1.0
            wide[n_rows, d + 1] = -2.0 * norm
            n_rows += 1
    for i in range(table_rows):
        variable = row_ids[i]
        if variable < 0:
            continue
        total = 0.0
        for j in range(d):
            total += table[j + 1, i] * columns[SPAN, j]
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
                wide[n_rows, d + 1] = sign * total - table[d + 3, i]
                n_rows += 1
    return n_rows


@kernel
def entering_slack(objective, standing, smallest_index):
    """The column (from 1) that lowers the objective most a step, or 0."""
    best = 0
    for j in range(1, objective.shape[0]):
        if objective[j] < -1e-11:
            if best == 0:
                best = j
            elif smallest_index:
                if standing[j - 1] < standing[best - 1]:
                    best = j
            elif objective[j] < objective[best]:
                best = j
    return best


@kernel
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


@kernel
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
