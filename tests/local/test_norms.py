"""Norms rounded upward: never below the truth, and close to it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

from cpwl_milp.local.norms import operator_norm, row_norms

SHAPES = [(1, 1), (3, 5), (5, 3), (40, 40), (120, 7)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1.0, 1e-170, 1e150])
def test_spectral_norm_is_above_and_close(shape: tuple[int, int], scale: float) -> None:
    matrix = np.random.default_rng(0).normal(size=shape) * scale
    found = operator_norm(matrix, "2")
    true = np.linalg.svd(matrix / scale, compute_uv=False)[0] * scale
    assert true * (1 - 1e-13) <= found <= true * (1 + 1e-9)


def test_spectral_norm_bounds_exact_stretches() -> None:
    # |A v|^2 / |v|^2 in exact arithmetic, at the vector that stretches most.
    random = np.random.default_rng(1)
    for _ in range(20):
        matrix = random.normal(size=(4, 3))
        v = np.linalg.svd(matrix)[2][0]
        exact = [
            sum(Fraction(a) * Fraction(b) for a, b in zip(row, v, strict=True)) for row in matrix
        ]
        square = sum(e * e for e in exact) / sum(Fraction(b) ** 2 for b in v)
        assert Fraction(operator_norm(matrix, "2")) ** 2 >= square


@pytest.mark.parametrize("norm", ["1", "2", "inf"])
def test_sparse_is_dense(norm: str) -> None:
    random = np.random.default_rng(2)
    matrix = random.normal(size=(30, 20)) * (random.random((30, 20)) < 0.2)
    matrix[3] = 0.0
    sparse = sp.csr_array(matrix)
    assert np.allclose(row_norms(sparse, norm), row_norms(matrix, norm), rtol=1e-12)
    assert operator_norm(sparse, norm) == pytest.approx(operator_norm(matrix, norm), rel=1e-9)


@pytest.mark.parametrize("norm", ["1", "2", "inf"])
def test_row_norms_are_above_exact_ones(norm: str) -> None:
    matrix = np.random.default_rng(3).normal(size=(50, 9))
    for row, found in zip(matrix, row_norms(matrix, norm), strict=True):
        parts = [abs(Fraction(v)) for v in row]
        value = Fraction(float(found))
        if norm == "2":
            square = sum(p * p for p in parts)
            assert square <= value**2 <= square * (1 + Fraction(1, 10**12))
        else:
            true = sum(parts) if norm == "1" else max(parts)
            assert true <= value <= true * (1 + Fraction(1, 10**12))


def test_matrices_of_nothing() -> None:
    assert operator_norm(np.zeros((3, 2)), "2") == 0.0
    assert operator_norm(np.zeros((0, 2)), "1") == 0.0
    assert operator_norm(sp.csr_array((3, 2)), "inf") == 0.0
    assert row_norms(np.zeros((2, 3)), "2").tolist() == [0.0, 0.0]
