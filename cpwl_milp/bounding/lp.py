"""Bounds by the triangle relaxation: two linear programs per open unit.

One persistent HiGHS model a layer, warm started from unit to unit. A solver's objective is only
right to its tolerances and may cut true values off, so it is not used: each bound is computed
from the row duals y. For any y whatsoever, with ``d = c - A' y``,

    min c.v >= sum_i (r_i y_i at the row's end that the sign of y_i names)
             + sum_j (d_j v_j at the column's end that the sign of d_j names),

the residual d being charged against the column bounds (Neumaier and Shcherbina, Math. Program.
99, 2004). A is the program as built here, not HiGHS's scaled or rounded copy, and the rounding
of this formula itself is charged as in `rounding`.
"""

from __future__ import annotations

import math
import time

import numpy as np
import scipy.sparse as sp

from cpwl_milp.bounding.crown import WayBack, open_units
from cpwl_milp.bounding.rounding import UNDERFLOW, gamma
from cpwl_milp.bounding.triangle import TriangleRelaxation
from cpwl_milp.core.affine import Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import SolverError
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.highs_settings import HighsSettings
from cpwl_milp.solvers.program import Program

# The bound is safe at any tolerance; HiGHS's own defaults are the fastest. No presolve: it would
# throw the basis of the unit before away.
_SETTINGS = HighsSettings(feasibility_tolerance=1e-7, dual_tolerance=1e-7, presolve=False)


def refined_by_lp(
    network: Network, domain: Domain, bounds: Bounds, *, deadline: float | None = None
) -> Bounds:
    """Tighten sound bounds by linear programs, layer by layer from the input.

    A unit whose sign is fixed costs nothing more: its second program is not solved, and units
    that the tighter bounds below settle by backward substitution cost none at all.

    Parameters
    ----------
    network : Network
    domain : Domain
        Box and inequalities are both used.
    bounds : Bounds
        Sound bounds to start from.
    deadline : float, optional
        `time.monotonic()` after which what is left keeps the bounds it has.

    Returns
    -------
    Bounds
        Sound, and nowhere looser than `bounds`.
    """
    way, relaxation = WayBack(domain), TriangleRelaxation(domain)
    # Over a box alone the first layer's interval bounds are exact already.
    exact_so_far = domain.inequalities()[1].size == 0
    lows, highs = [], []
    for layer, low, high in zip(network.layers, bounds.lower, bounds.upper, strict=True):
        low, high = way.tighten(layer, low, high, deadline=deadline)
        if not exact_so_far:
            low, high = tightened_layer(relaxation, layer, low, high, deadline)
        exact_so_far = False
        way.append(layer, low, high)
        relaxation.append(layer, low, high)
        lows.append(low)
        highs.append(high)
    return Bounds(tuple(lows), tuple(highs))


def tightened_layer(
    relaxation: TriangleRelaxation,
    layer: Layer,
    low: Vector,
    high: Vector,
    deadline: float | None = None,
) -> tuple[Vector, Vector]:
    """Bounds of one layer's open units by linear programs over the layers before it."""
    low, high = low.copy(), high.copy()
    rows = open_units(layer, low, high)
    # Nearest to a fixed sign first: a deadline then costs least.
    with np.errstate(invalid="ignore"):
        nearness = np.minimum(-low[rows], high[rows]) / (high[rows] - low[rows])
    rows = rows[np.argsort(nearness, kind="stable")]
    if not rows.size or _seconds_left(deadline) <= 0:
        return low, high
    program = relaxation.program()
    if not _is_bounded(program):
        return low, high
    try:
        minima = LinearMinima(program)
    except SolverError:
        return low, high  # HiGHS does not take the program: entries out of its range
    for row in rows:
        columns, coefficients = relaxation.objective(layer.affine, row)
        bias = float(layer.affine.bias[row])
        # The side nearer to zero first: it is the one that can fix the sign.
        for side in (1, -1) if -low[row] <= high[row] else (-1, 1):
            left = _seconds_left(deadline)
            if left <= 0:
                return low, high
            found = minima.least(columns, side * coefficients, side * bias, left)
            if side > 0:
                low[row] = max(low[row], found)
            else:
                high[row] = min(high[row], -found)
            if low[row] > 0 or high[row] <= 0:
                break
    return low, high


class LinearMinima:
    """Safe lower bounds of linear functions on the solutions of one linear program.

    Parameters
    ----------
    program : Program
        Linear, every column bounded.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._session = HighsSession(program, _SETTINGS)
        self._transposed = sp.csr_array(program.matrix.T)
        self._sizes = abs(self._transposed)
        self._reach = np.maximum(np.abs(program.lower), np.abs(program.upper))
        entries = np.diff(self._transposed.indptr)
        self._residual_share = gamma(2.0 * (entries + 2.0))
        self._sum_share = gamma(2.0 * (program.n_rows + program.n_columns + 4.0))
        self._lost = UNDERFLOW * (program.matrix.nnz + 4.0) * (1.0 + 2 * float(self._reach.sum()))

    def least(
        self, columns: np.ndarray, coefficients: Vector, constant: float, seconds: float = math.inf
    ) -> float:
        """A float at most ``min coefficients @ v[columns] + constant``; -inf if none was found."""
        self._session.set_objective(columns, coefficients)
        limit = None if math.isinf(seconds) else seconds
        duals = self._session.solve(limit).row_duals
        if duals is None or not np.all(np.isfinite(duals)):
            return -math.inf
        costs = np.zeros(self._program.n_columns)
        costs[columns] = coefficients
        return math.nextafter(self.dual_bound(costs, duals) + constant, -math.inf)

    def dual_bound(self, costs: Vector, duals: Vector) -> float:
        """The bound that any row duals prove for ``min costs @ v`` (module's formula).

        Parameters
        ----------
        costs : ndarray, shape (n_columns,)
        duals : ndarray, shape (n_rows,)
            Whatever they are, the bound is sound; the better they are, the tighter.
        """
        program = self._program
        at = np.where(duals > 0, program.row_lower, program.row_upper)
        duals = np.where(np.isfinite(at), duals, 0.0)
        at_rows = np.where(duals == 0, 0.0, duals) * np.where(duals == 0, 0.0, at)
        residual = costs - self._transposed @ duals
        doubt = self._residual_share * (self._sizes @ np.abs(duals) + np.abs(costs))
        at_columns = residual * np.where(residual > 0, program.lower, program.upper)
        value = float(at_rows.sum() + at_columns.sum())
        size = float(np.abs(at_rows).sum() + np.abs(at_columns).sum())
        margin = self._sum_share * size + 2 * float(doubt @ self._reach) + self._lost
        return math.nextafter(value - margin, -math.inf)


def _seconds_left(deadline: float | None) -> float:
    return math.inf if deadline is None else deadline - time.monotonic()


def _is_bounded(program: Program) -> bool:
    return bool(np.all(np.isfinite(program.lower)) and np.all(np.isfinite(program.upper)))
