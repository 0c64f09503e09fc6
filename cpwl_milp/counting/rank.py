"""Upper bounds of matrix ranks that hold for the stored weights, not only numerically.

A rank enters the region bounds from above, so a numerical rank, which calls small singular
values zero, would be unsound. Here a rank below the shape of a matrix is proved by exact
arithmetic: an integer matrix has rank at most r iff all its minors of size r + 1 vanish, and
they do when they vanish modulo primes whose product exceeds Hadamard's bound on them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Matrix

# Products of two residues must fit in int64.
_LARGEST_PRIME_BITS = 31


@dataclass
class RankBudget:
    """How many multiplications the ranks of one network may still cost.

    Attributes
    ----------
    left : float
        Multiply-adds; each matrix that exceeds what is left is bounded by its shape.
    skipped : int
        How many matrices were bounded by their shape because of it.
    """

    left: float = 1e8
    skipped: int = 0

    def grants(self, cost: float) -> bool:
        """Take `cost` from what is left, if it suffices."""
        if cost > self.left:
            self.skipped += 1
            return False
        self.left -= cost
        return True


def rank_bound(
    weight: Matrix,
    rows: NDArray[np.bool_],
    columns: NDArray[np.bool_],
    needed: int,
    budget: RankBudget,
) -> int:
    """An upper bound of the rank of ``weight[rows][:, columns]``.

    Parameters
    ----------
    weight : ndarray or csr_array, shape (n_out, n_in)
    rows, columns : ndarray of bool
    needed : int
        A rank of `needed` or more is of no use to the caller and not looked for.
    budget : RankBudget
        Shared by the layers of a network.
    """
    matrix = _trimmed(weight, rows, columns)
    n_rows, n_columns = int(matrix.shape[0]), int(matrix.shape[1])
    bound = min(n_rows, n_columns)
    goal = min(bound, needed)
    if goal == 0 or sp.issparse(matrix):
        return bound
    # The float rank only says whether a proof is worth its price.
    if not budget.grants(4.0 * n_rows * n_columns * bound / 8):
        return bound
    if int(np.linalg.matrix_rank(matrix)) >= goal:
        return bound
    proved = _proved_rank(matrix, goal, budget)
    return bound if proved is None else proved


def _trimmed(weight: Matrix, rows: NDArray[np.bool_], columns: NDArray[np.bool_]) -> Matrix:
    """The chosen block without zero rows and columns; dense iff `weight` is."""
    if isinstance(weight, np.ndarray):
        block = weight[np.ix_(rows, columns)]
        block = block[np.any(block != 0, axis=1)]
        return np.asarray(block[:, np.any(block != 0, axis=0)])
    chosen = sp.csr_array(weight[np.flatnonzero(rows)])
    filled = np.flatnonzero(np.diff(chosen.indptr) > 0)
    used = np.zeros(weight.shape[1], dtype=np.bool_)
    used[chosen.indices[chosen.data != 0]] = True
    kept = np.flatnonzero(used & columns)
    return sp.csr_array(chosen[filled][:, kept])


def _proved_rank(matrix: NDArray[np.float64], goal: int, budget: RankBudget) -> int | None:
    """The exact rank if it is below `goal` and the proof fits the budget, else None."""
    integers, log2_rows = _integer_form(matrix)
    cost = 8.0 * matrix.size * goal
    rank, bits_covered = 0, 0.0
    for prime in _primes():
        if not budget.grants(cost):
            return None
        rank = max(rank, _rank_modulo(_residues(*integers, prime), prime, goal))
        if rank >= goal:
            return None
        bits_covered += math.log2(prime)
        # Hadamard: a minor is at most the product of the norms of its rows.
        if bits_covered > float(np.sum(log2_rows[: rank + 1])) + 1e-6 * (rank + 1) + 1:
            return rank
        if (float(np.sum(log2_rows[: rank + 1])) - bits_covered) / 30 * cost > budget.left:
            budget.skipped += 1
            return None
    return None


def _integer_form(
    matrix: NDArray[np.float64],
) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]:
    """Odd mantissas and exponents >= 0 of the matrix, its rows and columns scaled by powers of 2.

    Also log2 of the rows' norms, falling. Such scaling leaves the rank as it is.
    """
    fraction, exponent = np.frexp(matrix)
    mantissa = np.asarray(np.ldexp(fraction, 53), dtype=np.int64)
    zero = mantissa == 0
    # The lowest set bit of each mantissa moves into its exponent.
    low = np.where(zero, 1, mantissa & -mantissa)
    shift = np.asarray(np.log2(low.astype(np.float64)), dtype=np.int64)
    mantissa = np.where(zero, 0, mantissa >> shift)
    powers = exponent.astype(np.int64) - 53 + shift
    far = np.iinfo(np.int64).max
    for axis in (1, 0):
        least = np.min(np.where(zero, far, powers), axis=axis, keepdims=True)
        powers = powers - least
    powers = np.where(zero, 0, powers)
    with np.errstate(divide="ignore"):
        logs = np.where(zero, -np.inf, np.log2(np.abs(mantissa).astype(np.float64)) + powers)
    largest = np.max(logs, axis=1)
    norms = largest + 0.5 * np.log2(np.sum(np.exp2(2 * (logs - largest[:, None])), axis=1))
    return (mantissa, powers), np.sort(norms)[::-1]


def _residues(
    mantissa: NDArray[np.int64], powers: NDArray[np.int64], prime: int
) -> NDArray[np.int64]:
    distinct, index = np.unique(powers, return_inverse=True)
    table = np.array([pow(2, int(e), prime) for e in distinct], dtype=np.int64)
    return (mantissa % prime) * table[index.reshape(powers.shape)] % prime


def _rank_modulo(residues: NDArray[np.int64], prime: int, goal: int) -> int:
    """Rank over the field of `prime` elements, up to `goal`, by elimination."""
    a = residues if residues.shape[0] >= residues.shape[1] else residues.T
    a = a.copy()
    rank = 0
    for column in range(a.shape[1]):
        candidates = np.flatnonzero(a[rank:, column])
        if candidates.size == 0:
            continue
        pivot = rank + int(candidates[0])
        if pivot != rank:
            a[[rank, pivot]] = a[[pivot, rank]]
        a[rank] = a[rank] * pow(int(a[rank, column]), -1, prime) % prime
        below = rank + 1 + np.flatnonzero(a[rank + 1 :, column])
        a[below] = (a[below] - a[below, column][:, None] * a[rank]) % prime
        rank += 1
        if rank == min(goal, a.shape[0]):
            break
    return rank


def _primes() -> Iterator[int]:
    """Primes downward from 2^31."""
    candidate = (1 << _LARGEST_PRIME_BITS) - 1
    while candidate > 1 << (_LARGEST_PRIME_BITS - 1):
        if _is_prime(candidate):
            yield candidate
        candidate -= 2


def _is_prime(n: int) -> bool:
    """Miller-Rabin; the bases 2, 3, 5, 7 decide every n below 3.2e9."""
    odd = n - 1
    twos = (odd & -odd).bit_length() - 1
    odd >>= twos
    for base in (2, 3, 5, 7):
        x = pow(base, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True
