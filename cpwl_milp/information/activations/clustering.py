"""How values cluster: what falling binned information is mostly about (Goldfeld et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.information.labels import Labels

_SATURATED = 0.95


@dataclass(frozen=True)
class Clustering:
    """Measures of one layer.

    Attributes
    ----------
    distinct : int
        Different value vectors.
    saturation : float
        Share of values in the outer 5 % of the layer's range, at either end.
    within, between : float or None
        Root mean square distance of two samples of one class, and of two classes; None without
        labels, or where there is no such pair.
    """

    distinct: int
    saturation: float
    within: float | None
    between: float | None


def clustering(values: Dense, labels: Labels | None = None) -> Clustering:
    """Measure a layer's values, shape (n, dim)."""
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    saturation = float(np.mean(np.abs(values - middle) >= _SATURATED * half)) if half > 0 else 1.0
    within, between = (None, None) if labels is None else _distances(values, labels)
    return Clustering(len(np.unique(values, axis=0)), saturation, within, between)


def _distances(values: Dense, labels: Labels) -> tuple[float | None, float | None]:
    """Mean squares of all pairs from first and second moments, without looking at pairs."""
    centred = values - values.mean(axis=0)
    squares = np.einsum("ij,ij->i", centred, centred)
    inside, pairs = 0.0, 0.0
    for k, count in enumerate(labels.counts):
        rows = labels.ids == k
        inside += _sum_of_squares(centred[rows], squares[rows])
        pairs += float(count) * (float(count) - 1.0)
    n = float(len(values))
    others = n * (n - 1.0) - pairs
    across = _sum_of_squares(centred, squares) - inside
    return _root(inside, pairs), _root(across, others)


def _sum_of_squares(values: Dense, squares: Vector) -> float:
    """``sum_ij |v_i - v_j|^2 = 2 n sum |v|^2 - 2 |sum v|^2``."""
    total = values.sum(axis=0)
    return float(2.0 * len(values) * squares.sum() - 2.0 * (total @ total))


def _root(total: float, pairs: float) -> float | None:
    return None if pairs <= 0 else float(np.sqrt(max(total, 0.0) / pairs))
