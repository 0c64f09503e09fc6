"""What all open units of a layer do on a cell that enters it."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.ball.deciding import reach
from cpwl_milp.engines.ball.maps import enter_maps
from cpwl_milp.engines.ball.projection import dot
from cpwl_milp.engines.ball.state import LEVELS, OPEN, TESTS
from cpwl_milp.engines.compiled import kernel

# Rows have unit norm in the unit ball: below this, distances are rounding.
_LEAST_TOLERANCE = 1e-11


@kernel
def enter(layout, state, layer):
    """Compose the maps of a layer and pick the units that may cut the cell.

    All others are given their bit, proved with room for rounding; False if the cube asks for
    another one of them.
    """
    here = state.slots[state.at[LEVELS]]
    point = state.x[here]
    first, last = layout.first[layer], layout.first[layer + 1]
    state.counters[TESTS] += last - first
    n_opened = 0
    enter_maps(layout, state, layer)
    for unit in range(first, last):
        norm = dot(state.maps[unit], state.maps[unit]) ** 0.5
        tolerance = layout.tolerance[unit]
        bit = -1
        if state.shifts[unit] - norm > tolerance:
            bit = 1
        elif state.shifts[unit] + norm < -tolerance:
            bit = 0
        elif norm <= tolerance:
            # Constant and zero, up to rounding (fed by dead units, say): to be asked about.
            state.tolerances[unit] = np.inf
        else:
            tolerance = max(tolerance / norm, _LEAST_TOLERANCE)
            for k in range(point.shape[0]):
                state.normals[unit, k] = state.maps[unit, k] / norm
            state.heights[unit] = state.shifts[unit] / norm
            state.tolerances[unit] = tolerance
            along = dot(state.normals[unit], point)
            height = state.heights[unit]
            side = -1.0 if along + height >= 0.0 else 1.0
            if reach(state, here, side * along, side * height) <= -tolerance:
                bit = 1 if side < 0.0 else 0
        if bit < 0:
            state.opened[first + n_opened] = unit
            n_opened += 1
        else:
            state.bits[layout.unit[unit]] = bit
            if state.fixed[unit] >= 0 and state.fixed[unit] != bit:
                return False
    state.n_opened[layer] = n_opened
    state.at[OPEN] = 0
    return True
