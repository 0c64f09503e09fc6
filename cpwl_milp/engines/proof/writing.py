"""Records of a certificate, written by kernels; `checking.records` says what they look like."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.proof.state import OUT, WRITES
from cpwl_milp.engines.proof.strict import strict_inline, strict_kernel

_CLOSE_SHORT, _CLOSE_LONG, _SURE, _BOUND, _SPLIT, _LEAF = 0, 2, 6, 8, 16, 32


@strict_kernel
def write_close(state, unit, bit, n_terms, short):
    """A unit closed to a bit, with `state.shares` as multipliers of the scaled functions."""
    if state.at[WRITES] == 0:
        return
    put_byte(state, (_CLOSE_SHORT if short else _CLOSE_LONG) + bit)
    put_u16(state, unit)
    put_byte(state, n_terms)
    for n in range(n_terms):
        wall = state.terms[n]
        put_u16(state, wall)
        share = state.shares[n] * true_scale(state, wall)
        if short:
            state.float32[0] = share
            put_bytes(state, state.float32_bytes, 4)
        else:
            put_float(state, share)


@strict_inline
def true_scale(state, wall):
    """What a multiplier is times this for functions that are not scaled: a power of two.

    ``a target = sum share b wall``: so ``target = sum (share b / a) wall``.
    """
    return state.wall_scale[wall] / state.of_target[2]


@strict_kernel
def write_bound(state, c, upper, n_terms):
    """A proved bound of a coordinate, `state.float32`, with multipliers."""
    if state.at[WRITES] == 0:
        return
    put_byte(state, _BOUND + upper)
    put_u16(state, c)
    put_byte(state, n_terms)
    put_bytes(state, state.float32_bytes, 4)
    for n in range(n_terms):
        put_u16(state, state.terms[n])
        state.float32[0] = state.shares[n] * true_scale(state, state.terms[n])
        put_bytes(state, state.float32_bytes, 4)


@strict_kernel
def write_sure(state, n_units):
    """The units in `state.sure[0]`, closed without multipliers."""
    if state.at[WRITES] == 0:
        return
    put_byte(state, _SURE)
    put_u16(state, (n_units + 7) >> 3)
    for byte in range((n_units + 7) >> 3):
        word = state.sure[0, byte >> 3]
        put_byte(state, int(word >> np.uint64(56 - 8 * (byte & 7))) & 255)


@strict_kernel
def write_split(state, unit):
    """A split by a unit."""
    if state.at[WRITES] == 0:
        return
    put_byte(state, _SPLIT)
    put_u16(state, unit)


@strict_kernel
def write_leaf(state, point):
    """A region with a point inside."""
    if state.at[WRITES] == 0:
        return
    put_byte(state, _LEAF)
    for k in range(point.shape[0]):
        put_float(state, point[k])


@strict_inline
def put_byte(state, value):
    """One byte."""
    state.out[state.at[OUT]] = value
    state.at[OUT] += 1


@strict_inline
def put_u16(state, value):
    """Two bytes, little-endian."""
    put_byte(state, value & 255)
    put_byte(state, value >> 8)


@strict_kernel
def put_float(state, value):
    """A float64."""
    state.float64[0] = value
    put_bytes(state, state.float64_bytes, 8)


@strict_inline
def put_bytes(state, source, size):
    """Some bytes, in the machine's order (little-endian where numba runs)."""
    for k in range(size):
        put_byte(state, source[k])
