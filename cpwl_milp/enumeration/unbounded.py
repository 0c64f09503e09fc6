"""Which regions of the whole space are unbounded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits, Packed
from cpwl_milp.engines.exact.recession import ExactRecession
from cpwl_milp.partition.composed import composed_blocks

# Rounding errors of a composed gradient, relative to its size before any cancellation.
_ROUNDING = 1e-13
# What float64 decides is clear of zero by this.
_CLEAR = 1e-6


def unbounded(network: Network, patterns: Packed) -> NDArray[np.bool_]:
    """Whether each region, in all of R^n, has a direction in which it never ends.

    Parameters
    ----------
    network : Network
        Over R^n.
    patterns : ndarray of uint8, shape (n_regions, bytes)
        Of proper regions.

    Returns
    -------
    ndarray of bool, shape (n_regions,)
        Exact: what float64 does not prove is decided in whole numbers.

    Notes
    -----
    A region never ends in direction d iff the gradients a_i of its rows, turned inward, have
    ``a_i.d >= 0``. One least-squares problem with multipliers m >= 0 either gives a d with
    ``a_i.d >= 1`` (Lawson and Hanson 1974, chapter 23), or m with ``sum m_i a_i = 0``. Where n + 1
    of these m are clearly positive, their a_i surround the origin, and the region is bounded.
    Strips between parallel hyperplanes have fewer.
    """
    found = np.empty(len(patterns), dtype=np.bool_)
    exact: ExactRecession | None = None
    for block in composed_blocks(network, patterns, with_rows=True):
        assert block.rows is not None
        signs = np.where(block.bits, 1.0, -1.0)
        inward = block.rows[:, :, :-1] * signs[:, :, None]
        errors = _ROUNDING * _gradient_sizes(network, block.bits)
        for k in range(len(inward)):
            known = _in_float(inward[k], errors[k])
            if known is None:
                exact = exact or ExactRecession(network)
                known = exact.recedes(block.bits[k].astype(np.uint8))
            found[block.start + k] = known
    return found


def _in_float(gradients: Dense, errors: Vector) -> bool | None:
    """Whether a region is unbounded, where float64 proves it; else None."""
    there = errors > 0.0
    gradients, errors = gradients[there], errors[there]
    m, n = gradients.shape
    if not m:
        return True
    norms = np.sqrt(np.einsum("ij,ij->i", gradients, gradients))
    if np.any(norms * _CLEAR <= errors):
        return None
    unit, error = gradients / norms[:, None], float((errors / norms).max())
    stacked = np.ones((n + 1, m))
    stacked[:n] = unit.T
    target = np.zeros(n + 1)
    target[n] = 1.0
    # Not before it is needed: it takes a tenth of the start.
    from scipy.optimize import nnls

    multipliers, length = nnls(stacked, target, maxiter=100 + 10 * m)
    rest = stacked @ multipliers - target
    if length > _CLEAR:
        direction = -rest[:n] / rest[n]
        clear = float((unit @ direction).min()) > 0.5
        return True if clear and error * float(np.linalg.norm(direction)) < 0.25 else None
    held = np.flatnonzero(multipliers)
    if held.size != n + 1:
        return None
    # The multipliers of rows off by their errors are positive as well.
    try:
        inverse = float(np.linalg.norm(np.linalg.inv(stacked[:, held])))
    except np.linalg.LinAlgError:
        return None
    blur = length + (n + 1.0) * (error + 1e-15)
    clear = inverse * blur < 0.25 * float(multipliers[held].min())
    return False if clear and inverse * error * (n + 1.0) < 0.5 else None


def _gradient_sizes(network: Network, bits: Bits) -> Dense:
    """Sizes of the units' gradients before any cancellation, shape (B, n_units).

    Exactly 0 where nothing that varies feeds a unit.
    """
    sizes = [np.zeros((0, len(bits)))]
    current = np.ones((network.n_inputs, len(bits)))
    for index, layer in enumerate(network.layers):
        current = np.asarray(layer.affine.magnitude() @ current)
        sizes.append(current[layer.units])
        own = bits[:, network.layer_bits(index)]
        factor = np.ones(current.shape)
        factor[layer.units] = np.where(own.T, 1.0, np.abs(layer.slope)[layer.units, None])
        current = current * factor
    return np.concatenate(sizes).T
