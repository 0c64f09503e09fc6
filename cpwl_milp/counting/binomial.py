"""Binomial rows and their sums as exact integers of any size."""

from __future__ import annotations

import math


def log2_binomial(n: int, k: int) -> float:
    """``log2 C(n, k)``, to double precision."""
    if k < 0 or k > n:
        return -math.inf
    return (math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)) / math.log(2)


def binomial_row(n: int, last: int) -> list[int]:
    """``C(n, 0), ..., C(n, min(last, n))``, each from the one before."""
    row = [1]
    for j in range(min(last, n)):
        row.append(row[-1] * (n - j) // (j + 1))
    return row


def zaslavsky(n: int, d: int) -> int:
    """``sum_{j <= d} C(n, j)``: the most cells that n hyperplanes of rank d can form.

    Zaslavsky, Facing up to arrangements, 1975; equality iff they are in general position.
    """
    if d >= n:
        return 1 << n
    if d > n // 2:
        # The shorter half of the row, taken from the whole.
        return (1 << n) - zaslavsky(n, n - d - 1)
    total = term = 1
    for j in range(d):
        term = term * (n - j) // (j + 1)
        total += term
    return total


def zaslavsky_work(n: int, d: int) -> float:
    """Machine words that `zaslavsky` touches, roughly: terms times their length."""
    terms = max(0, min(d, n - d - 1)) if d < n else 0
    return terms * (1 + log2_binomial(n, min(terms, n // 2)) / 30)
