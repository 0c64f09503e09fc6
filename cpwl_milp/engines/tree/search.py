"""The depth-first search over units in layer order: no-good cuts turned into branching.

The cell of a prefix of bits is a polytope, held as a dictionary at one of its vertices. A unit
whose affine function takes both signs on the cell cuts it into two full-dimensional children; any
other unit has one bit there. So every branching yields at least one region on each side, and the
work is linear in the number of regions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cpwl_milp.engines.tree.ball import largest_ball
from cpwl_milp.engines.tree.branching import backtrack, branch
from cpwl_milp.engines.tree.state import (
    CONSTRAINTS,
    COUNTED,
    EMITTED,
    ENTERED,
    LAYER,
    PIVOTS,
    SAVED,
    TESTS,
    UNIT,
)
from cpwl_milp.engines.tree.units import CUTS, UNDECIDED, decide

# Why `search` returned.
DONE = 0
PAUSED = 1  # the quota of work is spent, or the output is full
PARKED = 2  # the current cell lies beyond a layer's limit
STUCK = 3  # a pivot sequence failed on the current cell
NEEDS_SPACE = 4


@njit(cache=True, nogil=True)
def search(plan, state, quota, with_points, backtrack_first):
    """Search on until done, the quota of pivots and tests is spent, or something comes up.

    Parameters
    ----------
    quota : int
        Pivots and tests after which to pause.
    with_points : bool
        Whether to find an interior point and the inradius of every region.
    backtrack_first : bool
        Leave the current cell (it was parked or is stuck) and go on with the next.

    Returns
    -------
    status : int
        DONE, PAUSED, PARKED, STUCK or NEEDS_SPACE.
    """
    at = state.at
    counters = state.counters
    n_layers = plan.offsets.shape[0] - 1
    end = counters[PIVOTS] + counters[TESTS] + quota
    objective = np.empty(state.cobasis.shape[0] + 1)
    row = np.empty(state.cobasis.shape[0] + 1)
    if backtrack_first and not backtrack(plan, state):
        return DONE
    while True:
        layer = at[LAYER]
        if at[UNIT] == plan.offsets[layer + 1]:
            if layer >= at[COUNTED]:
                if state.prefix_left[layer] == 0:
                    return PARKED
                if layer == n_layers - 1 and at[EMITTED] == state.patterns.shape[0]:
                    return PAUSED
                state.prefix_left[layer] -= 1
                state.prefix_counts[layer] += 1
            if layer == n_layers - 1:
                emit(plan, state, with_points)
                if not backtrack(plan, state):
                    return DONE
            else:
                at[LAYER] += 1
                at[ENTERED] = 0
            continue
        if counters[PIVOTS] + counters[TESTS] >= end:
            return PAUSED
        if not has_space(state):
            return NEEDS_SPACE
        if at[ENTERED] == 0:
            compose(plan, state, layer)
            at[ENTERED] = 1
        unit = at[UNIT]
        bit = plan.stable[unit]
        if bit < 0:
            bit = decide(plan, state, unit, objective, row)
            if bit == UNDECIDED:
                return STUCK
            if bit == CUTS:
                branch(plan, state, unit, row)
                continue
        if state.fixed[unit] >= 0 and state.fixed[unit] != bit:
            # The cube asks for a side that this cell does not have: nothing there.
            if not backtrack(plan, state):
                return DONE
            continue
        state.bits[unit] = bit
        at[UNIT] += 1


@njit(cache=True, nogil=True)
def has_space(state):
    """Whether one more branching fits into the arrays."""
    n = state.at[CONSTRAINTS]
    return n + 1 < state.constraints.shape[0] and state.at[SAVED] + n + 1 <= len(state.saved)


@njit(cache=True, nogil=True)
def compose(plan, state, layer):
    """Compose the affine maps of a layer's rows for the bits below: ``P = W diag(s) P'``."""
    width = state.maps.shape[1]
    if layer > 0:
        below = plan.first_row[layer - 1]
    for i in range(plan.first_row[layer], plan.first_row[layer + 1]):
        for k in range(width):
            state.maps[i, k] = 0.0
        state.maps[i, 0] = plan.bias[i]
        for entry in range(plan.indptr[i], plan.indptr[i + 1]):
            weight = plan.weights[entry]
            if layer == 0:
                state.maps[i, plan.indices[entry] + 1] += weight
            else:
                source = below + plan.indices[entry]
                unit = plan.unit_of_row[source]
                if unit >= 0 and state.bits[unit] == 0:
                    weight *= plan.slope[source]
                if weight != 0.0:
                    for k in range(width):
                        state.maps[i, k] += weight * state.maps[source, k]


@njit(cache=True, nogil=True)
def emit(plan, state, with_points):
    """Hand the current, complete pattern out, with its largest ball if asked for."""
    place = state.at[EMITTED]
    for byte in range(state.patterns.shape[1]):
        state.patterns[place, byte] = 0
    for unit in range(state.bits.shape[0]):
        state.patterns[place, unit >> 3] |= state.bits[unit] << (unit & 7)
    if with_points:
        state.radii[place] = largest_ball(
            state.table,
            state.at[CONSTRAINTS],
            state.basis,
            state.cobasis,
            state.norms,
            state.points[place],
        )
    state.at[EMITTED] = place + 1
