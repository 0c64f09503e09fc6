"""The affine maps of a layer on a cell, composed afresh or updated by the bits that changed."""

from __future__ import annotations

from cpwl_milp.engines.cells.state import COMPOSED, STAMP, UPDATED
from cpwl_milp.engines.compiled import inlined_kernel, kernel

# Updates after which maps are composed afresh, before rounding errors add up.
_MOST_UPDATES = 1 << 12


@inlined_kernel
def enter_maps(layout, maps, stamps, map_bits, bits, at, counters, layer):
    """Bring the maps of `layer` up to the bits of the layers below.

    ``P = W diag(s) P'`` with s = 1 or the slope of each unit below. Where the maps below are the
    same as last time, only the columns of units whose bit changed are added or taken away:
    O(n_out d) a bit instead of O(n_in n_out d).
    """
    if layer == 0 and stamps[0, 0] > 0:
        return
    first, last = layout.first_row[layer], layout.first_row[layer + 1]
    weights = layout.weights[layout.weight_start[layer] : layout.weight_start[layer + 1]]
    counters[UPDATED] += 1
    changed = False
    if layer == 0:
        for i in range(last):
            maps[0, i] = layout.bias[i]
            for c in range(1, maps.shape[0]):
                maps[c, i] = weights[(c - 1) * last + i]
        changed = True
    else:
        below = layout.first_row[layer - 1]
        units, slopes = layout.unit_of_row[below:first], layout.slope[below:first]
        same = stamps[0, layer] > 0 and stamps[1, layer] == stamps[0, layer - 1]
        if same and counters[UPDATED] % _MOST_UPDATES != 0:
            changed = _update(maps, weights, units, slopes, map_bits, bits, below, first, last)
        else:
            for c in range(maps.shape[0]):
                for i in range(first, last):
                    maps[c, i] = layout.bias[i] if c == 0 else 0.0
            _compose(maps, weights, units, slopes, map_bits, bits, below, first, last)
            counters[COMPOSED] += 1
            changed = True
        stamps[1, layer] = stamps[0, layer - 1]
    if changed:
        at[STAMP] += 1
        stamps[0, layer] = at[STAMP]


@inlined_kernel
def _compose(maps, weights, units, slopes, map_bits, bits, below, first, last):
    """Add the columns of all inputs that are on."""
    for k in range(first - below):
        unit = units[k]
        factor = 1.0
        if unit >= 0:
            map_bits[unit] = bits[unit]
            if bits[unit] == 0:
                factor = slopes[k]
        if factor != 0.0:
            _add_column(maps, weights, k, below + k, first, last, factor)


@inlined_kernel
def _update(maps, weights, units, slopes, map_bits, bits, below, first, last):
    """Add or take away the columns of the inputs whose bit changed; whether there were any."""
    changed = False
    for k in range(first - below):
        unit = units[k]
        if unit >= 0 and map_bits[unit] != bits[unit]:
            map_bits[unit] = bits[unit]
            factor = 1.0 - slopes[k]
            if bits[unit] == 0:
                factor = -factor
            _add_column(maps, weights, k, below + k, first, last, factor)
            changed = True
    return changed


@kernel
def _add_column(maps, weights, k, source, first, last, factor):
    """Add ``factor * W[:, k] (x) [q, P](source)`` to the maps first..last."""
    n = last - first
    column = weights[k * n : (k + 1) * n]
    for c in range(maps.shape[0]):
        scale = factor * maps[c, source]
        if scale != 0.0:
            target = maps[c, first:last]
            for i in range(n):
                target[i] += scale * column[i]
