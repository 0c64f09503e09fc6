"""Going down into a child of a cut, and back to the sibling."""

from __future__ import annotations

import numpy as np
from numba import njit

from cpwl_milp.engines.tree.state import CONSTRAINTS, ENTERED, LAYER, LEVELS, SAVED, UNIT
from cpwl_milp.engines.tree.units import check


@njit(cache=True, nogil=True)
def branch(plan, state, unit, row):
    """Add the cutting row and descend into the child of bit 0 (or the cube's own side)."""
    at = state.at
    d = state.cobasis.shape[0]
    n = at[CONSTRAINTS]
    square = 0.0
    reach = abs(row[0])
    for k in range(d + 1):
        state.constraints[n, k] = row[k]
        if k > 0:
            square += (row[k] / plan.scale[k - 1]) ** 2
            reach += abs(row[k])
    state.norms[n] = np.sqrt(square)
    state.reach[n] = reach
    at[CONSTRAINTS] = n + 1
    check(state)
    bit = state.fixed[unit]
    if bit < 0:
        bit = 0
        save(state, unit)
    if bit == 0:
        turn(state, n)
    state.bits[unit] = bit
    at[UNIT] = unit + 1


@njit(cache=True, nogil=True)
def turn(state, constraint):
    """Turn the last, cobasic row over: from bit 1's side to bit 0's."""
    d = state.cobasis.shape[0]
    for k in range(d + 1):
        state.constraints[constraint, k] = -state.constraints[constraint, k]
    for j in range(d):
        if state.cobasis[j] == constraint:
            for i in range(state.at[CONSTRAINTS]):
                state.table[i, j + 1] = -state.table[i, j + 1]


@njit(cache=True, nogil=True)
def save(state, unit):
    """Keep the dictionary, in bit 1's orientation, for the sibling.

    A dictionary of n constraints is n rows of numbers and n ids, so one counter serves both.
    """
    at = state.at
    d = state.cobasis.shape[0]
    n = at[CONSTRAINTS]
    level = at[LEVELS]
    start = at[SAVED]
    for i in range(n):
        for k in range(d + 1):
            state.saved[start + i, k] = state.table[i, k]
    for i in range(n - d):
        state.saved_ids[start + i] = state.basis[i]
    for j in range(d):
        state.saved_ids[start + n - d + j] = state.cobasis[j]
    state.level_unit[level] = unit
    state.level_layer[level] = at[LAYER]
    state.level_size[level] = n
    state.level_pending[level] = 1
    at[SAVED] = start + n
    at[LEVELS] = level + 1


@njit(cache=True, nogil=True)
def backtrack(plan, state):
    """Go to the latest sibling still to come; False if there is none."""
    at = state.at
    d = state.cobasis.shape[0]
    while at[LEVELS] > 0:
        level = at[LEVELS] - 1
        if state.level_pending[level] == 0:
            at[LEVELS] = level
            continue
        n = state.level_size[level]
        start = at[SAVED] - n
        for i in range(n):
            for k in range(d + 1):
                state.table[i, k] = state.saved[start + i, k]
        for i in range(n - d):
            state.basis[i] = state.saved_ids[start + i]
        for j in range(d):
            state.cobasis[j] = state.saved_ids[start + n - d + j]
        # The saved orientation is bit 1's, the stored row still has bit 0's.
        for k in range(d + 1):
            state.constraints[n - 1, k] = -state.constraints[n - 1, k]
        unit = state.level_unit[level]
        state.level_pending[level] = 0
        state.bits[unit] = 1
        at[SAVED] = start
        at[CONSTRAINTS] = n
        at[LAYER] = state.level_layer[level]
        at[UNIT] = unit + 1
        # The maps of this layer depend on the bits below only, which are the same.
        at[ENTERED] = 1
        return True
    return False
