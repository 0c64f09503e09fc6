"""Sets of points to look around: data, and what it is compared with.

Whether regions move away from data depends on what "elsewhere" means, so that is a parameter:

- ``uniform`` or ``uniform:LO,HI``: every input uniform between the least and the largest value of
  the data, or between the two numbers;
- ``normal`` or ``normal:MEAN,STD``: every input normal, with mean and standard deviation over all
  values of the data, or with those given;
- ``permuted``: each data point with its inputs in a random order of its own: the same values,
  no structure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import DataError, InputError

RANDOM_SETS = ("uniform", "normal", "permuted")


@dataclass(frozen=True, eq=False)
class PointSet:
    """Points by name.

    Attributes
    ----------
    name : str
    points : ndarray, shape (n, n_inputs)
    index : ndarray of int64, shape (n,)
        The row of each in what it was taken from (its partner's, for drawn points).
    labels : ndarray of int64, shape (n,), or None
    """

    name: str
    points: Dense
    index: NDArray[np.int64]
    labels: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.points)


def chosen(
    name: str,
    rows: NDArray[np.generic],
    n_points: int | None,
    seed: int,
    labels: NDArray[np.int64] | None = None,
) -> PointSet:
    """All rows of an array, or some of them at random, in their order.

    The choice depends on the seed and the number of rows alone: files with the same number of
    rows (data, and the same points attacked) give the same rows.

    Raises
    ------
    DataError
        If there are fewer rows than asked for.
    """
    if n_points is not None and n_points > len(rows):
        raise DataError(name, f"{len(rows)} rows", f"at least --points {n_points}")
    index = np.arange(len(rows))
    if n_points is not None and n_points < len(rows):
        random = np.random.default_rng([seed, len(rows)])
        index = np.sort(random.choice(len(rows), n_points, replace=False))
    points = np.asarray(rows[index], dtype=np.float64)
    return PointSet(name, points, index, None if labels is None else labels[index])


def is_random(spec: str) -> bool:
    """Whether a comparison is drawn rather than read from a file."""
    return spec.partition(":")[0] in RANDOM_SETS


def drawn(spec: str, data: PointSet, seed: int) -> PointSet:
    """As many random points as there are data points.

    Parameters
    ----------
    spec : str
        See the module.
    data : PointSet
    seed : int

    Raises
    ------
    InputError
        If the numbers do not fit.
    """
    kind, _, text = spec.partition(":")
    random = np.random.default_rng([seed, RANDOM_SETS.index(kind)])
    shape, values = data.points.shape, data.points
    if kind == "permuted":
        if text:
            raise InputError("--compare", f"{spec!r}", "permuted without numbers")
        return PointSet(spec, random.permuted(values, axis=1), data.index)
    if kind == "uniform":
        low, high = _two(spec, text) if text else (float(values.min()), float(values.max()))
        if not low < high:
            raise InputError(
                "--compare", f"the range {low:g} to {high:g}", "uniform:LO,HI, LO < HI"
            )
        return PointSet(spec, random.uniform(low, high, size=shape), data.index)
    mean, spread = _two(spec, text) if text else (float(values.mean()), float(values.std()))
    if not spread > 0:
        raise InputError("--compare", f"a standard deviation of {spread:g}", "one above 0")
    return PointSet(spec, random.normal(mean, spread, size=shape), data.index)


def _two(spec: str, text: str) -> tuple[float, float]:
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError("--compare", f"{spec!r}", "two numbers after the colon") from None
    if not (np.isfinite(first) and np.isfinite(second)):
        raise InputError("--compare", f"{spec!r}", "finite numbers")
    return first, second
