"""Summaries, paired tests and sets of points."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cpwl_milp.core.errors import DataError, InputError
from cpwl_milp.local.point_sets import chosen, drawn, is_random
from cpwl_milp.local.statistics import compared, summarised


def test_summary_leaves_out_what_is_not_there() -> None:
    found = summarised(np.array([1.0, 2.0, 3.0, 10.0, math.nan, math.inf]))
    assert (found.n, found.mean, found.median, found.least, found.largest) == (4, 4, 2.5, 1, 10)
    assert summarised(np.array([math.nan])).n == 0
    assert math.isnan(summarised(np.zeros(0)).median)


def test_paired_by_hand() -> None:
    # Differences 1, 2, -3, 0, 4: ranks 1, 2, 3, 4 without the tie.
    found = compared(np.array([1.0, 2, 0, 5, 4, math.nan]), np.array([0.0, 0, 3, 5, 0, 1]))
    assert (found.n, found.higher, found.lower) == (5, 3, 1)
    assert found.median_difference == 1
    assert found.mean_difference == pytest.approx(0.8)
    assert found.effect == pytest.approx((7 - 3) / 10)
    # Two-sided: 2 P(Bin(4, 1/2) >= 3) = 10/16; sums of ranks at least 7 or at most 3: 10/16.
    assert found.sign_p == pytest.approx(10 / 16)
    assert found.wilcoxon_p == pytest.approx(10 / 16)


def test_ties_and_nothing() -> None:
    tied = compared(np.ones(3), np.ones(3))
    assert (tied.effect, tied.sign_p, tied.wilcoxon_p) == (0.0, 1.0, 1.0)
    assert math.isnan(compared(np.array([math.nan]), np.ones(1)).wilcoxon_p)


def test_chosen_rows_are_the_same_for_files_of_one_length() -> None:
    rows = np.arange(40.0).reshape(20, 2)
    first, attacked = chosen("data", rows, 7, 3), chosen("attacked", rows + 0.5, 7, 3)
    assert first.index.tolist() == sorted(first.index.tolist())
    assert np.array_equal(first.points + 0.5, attacked.points)
    assert chosen("data", rows, None, 3).index.tolist() == list(range(20))
    with pytest.raises(DataError, match="20 rows"):
        chosen("data", rows, 21, 0)


def test_drawn_sets() -> None:
    random = np.random.default_rng(0)
    data = chosen("data", np.abs(random.normal(size=(500, 6))), None, 0)
    low, high = data.points.min(), data.points.max()
    uniform = drawn("uniform", data, 1).points
    assert low <= uniform.min() < low + 0.1
    assert high - 0.1 < uniform.max() <= high
    assert drawn("uniform:-1,2", data, 1).points.mean() == pytest.approx(0.5, abs=0.1)
    normal = drawn("normal", data, 1).points
    assert normal.mean() == pytest.approx(data.points.mean(), abs=0.05)
    assert normal.std() == pytest.approx(data.points.std(), abs=0.05)
    permuted = drawn("permuted", data, 1).points
    assert np.array_equal(np.sort(permuted, axis=1), np.sort(data.points, axis=1))
    assert not np.array_equal(permuted, data.points)
    assert np.array_equal(permuted, drawn("permuted", data, 1).points)
    assert not np.array_equal(permuted, drawn("permuted", data, 2).points)


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("uniform:1", "two numbers"),
        ("uniform:2,1", "LO < HI"),
        ("uniform:0,inf", "finite"),
        ("normal:0,0", "above 0"),
        ("permuted:1,2", "without numbers"),
    ],
)
def test_bad_sets(spec: str, found: str) -> None:
    data = chosen("data", np.eye(3), None, 0)
    assert is_random(spec)
    with pytest.raises(InputError, match=found):
        drawn(spec, data, 0)
