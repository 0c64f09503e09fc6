"""The largest ball in a polytope and a box: tells full-dimensional cells from thin and empty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.errors import SolverError
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.highs_settings import HighsSettings
from cpwl_milp.solvers.program import Program, SolveStatus

# A row with less than this share of the largest row's norm is a constant, unless the caller
# knows the rounding errors in it better.
_RELATIVE_ZERO = 1e-12


@dataclass(frozen=True, eq=False)
class LargestBall:
    """The Chebyshev ball of ``A x <= b``, ``lower <= x <= upper``.

    Attributes
    ----------
    status : SolveStatus
        OPTIMAL; INFEASIBLE when a constant row is broken; UNKNOWN when the solver failed.
    radius : float
        Evaluated at `centre` in float64, so it is attained whatever the solver's tolerances.
        Negative: `centre` breaks some row by that distance. -inf without a centre.
    radius_bound : float
        No ball is larger: weak duality with the solver's multipliers, their residual charged
        against the box (Neumaier and Shcherbina 2004).
    centre : ndarray, shape (n,), or None
    """

    status: SolveStatus
    radius: float
    radius_bound: float
    centre: Vector | None


def constant_rows(
    norms: Vector, lower: Vector, upper: Vector, noise: Vector | None
) -> NDArray[np.bool_]:
    """Rows that vary over the box by no more than the rounding errors in them."""
    if noise is None:
        return np.asarray(norms <= _RELATIVE_ZERO * norms.max(initial=0.0))
    return np.asarray(norms * 0.5 * float(np.linalg.norm(upper - lower)) <= noise)


def largest_ball(
    A: Dense,
    b: Vector,
    lower: Vector,
    upper: Vector,
    *,
    strict: NDArray[np.bool_] | None = None,
    noise: Vector | None = None,
    presolve: bool = True,
) -> LargestBall:
    """Find ``max r`` with ``A x + r ||A_i|| <= b`` and ``lower + r <= x <= upper - r``.

    Parameters
    ----------
    A : ndarray, shape (m, n)
    b : ndarray, shape (m,)
    lower, upper : ndarray, shape (n,)
        A bounded box.
    strict : ndarray of bool, shape (m,), optional
        Rows meant as ``A_i x < b_i``. It matters for constant rows only: ``0 < b_i`` or
        ``0 <= b_i``.
    noise : ndarray, shape (m,), optional
        Bound of the rounding error in ``A_i x - b_i`` on the box. A row that varies by no more
        is a constant, and a constant within it is zero.
    presolve : bool
        HiGHS presolve; a doubtful answer may be asked for again without it.

    Notes
    -----
    With ``x = y + lower + r`` the box takes one row a coordinate in place of two. The ball around
    the box's centre gives a feasible r, from which all columns are bounded.
    """
    norms = np.linalg.norm(A, axis=1)
    flat = constant_rows(norms, lower, upper, noise)
    if flat.any():
        blur = np.zeros(len(b)) if noise is None else noise
        broken = b[flat] < -blur[flat]
        if strict is not None:
            broken |= strict[flat] & (b[flat] <= blur[flat])
        if broken.any():
            return LargestBall(SolveStatus.INFEASIBLE, -np.inf, -np.inf, None)
    unit = A[~flat] / norms[~flat, None]
    offset = b[~flat] / norms[~flat]
    middle, top = 0.5 * (lower + upper), 0.5 * float((upper - lower).min())
    least = float((offset - unit @ middle).min(initial=top))
    program = _program(unit, offset, lower, upper, (least, top))
    try:
        solution = HighsSession(program, HighsSettings(presolve=presolve)).solve()
    except SolverError:
        # HiGHS does not take the program: entries out of its range.
        return LargestBall(SolveStatus.UNKNOWN, -np.inf, top, None)
    if solution.status is not SolveStatus.OPTIMAL or solution.x is None:
        return LargestBall(SolveStatus.UNKNOWN, -np.inf, top, None)
    centre = solution.x[:-1] + lower + solution.x[-1]
    slack = np.concatenate([offset - unit @ centre, centre - lower, upper - centre])
    bound = top
    if solution.row_duals is not None:
        bound = min(bound, _dual_bound(program, solution.row_duals))
    return LargestBall(SolveStatus.OPTIMAL, float(slack.min()), bound, centre)


def _program(
    unit: Dense, offset: Vector, lower: Vector, upper: Vector, radii: tuple[float, float]
) -> Program:
    """Columns y (n) and r; rows ``unit y + (1 + sum unit) r <= ...`` and ``y + 2 r <= widths``."""
    m, n = unit.shape
    widths = upper - lower
    top = np.concatenate([unit, (1.0 + unit.sum(axis=1))[:, None]], axis=1)
    box = sp.hstack([sp.eye_array(n), np.full((n, 1), 2.0)])
    matrix = sp.csr_array(sp.vstack([sp.csr_array(top), box])) if m else sp.csr_array(box)
    objective = np.zeros(n + 1)
    objective[-1] = -1.0
    return Program.linear(
        matrix,
        np.full(m + n, -np.inf),
        np.concatenate([offset - unit @ lower, widths]),
        np.concatenate([np.zeros(n), [radii[0]]]),
        np.concatenate([widths + 2.0 * max(0.0, -radii[0]), [radii[1]]]),
        objective,
    )


def _dual_bound(program: Program, row_duals: Vector) -> float:
    """An upper bound of r from multipliers that need not be exactly feasible.

    For any ``w = -row_duals >= 0`` and any feasible (y, r) of the rows ``G y + g r <= h``:
    ``r <= w h + (1 - w g) r - (w G) y``, the last two at their worst within the columns' bounds.
    """
    w = np.maximum(-row_duals, 0.0)
    rest = -program.objective - program.matrix.T @ w
    worst = np.maximum(rest * program.lower, rest * program.upper)
    return float(w @ program.row_upper + worst.sum())
