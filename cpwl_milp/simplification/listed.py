"""Bits that units take on, from the proved list of all regions of the first layers."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains import Polytope
from cpwl_milp.core.errors import CpwlError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.choice import EngineSettings, chosen_engine
from cpwl_milp.engines.proof import prove, require_provable
from cpwl_milp.enumeration.limits import Limits
from cpwl_milp.enumeration.listing import list_regions

_BITS_AT_ONCE = 1 << 26


def listed_bits(
    network: Network, domain: Domain, n_layers: int, max_regions: int, deadline: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Which units of the first layers are ever on, and ever off, in the interior of some region.

    Parameters
    ----------
    network : Network
    domain : Domain
    n_layers : int
    max_regions : int
        Give up beyond.
    deadline : float
        `time.monotonic()` at which to give up.

    Returns
    -------
    ever_on, ever_off : ndarray of bool, shape (units of those layers,)
        Or None: too many regions, or a domain that proofs do not take.
    """
    # Of a box with fixed inputs, the network is composed anew, which rounds.
    if not isinstance(domain, Box | Polytope) or domain.box.free.size != domain.dim:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        return None
    problem = Problem.of(network.truncated(n_layers), domain)
    try:
        require_provable(problem)
        if chosen_engine(problem, EngineSettings()) == "sampling":
            return None
        regions, outcome = list_regions(
            problem, limits=Limits(max_regions=max_regions, max_seconds=max(0.01, 0.5 * left))
        )
        if not outcome.complete:
            return None
        proof = prove(problem, [regions.patterns], deadline=deadline)
        if not proof.complete or proof.missed or proof.phantom:
            return None
    except CpwlError:
        return None
    n_units = problem.network.n_units
    on, off = (np.zeros(n_units, dtype=np.bool_) for _ in range(2))
    step = max(1, _BITS_AT_ONCE // max(1, n_units))
    for start in range(0, len(regions), step):
        bits = unpack(regions.patterns[start : start + step], n_units)
        on |= bits.any(axis=0)
        off |= ~bits.all(axis=0)
    return on, off
