"""The affine maps of a layer's open units on a cell, composed afresh or updated."""

from __future__ import annotations

from cpwl_milp.engines.ball.state import COMPOSED, MADE, SOURCE, STAMP, UPDATES
from cpwl_milp.engines.compiled import kernel

# Updates after which maps are composed afresh, before rounding errors add up.
_MOST_UPDATES = 64


@kernel
def enter_maps(layout, state, layer):
    """Bring the maps of a layer up to the bits below: ``P_u = P_u(input) + sum_v w_uv s_v P_v``.

    v runs over the open units of lower layers; s_v is 1 or the slope of v. Where no map below has
    changed since the last time, only the terms of units whose bit changed are added or taken
    away: O(d) each, instead of O(d) for every unit below that is not zero.
    """
    made, sources, updates = state.stamps[MADE], state.stamps[SOURCE], state.stamps[UPDATES]
    source = 0
    for below in range(layer):
        source = max(source, made[below])
    first, last = layout.first[layer], layout.first[layer + 1]
    used = state.used[layer]
    changed = made[layer] == 0 or sources[layer] != source or updates[layer] == _MOST_UPDATES
    if changed:
        updates[layer] = 0
        state.counters[COMPOSED] += 1
        for unit in range(first, last):
            compose(layout, state, unit)
    else:
        for unit in range(first):
            changed = changed or used[unit] != state.bits[layout.unit[unit]]
        if changed:
            updates[layer] += 1
            for unit in range(first, last):
                update(layout, state, used, unit)
    if changed:
        for unit in range(first):
            used[unit] = state.bits[layout.unit[unit]]
        sources[layer] = source
        state.stamps[STAMP, 0] += 1
        made[layer] = state.stamps[STAMP, 0]


@kernel
def compose(layout, state, unit):
    """A unit's map from its terms."""
    target = state.maps[unit]
    for k in range(target.shape[0]):
        target[k] = layout.rows[unit, k]
    shift = layout.bias[unit]
    for entry in range(layout.indptr[unit], layout.indptr[unit + 1]):
        source = layout.indices[entry]
        factor = layout.weights[entry]
        if state.bits[layout.unit[source]] == 0:
            factor *= layout.slope[source]
        if factor != 0.0:
            below = state.maps[source]
            for k in range(target.shape[0]):
                target[k] += factor * below[k]
            shift += factor * state.shifts[source]
    state.shifts[unit] = shift


@kernel
def update(layout, state, used, unit):
    """A unit's map with the terms of units whose bit is not the one used."""
    target = state.maps[unit]
    shift = state.shifts[unit]
    for entry in range(layout.indptr[unit], layout.indptr[unit + 1]):
        source = layout.indices[entry]
        bit = state.bits[layout.unit[source]]
        if bit != used[source]:
            factor = layout.weights[entry] * (1.0 - layout.slope[source])
            if bit == 0:
                factor = -factor
            below = state.maps[source]
            for k in range(target.shape[0]):
                target[k] += factor * below[k]
            shift += factor * state.shifts[source]
    state.shifts[unit] = shift
