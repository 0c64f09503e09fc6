"""Gaussian mixtures with equal spherical covariance: what noise makes of a layer's values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.errors import DataError

# Entries of one block of distances: 256 kB, which stays in a core's cache, and so small a product
# that no BLAS wakes its threads for it (waiting for them took ten times the product itself).
_BLOCK_ENTRIES = 1 << 15
# Exponents below are summed relative to their largest.
_FAR = -500.0


@dataclass(frozen=True, eq=False)
class Centres:
    """Distinct centres with their weights: equal values are one centre.

    Attributes
    ----------
    points : ndarray, shape (n_centres, dim)
    log_weights : ndarray, shape (n_centres,)
        They add up to 1.
    ids : ndarray of int64, shape (n_samples,)
        The centre of each sample.
    """

    points: Dense
    log_weights: Vector
    ids: NDArray[np.int64]

    @staticmethod
    def of(values: Dense) -> Centres:
        """Of samples, each equally probable."""
        points, ids, counts = np.unique(values, axis=0, return_inverse=True, return_counts=True)
        return Centres(points, np.log(counts / len(values)), ids.ravel().astype(np.int64))


def require_noise(sigma: float) -> None:
    """Stop at a noise that is none.

    Raises
    ------
    DataError
        Unless sigma is finite and above 0.
    """
    if not (np.isfinite(sigma) and sigma > 0):
        raise DataError("sigma", f"{sigma}", "a standard deviation above 0")


def log_kernel_sums(points: Dense, centres: Centres, sigma: float) -> Vector:
    """``ln sum_j w_j exp(-|t - S_j|^2 / (2 sigma^2))`` for each row t of `points`.

    Without the density's constant, which cancels in every information. One matrix product a block
    gives all exponents, ``2 t.c - |c|^2 + ln w - |t|^2`` around the centres' mean; what rounding
    lifts above a weight (a negative distance) is cut back.
    """
    left, right = _factors(points, centres, sigma)
    right[-2] += centres.log_weights
    found = np.empty(len(points))
    step = max(1, _BLOCK_ENTRIES // len(centres.points))
    top = centres.log_weights.max()
    for start in range(0, len(points), step):
        exponents = left[start : start + step] @ right
        np.minimum(exponents, top, out=exponents)
        largest = exponents.max(axis=1)
        # A point within some noise of its centre needs no shift, and a pass is saved.
        far = largest < _FAR
        if far.any():
            exponents[far] -= largest[far, None]
        np.exp(exponents, out=exponents)
        sums = np.log(exponents.sum(axis=1))
        found[start : start + step] = np.where(far, sums + largest, sums)
    return found


def kernel_sums_of_centres(centres: Centres, weights: Dense, sigma: float) -> tuple[Dense, Dense]:
    """``sum_j W_jk exp(-|S_i - S_j|^2 / (2 s^2))`` for s = sigma and s = 2 sigma, i and j centres.

    One product and one exponential for both, since ``exp(-x) = exp(-x / 4)^4``.

    Parameters
    ----------
    centres : Centres
        Their own weights are not used.
    weights : ndarray, shape (n_centres, n_sums)
    sigma : float

    Returns
    -------
    tuple of ndarray, each of shape (n_centres, n_sums)
        For sigma, and for 2 sigma.
    """
    left, right = _factors(centres.points, centres, 2.0 * sigma)
    narrow, wide = np.empty(weights.shape), np.empty(weights.shape)
    step = max(1, _BLOCK_ENTRIES // len(centres.points))
    for start in range(0, len(left), step):
        rows = slice(start, start + step)
        kernel = left[rows] @ right
        np.minimum(kernel, 0.0, out=kernel)
        np.exp(kernel, out=kernel)
        wide[rows] = kernel @ weights
        np.square(kernel, out=kernel)
        np.square(kernel, out=kernel)
        narrow[rows] = kernel @ weights
    return narrow, wide


def _factors(points: Dense, centres: Centres, sigma: float) -> tuple[Dense, Dense]:
    """Two matrices with the product ``-|t_i - c_j|^2 / (2 sigma^2)``."""
    shift = centres.points.mean(axis=0)
    scale = 1.0 / (np.sqrt(2.0) * sigma)
    c = (centres.points - shift) * scale
    t = (points - shift) * scale
    left = np.column_stack([t, np.ones(len(t)), -np.einsum("ij,ij->i", t, t)])
    right = np.vstack([2.0 * c.T, -np.einsum("ij,ij->i", c, c), np.ones(len(c))])
    return left, right
