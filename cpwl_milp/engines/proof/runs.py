"""Runs of the ordered list: which units of a layer take both bits there, and which are open."""

from __future__ import annotations

import numpy as np

from cpwl_milp.engines.lanes import leading_zeros
from cpwl_milp.engines.proof.state import END_, FIRST
from cpwl_milp.engines.proof.strict import strict_inline, strict_merged

_NONE = np.uint64(0)


@strict_inline
def find_mixed(plan, state, slot, layer):
    """`state.mixed`: the units of a layer that take both bits in the run of a slot."""
    first, end = state.ranges[slot, FIRST], state.ranges[slot, END_]
    start = plan.word_at[layer]
    for word in range(plan.word_at[layer + 1] - start):
        reference = state.words[first, start + word]
        found = _NONE
        for k in range(first + 1, end):
            found |= state.words[k, start + word] ^ reference
        state.mixed[word] = found


@strict_inline
def next_unit(plan, state, slot, layer, constant):
    """The first open unit of a layer that is constant in the run, or that is mixed; -1 if none."""
    for word in range(plan.word_at[layer + 1] - plan.word_at[layer]):
        found = state.opens[slot, word]
        found &= ~state.mixed[word] if constant else state.mixed[word]
        if found != _NONE:
            return 64 * word + leading_zeros(found)
    return -1


@strict_merged
def open_all(plan, state, slot, layer):
    """All units of a layer are open."""
    n = plan.offsets[layer + 1] - plan.offsets[layer]
    for word in range(plan.word_at[layer + 1] - plan.word_at[layer]):
        left = n - 64 * word
        state.opens[slot, word] = ~_NONE if left >= 64 else ~(~_NONE >> np.uint64(left))
