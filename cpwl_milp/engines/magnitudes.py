"""How large the terms of each pre-activation are: what its rounding errors are measured by."""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.network import Network

# Of the terms below: their errors, unlike those of a unit's own terms, are hardly ever all of one
# sign. Tolerances of 1e-11 of the magnitudes still are 450 roundings of what is inherited.
_INHERITED_SHARE = 1e-2
# Values below a tolerance's share of this may have lost digits to underflow.
_LEAST = 1e-290


def term_magnitudes(network: Network, reach: Vector, bounds: Bounds) -> list[Vector]:
    """``sum_k |W_ik| max|a_k| + |b_i|`` of every z, or what it inherits, one array a layer.

    A value may be small though it is the sum of large terms. It then carries their rounding
    errors, which the next layer's weights pass on: of the terms of all layers, passed on by
    ``|W|`` as if nothing cancelled, a hundredth counts where that is more.

    Parameters
    ----------
    network : Network
    reach : ndarray, shape (n_inputs,)
        Largest magnitude of each input.
    bounds : Bounds

    Returns
    -------
    list of ndarray, shape (n_out,) each
    """
    found = []
    inherited = np.zeros(network.n_inputs)
    for layer, lower, upper in zip(network.layers, bounds.lower, bounds.upper, strict=True):
        magnitude = layer.affine.magnitude()
        terms = np.asarray(magnitude @ reach) + np.abs(layer.affine.bias)
        summed = terms + np.asarray(magnitude @ inherited)
        found.append(np.maximum(_LEAST, np.maximum(terms, _INHERITED_SHARE * summed)))
        # Two pieces, of whatever slopes, have their largest magnitude at an end.
        reach = np.maximum(np.abs(layer.activate(lower)), np.abs(layer.activate(upper)))
        inherited = np.maximum(1.0, np.abs(layer.slope)) * summed
    return found
