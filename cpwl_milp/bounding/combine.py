"""The one door to bounds: each method on top of all cheaper ones."""

from __future__ import annotations

import numpy as np

from cpwl_milp.bounding.crown import refined_by_crown
from cpwl_milp.bounding.interval import interval_bounds
from cpwl_milp.bounding.lp import refined_by_lp
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import DomainError, InputError
from cpwl_milp.core.network import Network

METHODS = ("interval", "crown", "lp", "milp")
"""From cheap to tight."""


def pre_activation_bounds(
    network: Network, domain: Domain, *, method: str = "crown", deadline: float | None = None
) -> Bounds:
    """Sound bounds of every pre-activation of a network on a closed domain.

    They hold for the exact real-arithmetic network with the stored float64 weights. A method
    starts from the bounds of the cheaper ones and never loosens them.

    Parameters
    ----------
    network : Network
    domain : Domain
        Of dimension ``network.n_inputs``. ``interval`` and ``crown`` use its bounding box, and of
        an L1 or L2 ball the dual norm; the others its inequalities too.
    method : str
        ``interval`` (one matrix-vector product a layer), ``crown`` (backward substitution of
        open units), ``lp`` (triangle relaxation, up to two linear programs an open unit),
        ``milp`` (up to two mixed-integer programs an open unit, each under a time limit; their
        bounds rest on a margin around the solver's tolerances, see `bounding.milp`).
    deadline : float, optional
        `time.monotonic()` after which bounds not yet tightened stay as the cheaper methods gave
        them; the answer is sound all the same.

    Returns
    -------
    Bounds
        One pair of arrays a layer, all its outputs included.

    Raises
    ------
    InputError
        If the method is unknown.
    DomainError
        If the dimensions differ, or the bounds prove that the domain is empty.
    """
    if method not in METHODS:
        raise InputError("bounds", f"method {method!r}", f"one of {', '.join(METHODS)}")
    if domain.dim != network.n_inputs:
        raise DomainError(
            "domain", f"{domain.dim} coordinates", f"{network.n_inputs}, the network's inputs"
        )
    wanted = METHODS[: METHODS.index(method) + 1]
    bounds = interval_bounds(network, domain)
    if "crown" in wanted:
        bounds = refined_by_crown(network, domain, bounds, deadline=deadline)
    if "lp" in wanted:
        bounds = refined_by_lp(network, domain, bounds, deadline=deadline)
    if "milp" in wanted:
        # Pyomo takes half a second to import, which the other methods need not wait for.
        from cpwl_milp.bounding.milp import refined_by_milp

        bounds = refined_by_milp(network, domain, bounds, deadline=deadline)
    if any(np.any(a > b) for a, b in zip(bounds.lower, bounds.upper, strict=True)):
        # Sound bounds cross only where there is no point at all.
        raise DomainError("domain", "empty: no input satisfies all of its inequalities")
    return bounds
