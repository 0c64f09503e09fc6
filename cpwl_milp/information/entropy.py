"""Entropy estimators on count vectors, in bits.

An estimator is a small function from the counts of the occupied regions to bits, entered in
`ENTROPY_ESTIMATORS` by name; whatever stands there is reported. None is best everywhere: on
uniform distributions Chao-Shen has the least bias, on heavy-tailed ones Grassberger, and with
more regions than samples all are off. So they are shown side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import psi, xlogy

Counts: TypeAlias = NDArray[np.int64]
EntropyEstimator: TypeAlias = Callable[[Counts], float]

_LN2 = float(np.log(2.0))


def plugin(counts: Counts) -> float:
    """The entropy of the observed frequencies: ``log2 N - (1/N) sum n_i log2 n_i``.

    Biased low by about (K - 1) / (2 N ln 2) bits for K regions.
    """
    total = counts.sum()
    return _bits(np.log(total) - xlogy(counts, counts).sum() / total)


def miller_madow(counts: Counts) -> float:
    """Plug-in plus its first-order bias (K - 1) / (2 N), K the occupied regions (Miller 1955)."""
    total = counts.sum()
    return plugin(counts) + _bits((np.count_nonzero(counts) - 1) / (2.0 * total))


def grassberger(counts: Counts) -> float:
    """``ln N - (1/N) sum n_i G(n_i)``, Grassberger 2003 (arXiv:physics/0307138).

    ``G(n) = psi(n) + (-1)^n (psi((n+1)/2) - psi(n/2)) / 2``.
    """
    # Many regions share few counts, and G costs three digammas.
    sizes, regions = np.unique(counts[counts > 0], return_counts=True)
    if regions.sum() == 1:
        # One region: what the formula gives is its own error, of either sign.
        return 0.0
    n = sizes.astype(np.float64)
    total = counts.sum()
    sign = np.where(sizes % 2 == 0, 1.0, -1.0)
    g = psi(n) + 0.5 * sign * (psi((n + 1) / 2) - psi(n / 2))
    return _bits(np.log(total) - (regions * n * g).sum() / total)


def chao_shen(counts: Counts) -> float:
    """Horvitz-Thompson sum over coverage-adjusted frequencies (Chao and Shen 2003).

    ``H = -sum p ln p / (1 - (1 - p)^N)`` with ``p = (1 - f1/N) n_i / N`` and f1 the regions
    with one sample (one less where all have one, since coverage 0 would leave nothing).
    """
    n = counts[counts > 0]
    total = int(n.sum())
    singles = int(np.count_nonzero(n == 1))
    if singles == total:
        singles -= 1
    p = (1.0 - singles / total) * n / total
    # 1 - (1 - p)^N without cancellation; p = 1 (a single region) gives 0 entropy.
    with np.errstate(divide="ignore"):
        seen = -np.expm1(total * np.log1p(-p))
    return _bits(-(xlogy(p, p) / seen).sum())


ENTROPY_ESTIMATORS: Mapping[str, EntropyEstimator] = MappingProxyType(
    {
        "plugin": plugin,
        "miller_madow": miller_madow,
        "grassberger": grassberger,
        "chao_shen": chao_shen,
    }
)


def entropies(counts: Counts) -> dict[str, float]:
    """Every registered estimate of the entropy of `counts`, in bits."""
    return {name: estimate(counts) for name, estimate in ENTROPY_ESTIMATORS.items()}


def _bits(nats: float) -> float:
    # "+ 0.0" turns -0.0 into 0.0: the entropy of one region prints as 0.
    return float(nats) / _LN2 + 0.0
