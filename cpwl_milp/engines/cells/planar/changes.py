"""Which inputs of a layer changed since its maps were composed last, and by how much."""

from __future__ import annotations

from cpwl_milp.engines.compiled import inlined_kernel, kernel
from cpwl_milp.engines.lanes import lowest_bit


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
