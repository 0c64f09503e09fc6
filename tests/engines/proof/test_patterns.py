"""Lists of patterns as words."""

from __future__ import annotations

import numpy as np
import pytest

from cpwl_milp.core.pattern import pack
from cpwl_milp.engines.proof.patterns import as_words, bits_of, ordered


@pytest.mark.parametrize(
    "widths", [(1,), (3, 5), (8, 8), (64,), (65, 1), (7, 130, 2), (63, 64, 65)]
)
def test_words_hold_the_bits_layer_by_layer(widths: tuple[int, ...]) -> None:
    bits = np.random.default_rng(sum(widths)).random((50, sum(widths))) < 0.5
    words = as_words([pack(bits[:20]), pack(bits[20:])], widths)
    assert words.shape == (50, sum((n + 63) // 64 for n in widths))
    for row, truth in zip(words, bits, strict=True):
        assert bits_of(row, widths).tolist() == truth.tolist()
    # Their order is that of the patterns, unit 0 first.
    in_order = sorted({tuple(row) for row in bits.tolist()})
    assert [tuple(bits_of(row, widths)) for row in ordered(words)] == in_order
