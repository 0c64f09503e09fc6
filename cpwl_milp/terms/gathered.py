"""Terms of point sets held in memory, checked on the way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.network import Network
from cpwl_milp.terms.checks import TOLERANCE, Check, TropicalChecks, linear_deviation
from cpwl_milp.terms.extracted import TermSet
from cpwl_milp.terms.linear import linear_term_blocks
from cpwl_milp.terms.tropical import Tropical


def gathered(
    network: Network,
    points: NDArray[np.generic],
    tropical: Tropical | None = None,
    checks: TropicalChecks | None = None,
) -> TermSet:
    """The terms of points for their own classes, every one of them checked.

    Parameters
    ----------
    network : Network
    points : ndarray, shape (n, n_inputs)
    tropical : Tropical, optional
        Of the network, where it is at hand.
    checks : TropicalChecks, optional
        To note deviations in.

    Raises
    ------
    CheckFailedError
    """
    tropical = tropical or Tropical.of(network)
    checks = checks or TropicalChecks()
    linear = Check("linear term = f", TOLERANCE)
    parts = []
    for rows, terms in linear_term_blocks(network, points):
        block = np.asarray(points[rows], dtype=np.float64)
        linear.take(linear_deviation(terms, block), rows.start)
        both = tropical.terms(terms, block)
        checks.take_terms(terms, both, block, rows.start)
        parts.append(TermSet.of(terms, both, block))
    return TermSet.joined(parts)
