"""What many points say together: quantiles, and paired comparisons of two sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats

from cpwl_milp.core.affine import Vector

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Summary:
    """One measure over a set of points; points without a finite value are left out.

    Attributes
    ----------
    n : int
        Points with a value.
    mean, least, largest : float
        NaN without any.
    quantiles : tuple of float
        Those of `QUANTILES`; the third is the median.
    """

    n: int
    mean: float
    least: float
    largest: float
    quantiles: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return self.quantiles[QUANTILES.index(0.5)]


@dataclass(frozen=True)
class Paired:
    """First minus second, pair by pair.

    Attributes
    ----------
    n : int
        Pairs of which both have a finite value.
    higher, lower : int
        Pairs in which the first is higher (lower); the others are ties.
    median_difference, mean_difference : float
    effect : float
        The matched-pairs rank-biserial correlation, -1 to 1: of the ranks of the absolute
        differences, the share where the first is higher less the share where it is lower
        (Kerby 2014).
    sign_p, wilcoxon_p : float
        Two-sided p-values of the sign test and of Wilcoxon's signed-rank test; 1 where all
        pairs are ties, NaN where there is no pair.
    """

    n: int
    higher: int
    lower: int
    median_difference: float
    mean_difference: float
    effect: float
    sign_p: float
    wilcoxon_p: float


def summarised(values: Vector) -> Summary:
    """Mean, extremes and quantiles of the finite values."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        nan = float("nan")
        return Summary(0, nan, nan, nan, (nan,) * len(QUANTILES))
    return Summary(
        int(finite.size),
        float(finite.mean()),
        float(finite.min()),
        float(finite.max()),
        tuple(float(q) for q in np.quantile(finite, QUANTILES)),
    )


def compared(first: Vector, second: Vector) -> Paired:
    """Compare two measures of the same points, or one measure of paired points.

    Parameters
    ----------
    first, second : ndarray, shape (n,)
    """
    both = np.isfinite(first) & np.isfinite(second)
    difference = first[both] - second[both]
    n = int(difference.size)
    nan = float("nan")
    if n == 0:
        return Paired(0, 0, 0, nan, nan, nan, nan, nan)
    higher, lower = int(np.sum(difference > 0)), int(np.sum(difference < 0))
    moved = difference[difference != 0]
    effect, sign_p, wilcoxon_p = 0.0, 1.0, 1.0
    if moved.size:
        ranks = scipy.stats.rankdata(np.abs(moved))
        effect = float((ranks[moved > 0].sum() - ranks[moved < 0].sum()) / ranks.sum())
        sign_p = float(scipy.stats.binomtest(higher, higher + lower).pvalue)
        wilcoxon_p = float(scipy.stats.wilcoxon(moved).pvalue)
    return Paired(
        n,
        higher,
        lower,
        float(np.median(difference)),
        float(difference.mean()),
        effect,
        sign_p,
        wilcoxon_p,
    )
