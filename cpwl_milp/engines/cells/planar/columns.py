"""Columns of weights, each times a factor, added to the affine maps of a layer."""

from __future__ import annotations

from cpwl_milp.engines.compiled import inlined_kernel, kernel
from cpwl_milp.engines.lanes import load, plus_scaled, store


@inlined_kernel
def add_columns(maps, target, width, weights, begin, n_in, columns, factors, n):
    """Add ``W[:, columns[t]] (x) factors[:, t]`` for all t < n, sixteen rows at once."""
    row = 0
    while row < width:
        q, p0, p1 = target + row, target + width + row, target + 2 * width + row
        source = begin + row * n_in
        q_a, p0_a, p1_a = load(maps, q), load(maps, p0), load(maps, p1)
        if row + 16 <= width:
            other = source + 8 * n_in
            q_b, p0_b, p1_b = load(maps, q + 8), load(maps, p0 + 8), load(maps, p1 + 8)
            for t in range(n):
                k = 8 * columns[t]
                f, f0, f1 = factors[0, t], factors[1, t], factors[2, t]
                a = load(weights, source + k)
                b = load(weights, other + k)
                q_a, p0_a, p1_a = (
                    plus_scaled(q_a, a, f),
                    plus_scaled(p0_a, a, f0),
                    plus_scaled(p1_a, a, f1),
                )
                q_b, p0_b, p1_b = (
                    plus_scaled(q_b, b, f),
                    plus_scaled(p0_b, b, f0),
                    plus_scaled(p1_b, b, f1),
                )
            store(maps, q + 8, q_b)
            store(maps, p0 + 8, p0_b)
            store(maps, p1 + 8, p1_b)
        else:
            for t in range(n):
                a = load(weights, source + 8 * columns[t])
                q_a = plus_scaled(q_a, a, factors[0, t])
                p0_a = plus_scaled(p0_a, a, factors[1, t])
                p1_a = plus_scaled(p1_a, a, factors[2, t])
        store(maps, q, q_a)
        store(maps, p0, p0_a)
        store(maps, p1, p1_a)
        row += 16


@kernel
def add_runs(
    maps,
    target,
    width,
    run_weights,
    run_row,
    column_start,
    first_column,
    columns,
    factors,
    n,
    row_stamps,
    first_eight,
    stamp,
):
    """As `add_columns` for a sparse layer; the rows touched get the stamp."""
    for t in range(n):
        column = first_column + columns[t]
        f, f0, f1 = factors[0, t], factors[1, t], factors[2, t]
        for run in range(column_start[column], column_start[column + 1]):
            row = run_row[run]
            q, p0, p1 = target + row, target + width + row, target + 2 * width + row
            a = load(run_weights, 8 * run)
            store(maps, q, plus_scaled(load(maps, q), a, f))
            store(maps, p0, plus_scaled(load(maps, p0), a, f0))
            store(maps, p1, plus_scaled(load(maps, p1), a, f1))
            row_stamps[first_eight + (row >> 3)] = stamp
