"""Whether a polyhedron has a direction in which it never ends."""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import SolverError
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.program import Program, SolveStatus

# A direction counts if the rows, of length 1, gain so much along it in all.
_GAIN = 1e-9


def recedes(rows: Dense) -> bool:
    """Whether ``{d : rows d >= 0}`` holds more than the origin.

    It does if the rows do not span R^n, or if some d in the unit box makes ``sum rows d``
    positive: along d in the cone no row falls, and one that is not orthogonal to all of them
    gains on some (Stiemke's theorem is the dual statement).

    Parameters
    ----------
    rows : ndarray, shape (m, n)

    Raises
    ------
    SolverError
        If HiGHS cannot settle the linear program.
    """
    n = rows.shape[1]
    lengths = np.linalg.norm(rows, axis=1)
    unit = rows[lengths > 0] / lengths[lengths > 0, None]
    if len(unit) < n or np.linalg.matrix_rank(unit) < n:
        return True
    ones = np.ones(n)
    program = Program.linear(
        unit,
        np.zeros(len(unit)),
        np.full(len(unit), np.inf),
        -ones,
        ones,
        -unit.sum(axis=0),
    )
    solution = HighsSession(program).solve()
    if solution.status is not SolveStatus.OPTIMAL:
        raise SolverError("recession cone", "HiGHS could not settle a linear program")
    return bool(-solution.objective > _GAIN * len(unit))
