"""Bits that no sample has shown, by a series of mixed-integer programs.

Serra, Kumar and Ramalingam, "Lossless compression of deep neural networks", CPAIOR 2020: instead of
two programs a unit, one program looks for an input that shows as many bits as possible that
were not seen yet; what it shows is struck off, until it finds nothing.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import SolverError
from cpwl_milp.core.network import Network
from cpwl_milp.solvers.program import SolveStatus

# What active units exceed, as a share of their range: a unit that only touches 0 is not on.
_MARGIN = 1e-6
_CLEAR = 1e-9
_SECONDS = 20.0


def solver_claims(
    network: Network,
    domain: Domain,
    bounds: Bounds,
    layer: int,
    units: NDArray[np.intp],
    seen: NDArray[np.int8],
    deadline: float,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Look for inputs on which units of a layer have the bit that was not seen of them.

    Parameters
    ----------
    network : Network
    domain : Domain
        Bounded, with linear faces.
    bounds : Bounds
    layer : int
        From 0.
    units : ndarray of int
        Places in a pattern, all of that layer.
    seen : ndarray of int8
        The bit that each was seen to have.
    deadline : float
        `time.monotonic()`.

    Returns
    -------
    both : ndarray of int
        Units that some input shows with the other bit: evaluated, not just claimed.
    claimed : ndarray of int
        Units of which the solver claims that no input does.
    """
    from cpwl_milp.encoding.big_m import encode
    from cpwl_milp.encoding.compile import compile_encoding
    from cpwl_milp.solvers.highs import HighsSession

    nothing = np.zeros(0, dtype=np.intp)
    left = {int(unit): int(bit) for unit, bit in zip(units, seen, strict=True)}
    if not left or time.monotonic() >= deadline:
        return nothing, nothing
    kept = layer + 1
    first = network.truncated(kept)
    before = Bounds(bounds.lower[:kept], bounds.upper[:kept])
    both: list[int] = []
    try:
        compiled = compile_encoding(encode(first, domain, before, margin=_MARGIN))
        session = HighsSession(compiled.program)
        while left:
            columns = [int(compiled.on_columns[unit]) for unit in left]
            if min(columns) < 0:
                break  # stable by the bounds: nothing to ask
            signs = [-1.0 if bit else 1.0 for bit in left.values()]
            session.set_objective(columns, signs, maximise=True)
            seconds = min(_SECONDS, deadline - time.monotonic())
            if seconds <= 0:
                break
            solution = session.solve(seconds)
            if solution.x is None:
                break
            shown = [
                unit
                for unit, column in zip(left, columns, strict=True)
                if (solution.x[column] > 0.5) != bool(left[unit])
            ]
            if not shown:
                proved = solution.status is SolveStatus.OPTIMAL
                claimed = np.array(list(left), dtype=np.intp) if proved else nothing
                return np.array(both, dtype=np.intp), claimed
            x = np.clip(compiled.inputs(solution.x), domain.box.lower, domain.box.upper)
            confirmed = _confirmed(first, x, left) if domain.contains(x[None, :])[0] else []
            both += confirmed
            # What the solver shows within its tolerances only stays open.
            for unit in {*shown, *confirmed}:
                del left[unit]
    except SolverError:
        pass
    return np.array(both, dtype=np.intp), nothing


def _confirmed(network: Network, x: NDArray[np.float64], left: dict[int, int]) -> list[int]:
    """Units that clearly have the other bit at an input."""
    zs = [
        z[0, layer.units]
        for layer, z in zip(network.layers, network.pre_activations(x[None, :]), strict=True)
    ]
    z = np.concatenate(zs)
    return [unit for unit, bit in left.items() if (-z[unit] if bit else z[unit]) > _CLEAR]
