"""Composed affine maps in float64, with proved bounds of their errors.

A pre-activation on a cell is ``z(t) = q + p t`` over the unit box. Beside the computed q and p
stand an upper bound of ``|q| + sum |p_k|`` (`size`) and one of how far the computed function is
from the exact one anywhere in the box (`error`). A dot product of n terms errs by at most
``gamma(n) sum |w_i| |a_i|`` (Higham, Accuracy and Stability of Numerical Algorithms, 2002,
section 3.1); with the magnitudes that `Plan.in_floats` stands for, and sizes of at least 1e-180,
this covers underflow too. All constants are at least twice what is needed, which covers the
roundings of the bounds themselves.
"""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.lanes import leading_zeros, ones
from cpwl_milp.engines.proof.state import OF_BELOW, OF_PATTERN, UPDATES, VERSION
from cpwl_milp.engines.proof.strict import strict_inline, strict_kernel

_ROUNDOFF = 2.0**-53
# Products of weights and sizes stay in the normal range.
_LEAST_SIZE = 1e-180
# Values added or taken away, one after the other, before a layer is composed anew.
_MOST_UPDATES = 128
_NONE = np.uint64(0)
_TOP = np.uint64(1 << 63)


@strict_kernel
def compose(plan, state, layer, pattern):
    """The maps of a layer, for the bits of the layers below.

    Where the layer below has the maps it had before, only the values are added or taken away whose
    bits have changed since; the errors of doing so add up, and after some times all is new.

    Parameters
    ----------
    pattern : int
        A row of `state.words` with these bits.
    """
    d = plan.centre.shape[0]
    start, end = plan.first_row[layer], plan.first_row[layer + 1]
    if layer > 0 and state.made[layer, OF_BELOW] == state.made[layer - 1, VERSION]:
        before = state.made[layer, OF_PATTERN]
        changed = 0
        for word in range(plan.word_at[layer - 1], plan.word_at[layer]):
            changed += ones(state.words[before, word] ^ state.words[pattern, word])
        if changed == 0:
            # The same maps: whoever rests on them need not know.
            return
        if state.made[layer, UPDATES] + changed < _MOST_UPDATES:
            state.made[layer, UPDATES] += changed
            state.made[layer, VERSION] += 1
            state.made[layer, OF_PATTERN] = pattern
            for word in range(plan.word_at[layer - 1], plan.word_at[layer]):
                first = plan.offsets[layer - 1] + 64 * (word - plan.word_at[layer - 1])
                bits = state.words[pattern, word]
                left = state.words[before, word] ^ bits
                while left != _NONE:
                    place = leading_zeros(left)
                    bit = _TOP >> np.uint64(place)
                    left ^= bit
                    row = plan.unit_row[first + place]
                    share = 1.0 - plan.slope[row]
                    add(plan, state, layer, row, share if bits & bit != _NONE else -share)
            measure(plan, state, layer)
            return
    state.made[layer, VERSION] += 1
    state.made[layer, UPDATES] = 0
    state.made[layer, OF_PATTERN] = pattern
    if layer > 0:
        state.made[layer, OF_BELOW] = state.made[layer - 1, VERSION]
    maps = state.maps
    gamma = gamma_of(plan, layer)
    for i in range(start, end):
        maps[0, i] = plan.bias[i]
        state.errors[i] = gamma * abs(plan.bias[i])
        for k in range(1, d + 1):
            maps[k, i] = 0.0
    if layer == 0:
        for j in range(d):
            for k in range(d + 1):
                state.value[k] = 0.0
            state.value[0] = plan.centre[j]
            state.value[j + 1] = plan.half[j]
            add_value(plan, state, 0, j, abs(plan.centre[j]) + plan.half[j], 0.0)
    else:
        for row in range(plan.first_row[layer - 1], start):
            factor = factor_of(plan, state, row, layer - 1, pattern)
            if factor != 0.0:
                add(plan, state, layer, row, factor)
    measure(plan, state, layer)


@strict_inline
def add(plan, state, layer, row, factor):
    """Add a multiple of an output of the layer below to what enters a layer."""
    size = state.sizes[row]
    if size == 0.0:
        return
    for k in range(plan.centre.shape[0] + 1):
        state.value[k] = factor * state.maps[k, row]
    size *= abs(factor)
    # `factor` may be a difference of two slopes, rounded, and so is the product.
    error = abs(factor) * state.errors[row] + 4.0 * _ROUNDOFF * size
    add_value(plan, state, layer, row - plan.first_row[layer - 1], size, error)


@strict_kernel
def add_value(plan, state, layer, j, size, error):
    """Add `state.value` as the j-th value that enters a layer, of that size and error."""
    start, end = plan.first_row[layer], plan.first_row[layer + 1]
    n_out = end - start
    # Views that begin at 0: loops over them become vectors.
    place = plan.weights_at[layer] + j * n_out
    column = plan.weights[place : place + n_out]
    for k in range(plan.centre.shape[0] + 1):
        value = state.value[k]
        if value != 0.0:
            target = state.maps[k, start:end]
            for i in range(n_out):
                target[i] += column[i] * value
    gamma = gamma_of(plan, layer)
    charge = (error + gamma * max(size, _LEAST_SIZE)) * (1.0 + gamma)
    errors = state.errors[start:end]
    for i in range(n_out):
        errors[i] += abs(column[i]) * charge


@strict_inline
def gamma_of(plan, layer):
    """A bound of what rounding does to each term of a layer's sums, as a share of its size.

    A term passes through the roundings of its product, of the sums after it, and of the updates.
    """
    d = plan.centre.shape[0]
    n_in = d if layer == 0 else plan.first_row[layer] - plan.first_row[layer - 1]
    return (2.0 * n_in + 2.0 * _MOST_UPDATES + d + 16.0) * 2.0 * _ROUNDOFF


@strict_inline
def measure(plan, state, layer):
    """`state.sizes` of a layer's maps; 0 only for what is 0 exactly."""
    start, end = plan.first_row[layer], plan.first_row[layer + 1]
    n_out = end - start
    errors, sizes = state.errors[start:end], state.sizes[start:end]
    for i in range(n_out):
        sizes[i] = 0.0
    for k in range(plan.centre.shape[0] + 1):
        values = state.maps[k, start:end]
        for i in range(n_out):
            sizes[i] += abs(values[i])
    for i in range(n_out):
        # No value that is not 0 ever came in where the error is 0.
        size = max((sizes[i] + errors[i]) * (1.0 + 1e-12), _LEAST_SIZE)
        sizes[i] = 0.0 if errors[i] == 0.0 else size


@strict_inline
def factor_of(plan, state, row, layer, pattern):
    """What an output's pre-activation is multiplied by: 1, or its slope where its bit is 0."""
    unit = plan.unit_of_row[row]
    if unit < 0:
        return 1.0
    return (
        1.0 if bit_of(plan, state, unit - plan.offsets[layer], layer, pattern) else plan.slope[row]
    )


@strict_inline
def bit_of(plan, state, unit, layer, pattern):
    """A bit of a listed pattern; units counted within their layer."""
    word = state.words[pattern, plan.word_at[layer] + (unit >> 6)]
    return int(word >> (63 - (unit & 63))) & 1
