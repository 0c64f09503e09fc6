"""How large the terms of each pre-activation are: what its rounding errors are measured by."""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Network

# Below this share of its terms a bias is lost in their rounding.
_DROWNED = 1e-13


def term_magnitudes(network: Network, reach: Vector, bounds: Bounds) -> list[Vector]:
    """``sum_k |W_ik| max|a_k| + |b_i|`` of every z, one array (n_out,) a layer.

    Parameters
    ----------
    network : Network
    reach : ndarray, shape (n_inputs,)
        Largest magnitude of each input.
    bounds : Bounds
    """
    found = []
    for layer, lower, upper in zip(network.layers, bounds.lower, bounds.upper, strict=True):
        found.append(np.asarray(layer.affine.magnitude() @ reach) + np.abs(layer.affine.bias))
        # Two pieces, of whatever slopes, have their largest magnitude at an end.
        reach = np.maximum(np.abs(layer.activate(lower)), np.abs(layer.activate(upper)))
    return found


def drowned_biases(network: Network, domain: Domain, bounds: Bounds) -> int:
    """Hidden units whose bias decides their sign somewhere but is lost in rounding elsewhere.

    A bias that is not zero but far below the other terms (a box of 1e16, say) moves a kink by
    less than float64 can tell from a bias of zero: no decision on the unit can be trusted.
    """
    box = domain.box
    reach = np.maximum(np.abs(box.lower), np.abs(box.upper))
    count = 0
    for layer, magnitude, stability in zip(
        network.layers,
        term_magnitudes(network, reach, bounds),
        bounds.stability(network),
        strict=True,
    ):
        bias = np.abs(layer.affine.bias[layer.units])
        lost = (bias > 0) & (bias < _DROWNED * magnitude[layer.units])
        count += int(np.count_nonzero(lost & stability.unstable))
    return count
