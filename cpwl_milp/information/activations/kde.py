"""Bounds of the information that a layer keeps under Gaussian noise, from pairwise distances.

Kolchinsky and Tracey 2017 (Entropy 19, 361): with T = S + N(0, sigma^2 I) and S one of the samples'
values, ``-mean_i ln mean_j exp(-|S_i - S_j|^2 / (8 sigma^2)) <= I(S; T)``, and the same with
``2 sigma^2`` is above it. Saxe et al. (2018) use the upper one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.affine import Dense
from cpwl_milp.information.activations.mixtures import Centres, log_kernel_sums, require_noise
from cpwl_milp.information.labels import Labels

_LN2 = float(np.log(2.0))


@dataclass(frozen=True)
class KdeBounds:
    """In bits.

    Attributes
    ----------
    lower, upper : float
        Of I(X; T), where the samples are all inputs.
    labels_lower, labels_upper : float or None
        The same expressions less their mean within classes: estimates of I(Y; T), as the
        literature takes them; they bound nothing.
    """

    lower: float
    upper: float
    labels_lower: float | None
    labels_upper: float | None


def kde_bounds(values: Dense, sigma: float, labels: Labels | None = None) -> KdeBounds:
    """Bounds of I(X; T) for a layer's values, shape (n, dim), under noise `sigma`.

    Raises
    ------
    DataError
        If sigma is not above 0.
    """
    require_noise(sigma)
    lower, upper = _distinctness(values, 2.0 * sigma), _distinctness(values, sigma)
    if labels is None:
        return KdeBounds(lower, upper, None, None)
    within = np.zeros(2)
    for k, count in enumerate(labels.counts):
        part = values[labels.ids == k]
        share = count / len(values)
        within += share * np.array([_distinctness(part, 2.0 * sigma), _distinctness(part, sigma)])
    return KdeBounds(lower, upper, lower - float(within[0]), upper - float(within[1]))


def _distinctness(values: Dense, sigma: float) -> float:
    """``-mean_i log2 mean_j exp(-|S_i - S_j|^2 / (2 sigma^2))``."""
    centres = Centres.of(values)
    sums = log_kernel_sums(centres.points, centres, sigma)
    # "+ 0.0" turns -0.0 into 0.0: a constant layer.
    return max(float(-(np.exp(centres.log_weights) * sums).sum()) / _LN2, 0.0) + 0.0
