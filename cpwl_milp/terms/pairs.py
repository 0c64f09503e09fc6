"""Two terms for each of many points: angles, distances, correlations of coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector


@dataclass(frozen=True)
class Summary:
    """One measure over many values; those that do not exist are left out.

    Attributes
    ----------
    n : int
        Values that exist.
    mean, median, std, least, largest : float
        NaN without any.
    """

    n: int
    mean: float
    median: float
    std: float
    least: float
    largest: float

    @staticmethod
    def of(values: NDArray[np.generic]) -> Summary:
        """Summarise the finite ones of some values."""
        finite = np.asarray(values, dtype=np.float64).ravel()
        finite = finite[np.isfinite(finite)]
        if not finite.size:
            return Summary(0, *[float("nan")] * 5)
        return Summary(
            finite.size,
            float(finite.mean()),
            float(np.median(finite)),
            float(finite.std()),
            float(finite.min()),
            float(finite.max()),
        )


@dataclass(frozen=True)
class PairStatistics:
    """How alike two families of coefficients are, row by row.

    Attributes
    ----------
    n : int
        Pairs.
    angle : Summary
        Between the two rows, in degrees; undefined where one is 0.
    distance : Summary
        Euclidean.
    correlation : Summary
        Of each coefficient over the pairs, then over coefficients; undefined where one is constant.
    """

    n: int
    angle: Summary
    distance: Summary
    correlation: Summary


def compare_pairs(first: Dense, second: Dense) -> PairStatistics:
    """Compare coefficients (without bias) of shape (n, n_inputs), row by row."""
    return PairStatistics(
        len(first),
        Summary.of(angles(first, second)),
        Summary.of(np.linalg.norm(first - second, axis=1)),
        Summary.of(correlations(first, second)),
    )


def angles(first: Dense, second: Dense) -> Vector:
    """Angles between rows in degrees, shape (n,); NaN where a row is 0.

    ``2 atan2(|u - v|, |u + v|)`` for unit rows u and v: exact also where they are nearly parallel,
    where an arc cosine loses half of the digits (Kahan, How futile are mindless assessments of
    roundoff, 2006, section 12).
    """
    lengths = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = first / lengths[0][:, None], second / lengths[1][:, None]
    apart, along = np.linalg.norm(u - v, axis=1), np.linalg.norm(u + v, axis=1)
    return np.asarray(np.degrees(2 * np.arctan2(apart, along)))


def correlations(first: Dense, second: Dense) -> Vector:
    """Correlation of each column over the rows, shape (n_inputs,); NaN for a constant column."""
    if len(first) < 2:
        return np.full(first.shape[1], np.nan)
    a, b = first - first.mean(axis=0), second - second.mean(axis=0)
    spread = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    # What rounding leaves of a constant column is no spread.
    sizes = np.abs(first).max(axis=0) * np.abs(second).max(axis=0)
    there = spread > 1e-12 * sizes * len(first)
    found = np.full(first.shape[1], np.nan)
    found[there] = (a * b).sum(axis=0)[there] / spread[there]
    return np.asarray(np.clip(found, -1.0, 1.0))


def same_class_partners(
    labels: NDArray[np.int64], others: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """For each label a random place of that label among the others; -1 where there is none."""
    found = np.full(len(labels), -1, dtype=np.int64)
    for k in np.unique(labels):
        here, there = np.flatnonzero(labels == k), np.flatnonzero(others == k)
        if there.size:
            found[here] = rng.choice(there, len(here))
    return found
