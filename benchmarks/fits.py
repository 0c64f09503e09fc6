"""Growth curves: seconds a region against a quantity, and the exponent of the power law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.plan import CURVES, Curve
from benchmarks.results import Results

# Below so many regions a search is mostly its beginning.
_LEAST_REGIONS = 1000


@dataclass(frozen=True)
class Growth:
    """A measured curve.

    Attributes
    ----------
    curve : Curve
    x : tuple of int
        The quantity.
    seconds : tuple of float
        CPU seconds a region.
    exponent, error : float
        Of ``seconds ~ x ** exponent``, least squares on logarithms, and its standard error.
    """

    curve: Curve
    x: tuple[int, ...]
    seconds: tuple[float, ...]
    exponent: float
    error: float


def fitted(curve: Curve, results: Results) -> Growth | None:
    """The curve with its exponent; None where fewer than three points were measured."""
    points = []
    for (x, _), job in zip(curve.points, curve.jobs, strict=True):
        found = results.one(job)
        if found is not None and found.regions >= _LEAST_REGIONS and found.cpu > 0:
            points.append((x, found.cpu / found.regions))
    if len(points) < 3:
        return None
    xs, seconds = zip(*points, strict=True)
    log_x, log_y = np.log(xs), np.log(seconds)
    slope, constant = np.polyfit(log_x, log_y, 1)
    residual = log_y - slope * log_x - constant
    spread = np.sum((log_x - log_x.mean()) ** 2)
    error = np.sqrt(np.sum(residual**2) / (len(points) - 2) / spread)
    return Growth(curve, xs, seconds, float(slope), float(error))


def grown(results: Results) -> list[Growth]:
    """The growth curves that were measured."""
    return [growth for curve in CURVES if (growth := fitted(curve, results)) is not None]
