"""Rank bounds: exact where they claim to be, never too small."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.counting.rank import RankBudget, rank_bound


def _exact_rank(matrix: np.ndarray) -> int:
    rows = [[Fraction(float(v)) for v in row] for row in matrix]
    rank = 0
    for column in range(matrix.shape[1]):
        pivot = next((k for k in range(rank, len(rows)) if rows[k][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for k in range(rank + 1, len(rows)):
            factor = rows[k][column] / rows[rank][column]
            rows[k] = [a - factor * b for a, b in zip(rows[k], rows[rank], strict=True)]
        rank += 1
    return rank


def _bound(matrix: np.ndarray, budget: RankBudget | None = None, needed: int = 10**9) -> int:
    rows, columns = (np.ones(n, dtype=np.bool_) for n in matrix.shape)
    return rank_bound(matrix, rows, columns, needed, budget or RankBudget())


@settings(max_examples=80, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_is_the_exact_rank_of_the_stored_numbers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 9, 2)
    r = int(rng.integers(0, min(m, n) + 1))
    if rng.random() < 0.5:
        # Integers: products are exact, so the rank is at most r.
        matrix = (
            rng.integers(-4, 5, (m, r))
            @ rng.integers(-4, 5, (r, n))
            * 2.0 ** rng.integers(-60, 60, (m, 1))
        )
    else:
        # Rounded products have low rank only numerically.
        matrix = rng.normal(size=(m, r)) @ rng.normal(size=(r, n))
    matrix = np.asarray(matrix, dtype=float)
    assert _bound(matrix) == _exact_rank(matrix)
    assert _bound(sp.csr_array(matrix)) == _exact_rank(matrix)


def test_a_numerically_small_direction_counts() -> None:
    matrix = np.eye(3)
    matrix[2, 2] = 2.0**-900
    assert np.linalg.matrix_rank(matrix) == 2
    assert _bound(matrix) == 3


def test_multiples_of_a_prime_are_not_taken_for_zero() -> None:
    prime = float((1 << 31) - 1)
    assert _bound(np.diag([1.0, prime])) == 2
    assert _bound(np.diag([prime, prime, prime])) == 3


def test_chosen_rows_and_columns_only() -> None:
    matrix = np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 1.0]])
    rows, columns = np.array([True, True, False]), np.array([True, True, True])
    assert rank_bound(matrix, rows, columns, 9, RankBudget()) == 1
    assert rank_bound(matrix, ~rows, ~columns, 9, RankBudget()) == 0


def test_without_budget_the_shape_bounds() -> None:
    matrix = np.ones((40, 30))
    budget = RankBudget(left=10.0)
    assert _bound(matrix, budget) == 30
    assert budget.skipped == 1
    assert _bound(matrix) == 1


@pytest.mark.parametrize("needed", [1, 2, 5])
def test_what_is_not_needed_is_not_looked_for(needed: int) -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(60, 50))
    budget = RankBudget()
    before = budget.left
    assert _bound(matrix, budget, needed) == 50
    assert before - budget.left < 1e5
