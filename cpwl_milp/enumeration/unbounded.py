"""Which regions of the whole space are unbounded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.cell import Cell
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed, unpack
from cpwl_milp.solvers.recession import recedes


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
        By one linear program a region.
    """
    found = np.empty(len(patterns), dtype=np.bool_)
    for k, bits in enumerate(unpack(patterns, network.n_units)):
        outward, _ = Cell.of(network, bits).inequalities()
        found[k] = recedes(-outward)
    return found
