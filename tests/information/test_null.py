"""The permutation null against the exact expectation, and its p-values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import xlogy
from scipy.stats import hypergeom, kstest

from cpwl_milp.information import null as module
from cpwl_milp.information.mutual import Contingency, plugin_information
from cpwl_milp.information.null import permutation_null


def exact_mean(table: Contingency) -> float:
    """Expected information of a table with these margins (Vinh, Epps and Bailey 2010), bits."""
    n = table.cells.sum()
    total = 0.0
    for row in table.rows:
        for column in table.columns:
            k = np.arange(max(0, row + column - n), min(row, column) + 1)
            p = hypergeom.pmf(k, n, row, column)
            total += (p * (xlogy(k, k * n) - k * np.log(row * column))).sum()
    return float(total / n / np.log(2))


def independent(seed: int, n_regions: int, n_classes: int, n: int) -> Contingency:
    rng = np.random.default_rng(seed)
    # Squares: some regions are large and some hold one sample.
    regions = np.unique(rng.integers(0, n_regions, n) ** 2 // n_regions, return_inverse=True)[1]
    return Contingency.of(regions.ravel(), rng.integers(0, n_classes, n), n_classes)


@pytest.mark.parametrize(
    ("n_regions", "n_classes", "n"), [(5, 2, 500), (60, 2, 200), (40, 4, 300), (300, 9, 250)]
)
def test_mean_of_the_null(n_regions: int, n_classes: int, n: int) -> None:
    table = independent(1, n_regions, n_classes, n)
    found = permutation_null(table, n_permutations=4000, seed=3)
    assert found.n_permutations == 4000
    error = found.deviation / np.sqrt(4000)
    assert abs(found.mean - exact_mean(table)) < 4 * error


@pytest.mark.parametrize("price", [0.1, 1, 10**9])
def test_drawing_and_shuffling_give_one_distribution(
    price: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_DRAW_IN_LABELS", price)
    monkeypatch.setattr(module, "_MAX_WORK", 1e18)
    table = independent(4, 30, 3, 200)
    rng = np.random.default_rng(0)
    regions = np.repeat(np.arange(len(table.rows)), table.rows)
    labels = np.repeat(np.arange(3), table.columns)
    direct = np.array(
        [
            plugin_information(Contingency.of(regions, rng.permutation(labels), 3))
            for _ in range(2000)
        ]
    )
    found = permutation_null(table, n_permutations=2000)
    assert abs(found.mean - direct.mean()) < 5 * direct.std() / np.sqrt(2000)
    assert found.deviation == pytest.approx(direct.std(), rel=0.1)


def test_p_values_are_uniform_on_independent_data() -> None:
    found = [
        permutation_null(independent(seed, 30, 3, 150), n_permutations=199, seed=seed).p_value
        for seed in range(200)
    ]
    assert kstest(found, "uniform").pvalue > 1e-3


def test_dependence_is_found() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    regions = np.where(rng.random(400) < 0.3, labels, rng.integers(0, 2, 400))
    found = permutation_null(Contingency.of(regions, labels, 2), n_permutations=499)
    assert found.p_value == 1 / 500


@pytest.mark.parametrize("n_classes", [1, 4])
def test_nothing_to_permute(n_classes: int) -> None:
    labels = np.arange(12) % n_classes
    alone = Contingency.of(np.arange(12), labels, n_classes)
    found = permutation_null(alone)
    assert (found.p_value, found.deviation) == (1.0, 0.0)
    assert found.mean == pytest.approx(plugin_information(alone))
    assert permutation_null(Contingency.of(np.zeros(12, int), labels, n_classes)).mean == 0


def test_work_is_limited() -> None:
    table = independent(0, 40, 2, 400)
    assert permutation_null(table, n_permutations=150).n_permutations == 150
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MAX_WORK", 1.0)
        assert permutation_null(table).n_permutations == 100
        assert permutation_null(table, n_permutations=7).n_permutations == 7
