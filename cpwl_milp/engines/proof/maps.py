"""Composed affine maps in float64, with proved bounds of their errors.

A pre-activation on a cell is ``z(t) = q + p t`` over the unit box. Beside the computed q and p
stand an upper bound of ``|q| + sum |p_k|`` (`size`) and one of how far the computed function is
from the exact one anywhere in the box (`error`). A dot product of n terms errs by at most
``gamma(n) sum |w_i| |a_i|`` (Higham, Accuracy and Stability of Numerical Algorithms, 2002,
section 3.1); with the magnitudes that `Plan.in_floats` stands for, and sizes of at least 1e-200,
this covers underflow too. All constants are at least twice what is needed, which covers the
roundings of the bounds themselves.
"""

from __future__ import annotations

import math

import numpy as np

from cpwl_milp.engines.proof.strict import strict_kernel

_ROUNDOFF = 2.0**-53
_LEAST_SIZE = 1e-200


@strict_kernel
def compose(plan, state, layer, pattern):
    """The maps of a layer, for the bits of the layers below.

    Parameters
    ----------
    pattern : int
        A row of `state.words` with these bits.
    """
    d = plan.centre.shape[0]
    start, end = plan.first_row[layer], plan.first_row[layer + 1]
    n_out = end - start
    maps, errors, sizes = state.maps, state.errors, state.sizes
    for i in range(start, end):
        maps[0, i] = plan.bias[i]
        errors[i] = 0.0
        sizes[i] = abs(plan.bias[i])
        for k in range(1, d + 1):
            maps[k, i] = 0.0
    first = 0 if layer == 0 else plan.first_row[layer - 1]
    n_in = d if layer == 0 else start - first
    n_live = 0
    for j in range(n_in):
        error = 0.0
        if layer == 0:
            for k in range(d + 1):
                state.value[k] = 0.0
            state.value[0] = plan.centre[j]
            state.value[j + 1] = plan.half[j]
            size = abs(plan.centre[j]) + plan.half[j]
        else:
            row = first + j
            factor = factor_of(plan, state, row, layer - 1, pattern)
            if factor == 0.0 or sizes[row] == 0.0:
                continue
            for k in range(d + 1):
                state.value[k] = factor * maps[k, row]
            size = abs(factor) * sizes[row]
            error = abs(factor) * errors[row]
            if factor != 1.0:
                error = (error + 2.0 * _ROUNDOFF * size) * (1.0 + 8.0 * _ROUNDOFF)
        n_live += 1
        size = max(size, _LEAST_SIZE)
        at = plan.weights_at[layer] + j * n_out - start
        for k in range(d + 1):
            value = state.value[k]
            if value != 0.0:
                for i in range(start, end):
                    maps[k, i] += plan.weights[at + i] * value
        for i in range(start, end):
            weight = abs(plan.weights[at + i])
            errors[i] += weight * error
            sizes[i] += weight * size
    gamma = (2.0 * n_live + d + 16.0) * 2.0 * _ROUNDOFF
    for i in range(start, end):
        # By now `sizes` holds sum |w| |a|, which bounds the size of the function as well.
        errors[i] = (errors[i] + gamma * sizes[i]) * (1.0 + gamma)
        size = 0.0
        for k in range(d + 1):
            size += abs(maps[k, i])
        sizes[i] = 0.0 if sizes[i] == 0.0 else max(size * (1.0 + gamma) + errors[i], _LEAST_SIZE)


@strict_kernel
def factor_of(plan, state, row, layer, pattern):
    """What an output's pre-activation is multiplied by: 1, or its slope where its bit is 0."""
    unit = plan.unit_of_row[row]
    if unit < 0:
        return 1.0
    return (
        1.0 if bit_of(plan, state, unit - plan.offsets[layer], layer, pattern) else plan.slope[row]
    )


@strict_kernel
def bit_of(plan, state, unit, layer, pattern):
    """A bit of a listed pattern; units counted within their layer."""
    word = state.words[pattern, plan.word_at[layer] + (unit >> 6)]
    return int(word >> (63 - (unit & 63))) & 1


@strict_kernel
def aim(plan, state, row, sign):
    """Take an output's function, times sign, as the target, scaled by a power of two.

    `state.target` gets the function, `state.of_target` size, error and scale.
    """
    d = plan.centre.shape[0]
    scale = scale_of(state.sizes[row])
    for k in range(d + 1):
        state.target[k] = sign * scale * state.maps[k, row]
    state.of_target[0] = scale * state.sizes[row]
    state.of_target[1] = scale * state.errors[row]
    state.of_target[2] = scale


@strict_kernel
def aim_at_face(plan, state, c, upper):
    """Take ``x_c - centre_c``, or minus it, as the target: what bounds a coordinate."""
    d = plan.centre.shape[0]
    for k in range(d + 1):
        state.target[k] = 0.0
    scale = scale_of(plan.half[c])
    # half * t is exact by the meaning of t.
    state.target[c + 1] = -scale * plan.half[c] if upper else scale * plan.half[c]
    state.of_target[0] = scale * plan.half[c]
    state.of_target[1] = 0.0
    state.of_target[2] = scale


@strict_kernel
def scale_of(size):
    """A power of two that brings a size to [0.5, 1); 1 for 0."""
    return math.ldexp(1.0, -math.frexp(size)[1])


@strict_kernel
def proved_least(plan, state, slot, n_terms):
    """A number that the target is nowhere below on the cell, in float64 with all errors charged.

    target - sum of multiplier * wall is a function r, and its least value on the box that holds
    the cell is read off (Neumaier, Shcherbina 2004: the residual charged against the box). The
    walls and multipliers are `state.terms` and `state.shares`; -inf if one of these is below 0.
    """
    d = plan.centre.shape[0]
    size = state.of_target[0]
    error = state.of_target[1]
    for n in range(n_terms):
        share, wall = state.shares[n], state.terms[n]
        if not share >= 0.0:
            return -np.inf
        size += share * state.of_wall[wall, 0]
        error += share * state.of_wall[wall, 1]
    least = 0.0
    for k in range(d + 1):
        value = state.target[k]
        for n in range(n_terms):
            value -= state.shares[n] * state.walls[state.terms[n], k]
        if k == 0:
            least += value
        else:
            # In the box |t| <= 1: roundings are covered as those of the coefficients are.
            least += value * (state.lows[slot, k - 1] if value > 0.0 else state.highs[slot, k - 1])
    gamma = (2.0 * n_terms + 2.0 * d + 16.0) * 2.0 * _ROUNDOFF
    return least - (error + gamma * size) * (1.0 + gamma)


@strict_kernel
def proves(plan, state, slot, n_terms):
    """Whether multipliers prove the target above 0 on the cell."""
    return proved_least(plan, state, slot, n_terms) > 0.0


@strict_kernel
def find_gaps(plan, state, slot, layer):
    """`state.gaps` for the rows of a layer, on the box that holds the cell of a slot."""
    d = plan.centre.shape[0]
    start, end = plan.first_row[layer], plan.first_row[layer + 1]
    gamma = (2.0 * d + 20.0) * 2.0 * _ROUNDOFF
    maps, gaps, charges = state.maps, state.gaps, state.charges
    for i in range(start, end):
        gaps[i] = maps[0, i]
        charges[i] = (state.errors[i] + gamma * state.sizes[i]) * (1.0 + gamma)
    for k in range(d):
        low, high = state.lows[slot, k], state.highs[slot, k]
        middle = 0.5 * (low + high)
        radius = max(high - middle, middle - low) * (1.0 + 8.0 * _ROUNDOFF)
        for i in range(start, end):
            gaps[i] += maps[k + 1, i] * middle
            charges[i] += abs(maps[k + 1, i]) * radius
    for i in range(start, end):
        value, charge = gaps[i], charges[i] * (1.0 + gamma)
        gaps[i] = value if value > charge or -value > charge else 0.0


@strict_kernel
def is_inside(plan, state, slot, n_domain):
    """Whether a cell's witness, rounded to `state.point`, is strictly inside domain and cell.

    Of the walls, those of the domain that are 0 everywhere bound nothing.
    """
    d = plan.centre.shape[0]
    for k in range(d):
        t = state.witness[slot, k]
        if not -1.0 <= t <= 1.0:
            return False
        x = plan.centre[k] + plan.half[k] * t
        if not plan.lower[k] < x < plan.upper[k]:
            return False
        state.point[k] = x
    gamma = (d + 16.0) * 2.0 * _ROUNDOFF + 2.0 * plan.drift
    for wall in range(n_domain + slot):
        if wall < n_domain and state.of_wall[wall, 0] == 0.0:
            continue
        value = state.walls[wall, 0]
        for k in range(d):
            value += state.walls[wall, k + 1] * state.witness[slot, k]
        if not value > (state.of_wall[wall, 1] + gamma * state.of_wall[wall, 0]) * (1.0 + gamma):
            return False
    return True
