"""Pre-activation bounds that Ctrl-C cuts short, for answers that are due in any case."""

from __future__ import annotations

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Network


def bounds_or_rough_ones(
    network: Network, domain: Domain, *, method: str, deadline: float | None = None
) -> tuple[Bounds, bool]:
    """The bounds by some method, or after a Ctrl-C those by interval arithmetic.

    Parameters
    ----------
    network : Network
    domain : Domain
    method : str
    deadline : float, optional
        As `pre_activation_bounds` takes them.

    Returns
    -------
    Bounds
        Sound in any case.
    bool
        Whether a Ctrl-C came: nothing slow should follow.
    """
    try:
        return pre_activation_bounds(network, domain, method=method, deadline=deadline), False
    except KeyboardInterrupt:
        return pre_activation_bounds(network, domain, method="interval"), True
