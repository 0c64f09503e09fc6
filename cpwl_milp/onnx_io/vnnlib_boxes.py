"""Unions of boxes, each as the bounds of the inputs it mentions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.errors import DomainError

# Lower and upper bound of each input that is mentioned.
Bounds: TypeAlias = "dict[int, tuple[float, float]]"

# Several disjunctions over inputs multiply: how many bounds may be looked at, and how many numbers
# the boxes may hold in the end.
_MOST_WORK = 4_000_000
_MOST_NUMBERS = 20_000_000


def narrow(bounds: Bounds, more: Bounds) -> None:
    """Intersect the box `bounds` with another, in place."""
    for k, (low, high) in more.items():
        old_low, old_high = bounds.get(k, (-np.inf, np.inf))
        bounds[k] = (max(low, old_low), min(high, old_high))


def intersected(unions: Sequence[list[Bounds]], where: str) -> list[Bounds]:
    """Each choice of one box from every union, intersected.

    Empty boxes and repeated ones are dropped on the way, so that disjunctions that exclude or
    repeat each other do not multiply. When all are empty, one is left to say so.

    Raises
    ------
    DomainError
        If there are too many.
    """
    found: list[Bounds] = [{}]
    work = 0
    for options in unions:
        distinct: dict[frozenset[tuple[int, tuple[float, float]]], Bounds] = {}
        empty: Bounds = {}
        for start in found:
            for option in options:
                work += len(start) + len(option) + 1
                if work > _MOST_WORK:
                    raise DomainError(
                        where, "disjunctions of inputs that multiply to too many boxes", "fewer"
                    )
                box = dict(start)
                narrow(box, option)
                if any(low > high for low, high in box.values()):
                    empty = box
                else:
                    distinct.setdefault(frozenset(box.items()), box)
        found = list(distinct.values()) or [empty]
    return found


def as_ends(
    common: Bounds, union: Sequence[Bounds], n_inputs: int, path: str, *, may_be_free: bool
) -> list[tuple[Vector, Vector]]:
    """The distinct, nonempty boxes of a union within common bounds: lower and upper ends.

    Parameters
    ----------
    common, union : bounds
    n_inputs : int
    path : str
        For messages.
    may_be_free : bool
        Whether an input may lack a bound: its end is infinite then.

    Raises
    ------
    DomainError
        If an input lacks a bound, or all boxes are empty, or they are too many.
    """
    if len(union) * n_inputs > _MOST_NUMBERS:
        raise DomainError(path, f"{len(union):,} boxes over {n_inputs:,} inputs", "fewer")
    least, most = np.full(n_inputs, -np.inf), np.full(n_inputs, np.inf)
    for k, (low, high) in common.items():
        least[k], most[k] = low, high
    found: dict[bytes, tuple[Vector, Vector]] = {}
    empty = None
    for bounds in union:
        lower, upper = least.copy(), most.copy()
        for k, (low, high) in bounds.items():
            lower[k], upper[k] = max(low, lower[k]), min(high, upper[k])
        for name, bound in (("lower", lower), ("upper", upper)):
            free = np.flatnonzero(np.isinf(bound))
            if free.size and not may_be_free:
                raise DomainError(
                    path, f"X_{free[0]} has no {name} bound", "a lower and an upper bound each"
                )
        crossed = np.flatnonzero(lower > upper)
        if crossed.size:
            k = crossed[0]
            empty = f"X_{k} has lower bound {lower[k]:g} above upper bound {upper[k]:g}"
        else:
            found.setdefault(lower.tobytes() + upper.tobytes(), (lower, upper))
    if not found:
        raise DomainError(path, f"an empty input set: {empty}", "lower <= upper")
    return list(found.values())
