"""Polytopes from inequalities: the box around them and a point inside, or why there is none."""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Polytope
from cpwl_milp.core.errors import DomainError, SolverError
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.inradius import largest_ball
from cpwl_milp.solvers.program import Program, SolveStatus

# The box is widened by this share of its coordinates: it must contain the polytope, and the
# inequalities cut off what it has too much.
_WIDER = 1e-6
# A polytope thinner than this share of its box has no interior for floating point.
_FLAT = 1e-9


def polytope(matrix: Dense, limit: Vector, *, within: Box | None = None, origin: str) -> Polytope:
    """The domain ``A x <= b``, inside a box if one is given.

    Parameters
    ----------
    matrix : ndarray, shape (m, n)
        A.
    limit : ndarray, shape (m,)
        b.
    within : Box, optional
        Further limits; coordinates that it fixes stay fixed.
    origin : str
        Where the inequalities come from, for messages.

    Raises
    ------
    DomainError
        If shapes do not fit, a number is not finite, or the domain is empty, unbounded or flat.
    """
    _check(matrix, limit, within, origin)
    varies = np.any(matrix != 0.0, axis=1)
    if np.any(limit[~varies] < 0):
        row = int(np.flatnonzero(~varies & (limit < 0))[0])
        raise DomainError(origin, f"empty: row {row} says 0 <= {limit[row]:g}", "a point inside")
    matrix, limit = matrix[varies], limit[varies]
    box = _bounding(matrix, limit, origin) if within is None else within
    free = box.free
    if free.size == 0:
        raise DomainError(
            origin,
            "every input is fixed, so the domain is a single point",
            "at least one input that varies",
        )
    start = box.lower.copy()
    start[free] = 0.0
    rows, rest = matrix[:, free], limit - matrix @ start
    inside = box.centre
    inside[free] = _interior(rows, rest, box.lower[free], box.upper[free], origin)
    return Polytope(matrix, limit, box, inside, origin)


def _check(matrix: Dense, limit: Vector, within: Box | None, origin: str) -> None:
    if matrix.ndim != 2 or limit.shape != (len(matrix),) or matrix.shape[1] == 0:
        raise DomainError(
            origin,
            f"A of shape {matrix.shape} and b of shape {limit.shape}",
            "A (m, n) and b (m,)",
        )
    for name, values in (("A", matrix), ("b", limit)):
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            place = tuple(int(k) for k in bad[0])
            raise DomainError(
                origin,
                f"{name}[{', '.join(map(str, place))}] is {values[place]}",
                "finite numbers",
                "leave rows without a limit out",
            )
    if within is not None and within.dim != matrix.shape[1]:
        raise DomainError(
            origin, f"A has {matrix.shape[1]} columns", f"{within.dim}, the inputs of its box"
        )


def _bounding(matrix: Dense, limit: Vector, origin: str) -> Box:
    """The box around all points, by two linear programs a coordinate."""
    n = matrix.shape[1]
    # Rows of one length: the solver's tolerances are absolute.
    norms = np.linalg.norm(matrix, axis=1)
    everywhere = np.full(n, np.inf)
    program = Program.linear(
        matrix / norms[:, None],
        np.full(len(limit), -np.inf),
        limit / norms,
        -everywhere,
        everywhere,
    )
    session = HighsSession(program)
    ends = np.empty((2, n))
    for place, sign in ((0, 1.0), (1, -1.0)):
        for k in range(n):
            session.set_objective(np.array([k]), np.array([sign]))
            solution = session.solve()
            session.set_objective(np.array([k]), np.array([0.0]))
            if solution.status is SolveStatus.INFEASIBLE:
                raise DomainError(origin, "empty: no input satisfies all inequalities", "a point")
            if solution.status is SolveStatus.UNBOUNDED:
                raise DomainError(
                    origin,
                    f"input {k} has no {('lower', 'upper')[place]} limit",
                    "a bounded polytope",
                    "add rows, or use --whole-space for all of R^n",
                )
            if solution.status is not SolveStatus.OPTIMAL or solution.x is None:
                raise SolverError(origin, "HiGHS could not bound the polytope")
            ends[place, k] = solution.x[k]
    margin = _WIDER * (1.0 + np.abs(ends).max(axis=0) + (ends[1] - ends[0]))
    return Box(ends[0] - margin, ends[1] + margin, origin)


def _interior(rows: Dense, rest: Vector, lower: Vector, upper: Vector, origin: str) -> Vector:
    """A point well inside, in units in which the box is a cube."""
    half, centre = 0.5 * (upper - lower), 0.5 * (upper + lower)
    ones = np.ones_like(half)
    scaled, offset = rows * half, rest - rows @ centre
    kept = np.any(scaled != 0.0, axis=1)
    if np.any(offset[~kept] < 0):
        raise DomainError(origin, "empty: no input satisfies all inequalities", "a point inside")
    ball = largest_ball(scaled[kept], offset[kept], -ones, ones)
    if ball.status is SolveStatus.UNKNOWN:
        raise SolverError(origin, "HiGHS could not find the largest ball in the polytope")
    if ball.centre is None or ball.radius_bound < -_FLAT:
        raise DomainError(origin, "empty: no input satisfies all inequalities", "a point inside")
    if ball.radius <= _FLAT:
        raise DomainError(
            origin,
            "flat: the inequalities leave no interior",
            "a full-dimensional polytope",
            "describe a flat domain by --slice or --plane",
        )
    return np.asarray(centre + half * ball.centre)
