from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.pattern import pack
from cpwl_milp.enumeration import own_patterns
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.own_patterns import OwnPatterns, bits_of
from tests.enumeration.toy import ToyEngine


@given(st.integers(1, 90), st.data())
def test_bits_are_cut_out_of_packed_patterns(n_units: int, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, n_units))
    width = data.draw(st.integers(0, n_units - begin))
    bits = np.random.default_rng(n_units).random((7, n_units)) < 0.5
    expected = pack(bits[:, begin : begin + width])
    np.testing.assert_array_equal(bits_of(pack(bits), begin, width), expected)


@given(
    widths=st.lists(st.sampled_from([0, 1, 3, 8, 11, 64, 70]), min_size=1, max_size=4),
    sizes=st.lists(st.integers(0, 30), max_size=6),
    merge_at=st.sampled_from([1, 10, 10**6]),
)
@settings(max_examples=60)
def test_own_patterns_are_the_distinct_rows_of_each_layer(
    widths: list[int], sizes: list[int], merge_at: int
) -> None:
    rng = np.random.default_rng(len(sizes))
    # Few distinct rows, so that they meet again in later batches.
    some = rng.random((12, sum(widths))) < 0.5
    own = OwnPatterns(widths)
    whole = [some[:0]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_patterns, "_MERGE_AT", merge_at)
        for size in sizes:
            bits = some[rng.integers(0, 12, size)]
            whole.append(bits)
            own.accept_patterns(pack(bits))
    bits = np.concatenate(whole)
    begin = 0
    for layer, width in enumerate(widths):
        rows = {row.tobytes() for row in pack(bits[:, begin : begin + width])}
        found = [row.tobytes() for row in own.patterns(layer)]
        assert found == sorted(rows)
        assert own.counts[layer] == len(rows)
        begin += width
    assert own.capped == (False,) * len(widths)


def test_a_layer_beyond_its_cap_says_so_and_stops_growing() -> None:
    engine = ToyEngine((6, 5, 5), 2, steps=200)
    exact, capped = OwnPatterns(engine.widths), OwnPatterns(engine.widths, max_per_layer=20)
    enumerate_regions(engine, 3, sinks=[exact, capped])
    leaves = np.array(list(engine.leaves()))
    counts = [len(np.unique(leaves[:, a:b], axis=0)) for a, b in ((0, 6), (6, 11), (11, 16))]
    assert exact.counts == tuple(counts)
    assert any(n > 20 for n in counts)
    assert capped.counts == tuple(min(n, 20) for n in counts)
    assert capped.capped == tuple(n > 20 for n in counts)
    assert exact.capped == (False, False, False)
