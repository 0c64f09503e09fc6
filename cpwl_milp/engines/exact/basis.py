"""A proposed basis as a proof: weak duality, checked in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence

from cpwl_milp.engines.ambiguity import Basis
from cpwl_milp.engines.exact.dictionary import Effort
from cpwl_milp.engines.exact.integers import Row


def proves_nonnegative(
    target: Row,
    sides: Sequence[Row],
    basis: Basis,
    width: Sequence[int],
    effort: Effort,
) -> bool:
    """Whether a basis proves ``target >= 0`` on every cell that it bounds.

    With ``target = value + sum_j m_j s_j`` over the functions s_j of the basis, all m_j at least 0
    and value at least 0, the target is at least 0 wherever the s_j are.

    Parameters
    ----------
    sides : sequence of Row
        The functions of `basis.units`, each turned so that it is at least 0 on the cell.
    width : sequence of int
        Of the box.

    Returns
    -------
    bool
        False also where the functions are dependent: no proof, but no proof of the contrary.
    """
    solved = _through(target, sides, basis, width, effort)
    if solved is None:
        return False
    shares, value = solved
    return value >= 0 and all(share >= 0 for share in shares)


def vanishes(
    target: Row,
    sides: Sequence[Row],
    basis: Basis,
    width: Sequence[int],
    effort: Effort,
) -> bool:
    """Whether a function is exactly 0 where the functions of a basis are.

    False also where these are dependent. Parameters as for `proves_nonnegative`.
    """
    solved = _through(target, sides, basis, width, effort)
    return solved is not None and solved[1] == 0


def _through(
    target: Row,
    sides: Sequence[Row],
    basis: Basis,
    width: Sequence[int],
    effort: Effort,
) -> tuple[list[int], int] | None:
    """The m and the value with ``target = value + sum_j m_j s_j``, times a positive number."""
    stand = {*basis.lower, *basis.upper}
    free = [c for c in range(len(width)) if c not in stand]
    if len(free) != len(sides):
        return None
    solved = _solved(sides, target, free, effort)
    if solved is None:
        return None
    shares, den = solved
    value = target[0] * den - sum(m * side[0] for m, side in zip(shares, sides, strict=True))
    found = shares.copy()
    for c in stand:
        rest = target[c + 1] * den - sum(
            m * side[c + 1] for m, side in zip(shares, sides, strict=True)
        )
        if c in basis.upper:
            value += rest * width[c]
            rest = -rest
        found.append(rest)
    return found, value


def _solved(
    sides: Sequence[Row], target: Row, free: Sequence[int], effort: Effort
) -> tuple[list[int], int] | None:
    """The m with ``sum_j m_j side_j = target`` in the free coordinates, times a positive den.

    Fraction-free Gauss-Jordan elimination (Bareiss 1968). None where the sides are dependent.
    """
    m = len(free)
    table = [[*(side[c + 1] for side in sides), target[c + 1]] for c in free]
    before = 1
    for k in range(m):
        best = next((i for i in range(k, m) if table[i][k]), None)
        if best is None:
            return None
        table[k], table[best] = table[best], table[k]
        pivot_row = table[k]
        pivot = pivot_row[k]
        effort.spend(m * (m + 1 - k), pivot)
        for i in range(m):
            row = table[i]
            if i == k:
                continue
            factor = row[k]
            if factor:
                table[i] = [
                    (a * pivot - factor * b) // before for a, b in zip(row, pivot_row, strict=True)
                ]
            else:
                table[i] = [a * pivot // before for a in row]
        before = pivot
    # By now every diagonal entry is the determinant, which is `before`.
    sign = 1 if before > 0 else -1
    return [sign * row[m] for row in table], sign * before
