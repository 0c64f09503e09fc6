"""The affine maps of a layer on a cell, composed afresh or updated by the bits that changed."""

from __future__ import annotations

from numba import njit

from cpwl_milp.engines.cells.state import COMPOSED, STAMP, UPDATED

# Updates after which maps are composed afresh, before rounding errors add up.
_MOST_UPDATES = 1 << 12


@njit(cache=True, nogil=True)
def enter_maps(layout, state, layer):
    """Bring the maps of `layer` up to the bits of the layers below.

    ``P = W diag(s) P'`` with s = 1 or the slope of each unit below. Where the maps below are the
    same as last time, only the columns of units whose bit changed are added or taken away:
    O(n_out d) a bit instead of O(n_in n_out d).
    """
    if layer == 0:
        if state.map_stamp[0] == 0:
            _compose(layout, state, 0)
        return
    same = state.map_stamp[layer] > 0 and state.map_below[layer] == state.map_stamp[layer - 1]
    if same and state.counters[UPDATED] % _MOST_UPDATES != 0:
        _update(layout, state, layer)
    else:
        _compose(layout, state, layer)
    state.map_below[layer] = state.map_stamp[layer - 1]


@njit(cache=True, nogil=True)
def _compose(layout, state, layer):
    width = state.maps.shape[0]
    first, last = layout.first_row[layer], layout.first_row[layer + 1]
    n_out = last - first
    weights = layout.weights[layout.weight_start[layer] : layout.weight_start[layer + 1]]
    for c in range(width):
        state.maps[c, first:last] = 0.0
    state.maps[0, first:last] = layout.bias[first:last]
    if layer == 0:
        for k in range(width - 1):
            state.maps[k + 1, first:last] = weights[k * n_out : (k + 1) * n_out]
    else:
        below = layout.first_row[layer - 1]
        for k in range(first - below):
            unit = layout.unit_of_row[below + k]
            factor = 1.0
            if unit >= 0:
                state.map_bits[unit] = state.bits[unit]
                if state.bits[unit] == 0:
                    factor = layout.slope[below + k]
            if factor != 0.0:
                _add_column(state, weights, k, n_out, first, below, factor)
    state.counters[COMPOSED] += 1
    state.counters[UPDATED] += 1
    _stamp(state, layer)


@njit(cache=True, nogil=True)
def _update(layout, state, layer):
    first, last = layout.first_row[layer], layout.first_row[layer + 1]
    n_out = last - first
    weights = layout.weights[layout.weight_start[layer] : layout.weight_start[layer + 1]]
    below = layout.first_row[layer - 1]
    changed = False
    for k in range(first - below):
        unit = layout.unit_of_row[below + k]
        if unit >= 0 and state.map_bits[unit] != state.bits[unit]:
            state.map_bits[unit] = state.bits[unit]
            factor = 1.0 - layout.slope[below + k]
            if state.bits[unit] == 0:
                factor = -factor
            _add_column(state, weights, k, n_out, first, below, factor)
            changed = True
    state.counters[UPDATED] += 1
    if changed:
        _stamp(state, layer)


@njit(cache=True, nogil=True)
def _add_column(state, weights, k, n_out, first, below, factor):
    """Add ``factor * W[:, k] (x) [q, P](below + k)``."""
    column = weights[k * n_out : (k + 1) * n_out]
    for c in range(state.maps.shape[0]):
        scale = factor * state.maps[c, below + k]
        if scale != 0.0:
            target = state.maps[c, first : first + n_out]
            for i in range(n_out):
                target[i] += scale * column[i]


@njit(cache=True, nogil=True)
def _stamp(state, layer):
    state.at[STAMP] += 1
    state.map_stamp[layer] = state.at[STAMP]
