"""Bounds of the information that a layer keeps under Gaussian noise, from pairwise distances.

Kolchinsky and Tracey 2017 (Entropy 19, 361): with T = S + N(0, sigma^2 I) and S one of the samples'
values, ``-mean_i ln mean_j exp(-|S_i - S_j|^2 / (8 sigma^2)) <= I(S; T)``, and the same with
``2 sigma^2`` is above it. Saxe et al. (2018) use the upper one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from cpwl_milp.core.affine import Dense
from cpwl_milp.information.activations.mixtures import (
    Centres,
    kernel_sums_of_centres,
    require_noise,
)
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
    centres = Centres.of(values)
    shares = np.exp(centres.log_weights)[:, None]
    if labels is None:
        upper, lower = (
            _distinctness(sums, shares)[0]
            for sums in kernel_sums_of_centres(centres, shares, sigma)
        )
        return KdeBounds(lower, upper, None, None)
    n_classes = len(labels.classes)
    table = np.zeros((len(shares), n_classes))
    np.add.at(table, (centres.ids, labels.ids), 1.0)
    # The whole, then each class by itself.
    weights = np.hstack([shares, table / np.maximum(labels.counts, 1)])
    of_class = labels.counts / len(values)
    found = []
    for sums in kernel_sums_of_centres(centres, weights, sigma):
        whole, *within = _distinctness(sums, weights)
        found.append((whole, whole - float(of_class @ np.array(within))))
    (upper, told_upper), (lower, told_lower) = found
    return KdeBounds(lower, upper, told_lower, told_upper)


def _distinctness(sums: Dense, weights: Dense) -> list[float]:
    """``-sum_i w_i log2 sum_j w_j exp(-|S_i - S_j|^2 / (2 s^2))``, by column."""
    # A centre counts in its own sum, so that none is 0 where its weight is not.
    terms = xlogy(weights, np.where(weights > 0, sums, 1.0))
    # Rounding alone can take it below 0; "+ 0.0" turns -0.0 into 0.0: a constant layer.
    return [max(float(-column.sum()) / _LN2, 0.0) + 0.0 for column in terms.T]
