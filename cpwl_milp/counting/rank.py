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
from numpy.typing import NDArray

from cpwl_milp.core.affine import Matrix

# Products of two residues must fit in int64.
_FIRST_PRIME = (1 << 31) - 1


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

    left: float = 5e7
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
    filled, used = _support(weight, rows, columns)
    bound = min(filled.size, used.size)
    goal = min(bound, needed)
    if goal == 0:
        return bound
    # A part of full rank is the common case, and cheap to see: rank modulo a prime is at most
    # the rank, so reaching the goal settles that there is nothing to gain.
    few = goal + 8
    if few < max(filled.size, used.size):
        some = np.zeros_like(rows)
        some[filled[:few]] = True
        part = tuple(index[: 2 * few] for index in _support(weight, some, columns))
        if not budget.grants(_price(part[0].size, part[1].size, goal)):
            return bound
        integers = _integer_form(_block(weight, *part))
        if _rank_modulo(_residues(*integers, _FIRST_PRIME), _FIRST_PRIME, goal) >= goal:
            return bound
    if not budget.grants(_price(filled.size, used.size, goal)):
        return bound
    proved = _proved_rank(_block(weight, filled, used), goal, budget)
    return bound if proved is None else proved


def _price(n_rows: int, n_columns: int, goal: int) -> float:
    """Multiply-adds of one elimination, with what conversion and calls cost besides."""
    return goal * (0.5 * n_rows * n_columns + 5000.0) + 20.0 * n_rows * n_columns


def _support(
    weight: Matrix, rows: NDArray[np.bool_], columns: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The chosen rows and columns that are not zero in the block they form."""
    if isinstance(weight, np.ndarray):
        chosen = np.flatnonzero(rows)
        nonzero = weight[chosen] != 0
        nonzero[:, ~columns] = False
        return chosen[nonzero.any(axis=1)], np.flatnonzero(nonzero.any(axis=0))
    row_of = np.repeat(np.arange(weight.shape[0]), np.diff(weight.indptr))
    kept = (weight.data != 0) & rows[row_of] & columns[weight.indices]
    filled, used = np.zeros_like(rows), np.zeros_like(columns)
    filled[row_of[kept]] = True
    used[weight.indices[kept]] = True
    return np.flatnonzero(filled), np.flatnonzero(used)


def _block(
    weight: Matrix, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float64]:
    if isinstance(weight, np.ndarray):
        return weight[np.ix_(rows, columns)]
    return np.asarray(weight[rows][:, columns].toarray())


def _proved_rank(matrix: NDArray[np.float64], goal: int, budget: RankBudget) -> int | None:
    """The exact rank if it is below `goal` and the proof fits the budget, else None."""
    integers = _integer_form(matrix)
    log2_rows = _log2_norms(*integers)
    rank, bits_covered = 0, 0.0
    price = _price(matrix.shape[0], matrix.shape[1], goal)
    for prime in _primes():
        rank = max(rank, _rank_modulo(_residues(*integers, prime), prime, goal))
        if rank >= goal:
            return None
        bits_covered += math.log2(prime)
        # Hadamard: a minor is at most the product of the norms of its rows.
        missing = float(np.sum(log2_rows[: rank + 1])) + 1e-6 * (rank + 1) + 1 - bits_covered
        if missing < 0:
            return rank
        if missing / 30 * price > budget.left:
            budget.skipped += 1
            return None
        budget.grants(price)
    return None


def _integer_form(matrix: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Odd mantissas and exponents >= 0 of the matrix, its rows and columns scaled by powers of 2.

    Such scaling leaves the rank as it is.
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
    return mantissa, np.where(zero, 0, powers)


def _log2_norms(mantissa: NDArray[np.int64], powers: NDArray[np.int64]) -> NDArray[np.float64]:
    """log2 of the Euclidean norms of the rows, none of them zero, falling."""
    magnitude = np.abs(mantissa).astype(np.float64)
    logs = np.where(mantissa == 0, -np.inf, np.log2(np.maximum(magnitude, 1.0)) + powers)
    largest = np.max(logs, axis=1)
    norms = largest + 0.5 * np.log2(np.sum(np.exp2(2 * (logs - largest[:, None])), axis=1))
    return np.sort(norms)[::-1]


def _residues(
    mantissa: NDArray[np.int64], powers: NDArray[np.int64], prime: int
) -> NDArray[np.int64]:
    table = np.array([pow(2, e, prime) for e in range(int(powers.max()) + 1)], dtype=np.int64)
    return (mantissa % prime) * table[powers] % prime


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
        factors = a[below, column][:, None]
        a[below, column:] = (a[below, column:] - factors * a[rank, column:]) % prime
        rank += 1
        if rank == min(goal, a.shape[0]):
            break
    return rank


def _primes() -> Iterator[int]:
    """Primes downward from 2^31."""
    candidate = _FIRST_PRIME
    while candidate > _FIRST_PRIME // 2:
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
