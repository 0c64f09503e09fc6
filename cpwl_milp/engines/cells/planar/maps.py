"""The affine maps of a layer on a cell, composed afresh or updated by the bits that changed.

Cost: a column is three products a row, eight rows at once, sums in registers; what remains is
reading the weights. Of a sparse layer only eights of rows with a weight are visited.
"""

from __future__ import annotations

from cpwl_milp.engines.cells.planar.changes import follow, turned
from cpwl_milp.engines.cells.planar.columns import add_columns, add_runs
from cpwl_milp.engines.cells.planar.state import COMPOSED, STAMP, UPDATED
from cpwl_milp.engines.compiled import inlined_kernel

# Updates after which maps are composed afresh, before rounding errors add up.
_MOST_UPDATES = 1 << 12


@inlined_kernel
def enter_maps(
    weights,
    weight_start,
    sparse,
    bias,
    slope,
    first_row,
    offsets,
    n_outputs,
    plain,
    maps,
    taken,
    row_stamps,
    stamps,
    pattern,
    known,
    columns,
    factors,
    at,
    counters,
    layer,
):
    """Bring the maps of `layer` up to the bits of the layers below.

    ``P = W diag(s) P'`` with s = 1 or the slope of each unit below. Where the maps below are the
    same as last time, only the columns of units whose bit changed are added or taken away:
    O(n_out) a bit instead of O(n_in n_out). Where the layer is sparse, or one below it is, inputs
    are followed one by one: the columns of those that changed, by their bit or their map, are
    added with the difference; of a sparse layer, only the rows that they feed are touched.
    """
    if layer == 0 and stamps[0, 0] > 0:
        return
    first, last = first_row[layer], first_row[layer + 1]
    width = last - first
    counters[UPDATED] += 1
    n = 0
    afresh = True
    if layer == 0:
        n_in = 2
        for k in range(2):
            columns[k] = k
            for c in range(3):
                factors[c, k] = 1.0 if c == k + 1 else 0.0
        n = 2
    else:
        below = first_row[layer - 1]
        n_in = n_outputs[layer - 1]
        source, stride = 3 * below, first - below
        unit, end = offsets[layer - 1], offsets[layer]
        seen = stamps[1, layer]
        same = seen == stamps[0, layer - 1]
        afresh = stamps[0, layer] == 0 or counters[UPDATED] % _MOST_UPDATES == 0
        stamps[1, layer] = stamps[0, layer - 1]
        followed = False
        if sparse is not None:
            followed = sparse.follows[layer] != 0
        if sparse is not None and followed:
            n, afresh = follow(
                slope,
                below,
                source,
                stride,
                n_in,
                unit,
                end,
                maps,
                taken,
                row_stamps,
                seen,
                pattern,
                known,
                columns,
                factors,
                afresh,
            )
        if not followed:
            afresh |= not same
            n = turned(
                slope,
                below,
                source,
                stride,
                n_in,
                unit,
                end,
                plain[layer - 1],
                maps,
                pattern,
                known,
                columns,
                factors,
                afresh,
            )
        if n == 0 and not afresh:
            return
        if afresh:
            counters[COMPOSED] += 1
    at[STAMP] += 1
    stamp = at[STAMP]
    stamps[0, layer] = stamp
    target = 3 * first
    if afresh:
        for i in range(width):
            maps[target + i] = bias[first + i]
            maps[target + width + i] = 0.0
            maps[target + 2 * width + i] = 0.0
    dense = True
    if sparse is not None:
        dense = sparse.first_column[layer] < 0
    if dense:
        add_columns(maps, target, width, weights, weight_start[layer], n_in, columns, factors, n)
        afresh = True
    if sparse is not None and not dense:
        add_runs(
            maps,
            target,
            width,
            sparse.weights,
            sparse.row,
            sparse.column_start,
            sparse.first_column[layer],
            columns,
            factors,
            n,
            row_stamps,
            first >> 3,
            stamp,
        )
    if afresh:
        for i in range(first >> 3, last >> 3):
            row_stamps[i] = stamp
