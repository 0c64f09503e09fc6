"""The affine maps of a layer on a cell, composed afresh or updated by the bits that changed.

Cost: a column is three products a row, eight rows at once, sums in registers; what remains is
reading the weights.
"""

from __future__ import annotations

from cpwl_milp.engines.cells.planar.state import COMPOSED, STAMP, UPDATED
from cpwl_milp.engines.compiled import inlined_kernel
from cpwl_milp.engines.lanes import load, lowest_bit, plus_scaled, store

# Updates after which maps are composed afresh, before rounding errors add up.
_MOST_UPDATES = 1 << 12


@inlined_kernel
def enter_maps(
    weights,
    weight_start,
    bias,
    slope,
    first_row,
    offsets,
    n_outputs,
    plain,
    maps,
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
    O(n_out) a bit instead of O(n_in n_out).
    """
    if layer == 0 and stamps[0, 0] > 0:
        return
    first, last = first_row[layer], first_row[layer + 1]
    width = last - first
    begin = weight_start[layer]
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
        afresh = (
            stamps[0, layer] == 0
            or stamps[1, layer] != stamps[0, layer - 1]
            or counters[UPDATED] % _MOST_UPDATES == 0
        )
        stamps[1, layer] = stamps[0, layer - 1]
        if afresh:
            counters[COMPOSED] += 1
        if afresh and plain[layer - 1] == 0:
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
            if afresh and plain[layer - 1] == 0:
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
        if n == 0 and not afresh:
            return
    at[STAMP] += 1
    stamps[0, layer] = at[STAMP]
    target = 3 * first
    if afresh:
        for i in range(width):
            maps[target + i] = bias[first + i]
            maps[target + width + i] = 0.0
            maps[target + 2 * width + i] = 0.0
    add_columns(maps, target, width, weights, begin, n_in, columns, factors, n)


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
