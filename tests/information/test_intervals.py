"""Intervals by the normal approximation, and how often they cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from cpwl_milp.information.intervals import (
    Interval,
    corrected_interval,
    entropy_error,
    entropy_interval,
    information_error,
    information_interval,
    wilson,
)
from cpwl_milp.information.mutual import Contingency, plugin_information
from cpwl_milp.information.null import permutation_null

ZIPF = 1 / np.arange(1, 101) / (1 / np.arange(1, 101)).sum()
ENTROPY = float(-(ZIPF * np.log2(ZIPF)).sum())


def test_errors_by_hand() -> None:
    counts = np.array([1, 3])
    p = np.array([0.25, 0.75])
    variance = (p * np.log2(p) ** 2).sum() - (p * np.log2(p)).sum() ** 2
    assert entropy_error(counts) == pytest.approx(np.sqrt(variance / 4))
    assert entropy_error(np.array([5, 5, 5])) < 1e-15
    table = Contingency.of(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), 2)
    p = np.array([2, 1, 1]) / 4
    gain = np.log2(p / np.array([0.75 * 0.5, 0.75 * 0.5, 0.25 * 0.5]))
    variance = (p * gain**2).sum() - (p * gain).sum() ** 2
    assert (p * gain).sum() == pytest.approx(plugin_information(table))
    assert information_error(table) == pytest.approx(np.sqrt(variance / 4))
    independent = Contingency.of(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), 2)
    assert information_error(independent) < 1e-15


def test_an_entropy_is_not_negative() -> None:
    assert entropy_interval(np.array([7])) == Interval(0.0, 0.0)
    assert entropy_interval(np.array([300, 1])).low == 0
    assert 1.0 in Interval(0.5, 1.0)
    assert 1.1 not in Interval(0.5, 1.0)


def independent_tables(n: int, regions: int, repeats: int) -> list[Contingency]:
    rng = np.random.default_rng(0)
    return [
        Contingency.of(
            np.unique(rng.integers(0, regions, n), return_inverse=True)[1].ravel(),
            rng.integers(0, 2, n),
            2,
        )
        for _ in range(repeats)
    ]


@pytest.mark.parametrize(("n", "regions"), [(1000, 10), (1000, 100), (500, 300)])
def test_independent_data_have_no_information_beyond_the_null(n: int, regions: int) -> None:
    covered = []
    for seed, table in enumerate(independent_tables(n, regions, 40)):
        null = permutation_null(table, n_permutations=200, seed=seed)
        corrected = plugin_information(table) - null.mean
        covered.append(0.0 in corrected_interval(table, corrected, null))
    # At 95 % fewer than 34 of 40 happen once in 300 times; measured are 39 and more.
    assert sum(covered) >= 34


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "least", "most"),
    [(100, 0.67, 0.79), (300, 0.85, 0.93), (1000, 0.91, 0.97), (5000, 0.93, 0.97)],
)
def test_coverage_of_entropies(n: int, least: float, most: float) -> None:
    """Published as .727, .89, .933 and .95 on a Zipf law over 100 regions."""
    rng = np.random.default_rng(1)
    covered = np.mean([ENTROPY in entropy_interval(c) for c in rng.multinomial(n, ZIPF, 4000)])
    assert least < covered < most


@pytest.mark.slow
@pytest.mark.parametrize(("n", "least"), [(300, 0.89), (1000, 0.92), (5000, 0.93)])
def test_coverage_of_informations(n: int, least: float) -> None:
    rng = np.random.default_rng(2)
    # 20 regions that know a binary label to a varying degree.
    chance = np.linspace(0.05, 0.95, 20)
    joint = np.stack([chance, 1 - chance], axis=1) / 20
    truth = float((joint * np.log2(joint / (joint.sum(1, keepdims=True) * joint.sum(0)))).sum())
    covered = []
    for _ in range(2000):
        cell = rng.choice(40, size=n, p=joint.ravel())
        table = Contingency.of(cell // 2, cell % 2, 2)
        covered.append(truth in information_interval(table))
    assert least < np.mean(covered) < 0.98


@pytest.mark.slow
@pytest.mark.parametrize(("n", "regions"), [(1000, 10), (1000, 100), (500, 300)])
def test_coverage_of_nothing(n: int, regions: int) -> None:
    covered = []
    for seed, table in enumerate(independent_tables(n, regions, 1000)):
        null = permutation_null(table, n_permutations=200, seed=seed)
        corrected = plugin_information(table) - null.mean
        covered.append(0.0 in corrected_interval(table, corrected, null))
    # Two errors are added of which one would do here, so the interval is rather too wide.
    assert np.mean(covered) > 0.93


@pytest.mark.parametrize(("count", "n"), [(0, 20), (1, 20), (7, 20), (20, 20), (500, 10**6)])
def test_wilson_is_where_the_score_test_does_not_reject(count: int, n: int) -> None:
    found = wilson(count, n)
    expected = binomtest(count, n).proportion_ci(0.95, "wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= found.low <= count / n <= found.high <= 1


def test_wilson_covers() -> None:
    """Exactly, by the binomial law: on average over probabilities close to 95 %."""
    for n in (20, 200):
        ends = [wilson(k, n) for k in range(n + 1)]
        coverage = [
            sum(binom.pmf(k, n, p) for k, end in enumerate(ends) if p in end)
            for p in np.linspace(0.02, 0.98, 97)
        ]
        assert np.mean(coverage) == pytest.approx(0.95, abs=0.01)
        assert min(coverage) > 0.83
