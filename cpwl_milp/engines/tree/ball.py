"""The largest ball inside a cell, from the cell's own dictionary."""

from __future__ import annotations

import numpy as np
from numba import njit

from cpwl_milp.engines.tree.dictionary import pivot, ratio_test


@njit(cache=True, nogil=True)
def largest_ball(table, n_rows, basis, cobasis, norms, point):
    """Centre (into `point`, in the dictionary's coordinates) and radius of the largest ball.

    The ball of radius r at t lies in the cell iff ``s_k(t) - norms[k] r >= 0`` for all k. Those
    reduced slacks have the same dictionary with one more column, for r, so the vertex at hand is
    feasible with r = 0 and one maximisation finishes (the Chebyshev centre).

    Parameters
    ----------
    norms : float64 (n_constraints,)
        Norm of each row in the metric of the ball.
    point : float64 (d,)
        Receives the centre.
    """
    d = cobasis.shape[0]
    wide = np.empty((n_rows, d + 2))
    for i in range(n_rows):
        total = 0.0
        for j in range(d):
            total += table[i, j + 1] * norms[cobasis[j]]
        for k in range(d + 1):
            wide[i, k] = table[i, k]
        wide[i, d + 1] = total - norms[basis[i - d]] if i >= d else total
    order = basis[: n_rows - d].copy()
    columns = np.empty(d + 1, dtype=np.int64)
    columns[:d] = cobasis
    columns[d] = -1
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
        row, step = ratio_test(wide, n_rows, d, col, order, bland)
        if row < 0:
            break
        stalled = stalled + 1 if step * -objective[col] < 1e-15 else 0
        pivot(wide, n_rows, row, col, objective)
        leaving = order[row - d]
        order[row - d] = columns[col - 1]
        columns[col - 1] = leaving
    for i in range(d):
        point[i] = wide[i, 0]
    return -objective[0]
