"""Norms of rows and matrices, rounded upward: what Lipschitz bounds are made of.

On a ball in the p-norm a linear function ``w.x`` moves by at most ``r ||w||_q``, q the dual norm
(1 and inf, 2 and 2). A matrix stretches p-norms by at most its operator norm: the largest
absolute column sum (p = 1), row sum (p = inf), or singular value (p = 2). Every function here
returns a float at least as large as the true value for the stored weights.
"""

from __future__ import annotations

import math

import numpy as np

from cpwl_milp.bounding.rounding import UNIT_ROUNDOFF, gamma
from cpwl_milp.core.affine import Dense, Matrix, Vector

DUAL = {"1": "inf", "2": "2", "inf": "1"}
"""The dual of each norm."""

# Beyond this side length a proved singular value costs too much; cheaper norms stand in.
_LARGEST_SIDE = 1024


def row_norms(weight: Matrix, norm: str) -> Vector:
    """The norm of each row, shape (n_out,), rounded upward.

    Parameters
    ----------
    weight : ndarray or csr_array, shape (n_out, n_in)
    norm : str
        "1", "2" or "inf": the norm itself, not its dual.
    """
    sizes = abs(weight)
    if norm == "inf":
        return _reduced(sizes, 1, "max")
    up = 1.0 + gamma(2.0 * weight.shape[1] + 16)
    if norm == "1":
        return np.asarray(_reduced(sizes, 1, "sum") * up)
    # Squares of numbers near 1 neither overflow nor underflow to where it matters.
    largest = _reduced(sizes, 1, "max")
    scale = np.where(largest > 0, largest, 1.0)
    if isinstance(sizes, np.ndarray):
        scaled: Matrix = sizes / scale[:, None]
    else:
        scaled = sizes.copy()
        scaled.data = sizes.data / np.repeat(scale, np.diff(sizes.indptr))
    return np.asarray(np.sqrt(_reduced(scaled * scaled, 1, "sum")) * scale * up)


def operator_norm(weight: Matrix, norm: str) -> float:
    """How far the matrix can stretch the p-norm of a vector, rounded upward.

    Parameters
    ----------
    weight : ndarray or csr_array, shape (n_out, n_in)
    norm : str
        p: "1", "2" or "inf".
    """
    if weight.shape[0] == 0 or weight.shape[1] == 0:
        return 0.0
    sizes = abs(weight)
    # The sum has as many terms as the matrix has rows (columns), padded for what follows.
    up = float(1.0 + gamma(2.0 * max(weight.shape) + 16))
    columns = float(_reduced(sizes, 0, "sum").max()) * up
    if norm == "1":
        return columns
    rows = float(_reduced(sizes, 1, "sum").max()) * up
    if norm == "inf":
        return rows
    if columns == 0.0:
        return 0.0
    # ||A||_2^2 <= ||A||_1 ||A||_inf, and at most the Frobenius norm.
    found = min(
        math.sqrt(columns) * math.sqrt(rows) * (1 + 8 * UNIT_ROUNDOFF),
        float(row_norms(row_norms(weight, "2")[None, :], "2")[0]),
    )
    if min(weight.shape) <= _LARGEST_SIDE:
        dense = weight if isinstance(weight, np.ndarray) else np.asarray(weight.toarray())
        found = min(found, _largest_singular_value(dense))
    return found


def _largest_singular_value(matrix: Dense) -> float:
    """A proved upper bound of the spectral norm, close to it.

    With the approximate eigenvectors Q of ``A'A``, ``||A|| <= ||A Q|| ||Q^-1||``. The square of the
    first factor is at most the largest absolute row sum of ``(A Q)'(A Q)``, nearly a diagonal
    matrix; ``||Q^-1||^2 <= 1 / (1 - ||Q'Q - I||)``. However wrong Q is, the bound is sound (the
    idea of Rump, Verified bounds for singular values, BIT 51, 2011); errors of all products are
    charged as in `bounding.rounding`.
    """
    a = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    # A power of two close to the largest entry: exact, and no square leaves float's range.
    exponent = int(np.frexp(np.abs(a).max())[1])
    a = np.ldexp(a, -exponent)
    m, n = a.shape
    _, q = np.linalg.eigh(a.T @ a)
    product = a @ q
    lost = gamma(4.0 * n + 16) * float(np.linalg.norm(a) * np.linalg.norm(q))
    square = _row_sum_bound(product.T @ product, np.abs(product), m)
    defect = _row_sum_bound(q.T @ q - np.eye(n), np.abs(q), n) + 4 * n * UNIT_ROUNDOFF
    if not (math.isfinite(square) and defect < 0.5):
        return math.inf
    value = (math.sqrt(square) + lost) / math.sqrt(1.0 - defect) * (1 + 64 * UNIT_ROUNDOFF)
    return math.ldexp(value, exponent)


def _row_sum_bound(gram: Dense, sizes: Dense, terms: int) -> float:
    """At least the infinity norm of the exact ``B'B`` (less I) behind a computed one."""
    charge = gamma(4.0 * terms + 16) * (sizes.T @ sizes)
    sums = (np.abs(gram) + charge).sum(axis=1)
    return float(sums.max()) * (1.0 + gamma(4.0 * len(gram) + 16))


def _reduced(sizes: Matrix, axis: int, how: str) -> Vector:
    """Sums or maxima of a matrix of sizes along an axis."""
    if isinstance(sizes, np.ndarray):
        return np.asarray(sizes.sum(axis=axis) if how == "sum" else sizes.max(axis=axis, initial=0))
    if how == "sum":
        return np.asarray(sizes.sum(axis=axis)).ravel()
    if sizes.nnz == 0:
        return np.zeros(sizes.shape[1 - axis])
    return np.asarray(sizes.max(axis=axis).toarray()).ravel()
