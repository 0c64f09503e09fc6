"""Entropy estimators on count vectors, in bits.

An estimator is a small function from the counts of the occupied regions to bits, entered in
`ENTROPY_ESTIMATORS` by name; whatever stands there is reported. None is best everywhere: on
uniform distributions Chao-Shen has the least bias, on heavy-tailed ones Grassberger, and with
more regions than samples all are off. So they are shown side by side.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
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


def chao_wang_jost(counts: Counts) -> float:
    """Entropy from the slope of the accumulation curve (Chao, Wang and Jost 2013).

    ``(1/N) sum n_i (psi(N) - psi(n_i)) + (f1/N) T``, where f1 and f2 regions have one and two
    samples, ``T = (1 - A)^(1 - N) (-ln A - sum_{r<N} (1 - A)^r / r)`` and A is the mean chance of
    a region with one sample: ``2 f2 / ((N - 1) f1 + 2 f2)``, without f2
    ``2 / ((N - 1)(f1 - 1) + 2)``.
    """
    sizes, regions = np.unique(counts[counts > 0], return_counts=True)
    total = int((sizes * regions).sum())
    seen = (regions * sizes * (psi(float(total)) - psi(sizes.astype(np.float64)))).sum() / total
    singles, pairs = (int(regions[sizes == size].sum()) for size in (1, 2))
    if singles == 0 or total == 1:
        return _bits(seen)
    if pairs:
        chance = 2.0 * pairs / ((total - 1.0) * singles + 2.0 * pairs)
    else:
        chance = 2.0 / ((total - 1.0) * (singles - 1.0) + 2.0)
    return _bits(seen + singles / total * _unseen_tail(chance, total))


def _unseen_tail(chance: float, total: int) -> float:
    """``sum_{k>=1} q^k / (k + N - 1)`` with q = 1 - chance, to which T of the formula comes down.

    It is ``int_0^1 q t^(N-1) / (1 - q t) dt``; with ``t = exp(-e^v / N)`` nothing cancels and
    nothing is singular, however small the chance and however large N.
    """
    rest = 1.0 - chance
    if rest == 0.0:
        return 0.0
    start = float(np.log(chance * total))

    def integrand(v: float) -> float:
        u = np.exp(v)
        return float(rest * np.exp(-u) * u / (total * (chance - rest * np.expm1(-u / total))))

    breaks = sorted({start, 0.0, min(start, 0.0) - 40.0, max(start, 0.0) + 6.6})
    parts = [
        quad(integrand, a, b, epsabs=0.0, epsrel=1e-11, limit=200)[0]
        for a, b in itertools.pairwise(breaks)
    ]
    return float(sum(parts))


ENTROPY_ESTIMATORS: Mapping[str, EntropyEstimator] = MappingProxyType(
    {
        "plugin": plugin,
        "miller_madow": miller_madow,
        "grassberger": grassberger,
        "chao_shen": chao_shen,
        "chao_wang_jost": chao_wang_jost,
    }
)


def entropies(counts: Counts) -> dict[str, float]:
    """Every registered estimate of the entropy of `counts`, in bits."""
    return {name: estimate(counts) for name, estimate in ENTROPY_ESTIMATORS.items()}


def _bits(nats: float) -> float:
    # "+ 0.0" turns -0.0 into 0.0: the entropy of one region prints as 0.
    return float(nats) / _LN2 + 0.0
