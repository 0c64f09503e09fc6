"""From independent estimates to one number, its interval, and a bound that needs no asymptotics."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, stdtrit

from cpwl_milp.core.affine import Vector

_LN10 = math.log(10.0)


@dataclass(frozen=True)
class Interval:
    """An estimate of a positive number, by its decimal logarithm.

    Attributes
    ----------
    log10 : float
        Of the mean of the estimates, which is unbiased for the number itself.
    low, high : float
        Decimal logarithms of the ends of the interval.
    spread : float
        Standard deviation of the estimates, in units of their mean.
    """

    log10: float
    low: float
    high: float
    spread: float

    @property
    def value(self) -> int | None:
        """The number itself, rounded; None beyond 1e300."""
        return round(10.0**self.log10) if self.log10 < 300 else None


def interval_of(logs: Vector, level: float) -> Interval:
    """The mean of independent estimates, given by natural logarithms, with a t interval.

    The interval is that of the mean, taken over to the logarithm (delta method): its ends are
    positive, and further off above than below, as the estimates themselves are skewed.
    """
    mean = float(logsumexp(logs) - math.log(logs.size))
    shares = np.exp(logs - mean)
    # Equal estimates have none, whatever rounding says.
    spread = float(shares.std(ddof=1)) if np.ptp(logs) > 0 else 0.0
    reach = float(stdtrit(logs.size - 1, 0.5 + level / 2)) * spread / math.sqrt(logs.size)
    return Interval(mean / _LN10, (mean - reach) / _LN10, (mean + reach) / _LN10, spread)


def markov_lower(logs: Vector, level: float) -> float:
    """Decimal logarithm of what the number exceeds with probability `level` at least.

    An unbiased estimate of N that is not negative exceeds k N with probability at most 1/k
    (Markov); the least of R independent ones does with at most k^-R. Nothing is asymptotic.
    """
    return float(logs.min() + math.log1p(-level) / logs.size) / _LN10
