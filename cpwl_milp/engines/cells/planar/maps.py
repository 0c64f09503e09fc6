"""The affine maps of a layer on a cell, composed afresh or updated by the bits that changed.

Cost: a column is three products a row, eight rows at once, sums in registers; what remains is
reading the weights. Of a sparse layer only eights of rows with a weight are visited.
"""

from __future__ import annotations

from cpwl_milp.engines.cells.planar.state import COMPOSED, STAMP, UPDATED
from cpwl_milp.engines.compiled import inlined_kernel, kernel
from cpwl_milp.engines.lanes import load, lowest_bit, plus_scaled, store

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


@inlined_kernel
def turned(
    slope,
    below,
    source,
    stride,
    n_in,
    unit,
    end,
    plain,
    maps,
    pattern,
    known,
    columns,
    factors,
    afresh,
):
    """The columns to be added where the maps below are the same, or all of them."""
    n = 0
    if afresh and plain == 0:
        for k in range(n_in):
            factor = 1.0
            if k < end - unit and (pattern[(unit + k) >> 6] >> ((unit + k) & 63)) & 1 == 0:
                factor = slope[below + k]
            if factor != 0.0:
                columns[n] = k
                for c in range(3):
                    factors[c, n] = factor * maps[source + c * stride + k]
                n += 1
    for word in range(unit >> 6, (end + 63) >> 6):
        mask = within(word, unit, end)
        now = pattern[word] & mask
        left = now if afresh else (now ^ known[word]) & mask
        known[word] = (known[word] & ~mask) | now
        if afresh and plain == 0:
            left = 0
        while left != 0:
            bit = lowest_bit(left)
            left &= left - 1
            k = 64 * word + bit - unit
            factor = 1.0 - slope[below + k]
            if (now >> bit) & 1 == 0:
                factor = -factor
            columns[n] = k
            for c in range(3):
                factors[c, n] = factor * maps[source + c * stride + k]
            n += 1
    return n


@kernel
def follow(
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
):
    """The inputs that changed since last time, and by how much; or all of them.

    ``taken`` holds what each input was when its column was added last. An input is looked at if
    its map was touched since (its eight rows have a later stamp) or its bit is another.

    Returns
    -------
    n : int
        How many columns are to be added.
    afresh : bool
        Whether to compose afresh: asked for, or no more work.
    """
    # Of one type from the start (a literal 0 is another, and compiled for apart).
    n = 0 * n_in
    if not afresh:
        for eight in range((n_in + 7) >> 3):
            if row_stamps[(below >> 3) + eight] <= seen:
                continue
            for k in range(8 * eight, min(8 * eight + 8, n_in)):
                n = differing(
                    slope, below, source, stride, unit, end, maps, taken, pattern, columns,
                    factors, k, n,
                )  # fmt: skip
        for word in range(unit >> 6, (end + 63) >> 6):
            left = (pattern[word] ^ known[word]) & within(word, unit, end)
            while left != 0:
                bit = lowest_bit(left)
                left &= left - 1
                k = 64 * word + bit - unit
                if row_stamps[(below + k) >> 3] <= seen:
                    n = differing(
                        slope, below, source, stride, unit, end, maps, taken, pattern, columns,
                        factors, k, n,
                    )  # fmt: skip
        afresh = 2 * n > n_in
    for word in range(unit >> 6, (end + 63) >> 6):
        mask = within(word, unit, end)
        known[word] = (known[word] & ~mask) | (pattern[word] & mask)
    if afresh:
        n = 0
        for k in range(n_in):
            factor = share_of(slope, below, unit, end, pattern, k)
            for c in range(3):
                taken[source + c * stride + k] = factor * maps[source + c * stride + k]
            if factor != 0.0:
                columns[n] = k
                for c in range(3):
                    factors[c, n] = taken[source + c * stride + k]
                n += 1
    return n, afresh


@inlined_kernel
def differing(
    slope, below, source, stride, unit, end, maps, taken, pattern, columns, factors, k, n
):
    """Add input `k` to the columns if it is not what was taken last; their number."""
    factor = share_of(slope, below, unit, end, pattern, k)
    differs = False
    for c in range(3):
        place = source + c * stride + k
        now = factor * maps[place]
        change = now - taken[place]
        taken[place] = now
        factors[c, n] = change
        differs |= change != 0.0
    columns[n] = k
    return n + 1 if differs else n


@inlined_kernel
def share_of(slope, below, unit, end, pattern, k):
    """What the map of a value is multiplied by: 1, or the slope where its unit is off."""
    if k < end - unit and (pattern[(unit + k) >> 6] >> ((unit + k) & 63)) & 1 == 0:
        return slope[below + k]
    return 1.0


@inlined_kernel
def within(word, first, end):
    """Mask of the bits ``first..end - 1`` in a word of packed bits."""
    mask = -1
    if word == first >> 6:
        mask &= -1 << (first & 63)
    if word == end >> 6:
        mask &= (1 << (end & 63)) - 1
    return mask


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
