"""The maximum by one mixed-integer program, without a list of regions.

The upper bound is the dual bound of the solver, moved outward by its tolerances times the ranges of
the columns, as `bounding.milp` argues: an argued margin, not a proof.
"""

from __future__ import annotations

import math
import time

import numpy as np

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.census.answer import CountSettings
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Network
from cpwl_milp.questions.maximum import BOUNDS_SHARE, Maximum
from cpwl_milp.questions.objectives import Objective
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.program import SolveStatus

_TOLERANCE = 1e-9
_MARGIN = 1e-6
# A point found falls short of the bound by no more than this, relatively, where that is solved.
_GAP = 1e-4


def maximum_by_program(
    network: Network,
    domain: Domain,
    objective: Objective,
    settings: CountSettings | None = None,
) -> Maximum:
    """Find the maximum by one mixed-integer program, without listing regions.

    Parameters
    ----------
    network : Network
    domain : Domain
        Bounded, with linear faces.
    objective : Objective
    settings : CountSettings, optional
        Its bounds and `max_seconds` apply.

    Raises
    ------
    DomainError
        If the domain is a ball or unbounded, or does not fit.
    SolverError
        If the solver refuses the program.
    """
    from cpwl_milp.encoding.big_m import encode
    from cpwl_milp.encoding.compile import compile_encoding
    from cpwl_milp.solvers.highs_settings import HighsSettings

    begin = time.monotonic()
    settings = settings or CountSettings()
    domain.require_polyhedral("maximum")
    limit = settings.limits.max_seconds
    whole = objective.appended(network)
    bounds = pre_activation_bounds(
        whole,
        domain,
        method=settings.bound_method,
        deadline=None if limit is None else begin + BOUNDS_SHARE * limit,
    )
    compiled = compile_encoding(encode(whole, domain, bounds, margin=0.0, outputs=True))
    column = compiled.names.index("y[0]") if "y[0]" in compiled.names else -1
    program = compiled.program
    if column < 0:
        # The output is a constant, to which no variable belongs.
        x = domain.box.centre
        value = float(objective(network(x[None, :]))[0])
        return Maximum(value, x, value, "program", 0, 0, "", time.monotonic() - begin)
    session = HighsSession(
        program,
        HighsSettings(
            feasibility_tolerance=_TOLERANCE, dual_tolerance=_TOLERANCE, mip_rel_gap=1e-9
        ),
    )
    session.set_objective([column], [-1.0])
    left = None if limit is None else max(0.01, begin + limit - time.monotonic())
    solution = session.solve(left)
    point, value = None, -math.inf
    if solution.x is not None:
        x = np.clip(compiled.inputs(solution.x), domain.box.lower, domain.box.upper)
        point, value = x, float(objective(network(x[None, :]))[0])
    ranges = program.upper - program.lower
    moved = _TOLERANCE * float(ranges[np.isfinite(ranges)].sum()) + _MARGIN * max(1.0, abs(value))
    upper = math.inf
    if math.isfinite(solution.dual_bound):
        upper = max(value, -solution.dual_bound + (moved if math.isfinite(moved) else 0.0))
    reason = ""
    if solution.status is not SolveStatus.OPTIMAL:
        reason = (
            "max-seconds"
            if solution.status is SolveStatus.TIME_LIMIT
            else f"unresolved: the solver ended with {solution.status.value}"
        )
    elif upper - value > _GAP * max(1.0, abs(value)):
        reason = "unresolved: the point found falls short of the bound of the solver"
    return Maximum(value, point, upper, "program", 0, 1, reason, time.monotonic() - begin)
