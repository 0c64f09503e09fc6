"""A mixed-integer linear program as arrays, and what a solver answers about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.errors import SolverError

# Least ratio of two coefficients of a row that scaling columns may bring about.
_SMALLEST_SHARE = 2.0**-20


@dataclass(frozen=True, eq=False)
class Program:
    """Minimise ``objective @ x + offset`` over ``row_lower <= matrix @ x <= row_upper``.

    Attributes
    ----------
    objective : ndarray, shape (n,)
    matrix : csr_array, shape (m, n)
    row_lower, row_upper : ndarray, shape (m,)
        Infinite where a row is open to a side; equal for an equation.
    lower, upper : ndarray, shape (n,)
        Bounds of the columns.
    integer : ndarray of bool, shape (n,)
        Which columns take integer values only.
    offset : float
        Constant of the objective.
    """

    objective: Vector
    matrix: sp.csr_array
    row_lower: Vector
    row_upper: Vector
    lower: Vector
    upper: Vector
    integer: NDArray[np.bool_]
    offset: float = 0.0

    def __post_init__(self) -> None:
        m, n = self.matrix.shape
        for name, vector, size in (
            ("objective", self.objective, n),
            ("row_lower", self.row_lower, m),
            ("row_upper", self.row_upper, m),
            ("lower", self.lower, n),
            ("upper", self.upper, n),
            ("integer", self.integer, n),
        ):
            if vector.shape != (size,):
                raise ValueError(f"{name} has shape {vector.shape}, expected ({size},)")

    @property
    def n_columns(self) -> int:
        """Number of variables."""
        return int(self.matrix.shape[1])

    @property
    def n_rows(self) -> int:
        """Number of constraints."""
        return int(self.matrix.shape[0])

    @property
    def is_mixed_integer(self) -> bool:
        """Whether any column is integer."""
        return bool(self.integer.any())

    @staticmethod
    def linear(
        matrix: sp.csr_array | NDArray[np.float64],
        row_lower: Vector,
        row_upper: Vector,
        lower: Vector,
        upper: Vector,
        objective: Vector | None = None,
    ) -> Program:
        """A linear program, with a zero objective unless one is given."""
        rows = sp.csr_array(matrix)
        n = rows.shape[1]
        return Program(
            np.zeros(n) if objective is None else objective,
            rows,
            row_lower,
            row_upper,
            lower,
            upper,
            np.zeros(n, dtype=np.bool_),
        )

    def violation(self, x: Vector) -> float:
        """The largest amount by which `x`, shape (n,), breaks a row, bound or integrality."""
        activity = self.matrix @ x
        fraction = np.abs(x - np.round(x))[self.integer]
        parts = (
            self.row_lower - activity,
            activity - self.row_upper,
            self.lower - x,
            x - self.upper,
            fraction,
        )
        return max([0.0, *(float(p.max()) for p in parts if p.size)])

    def equilibrated(self) -> tuple[Program, Vector]:
        """An equivalent program in units in which columns and coefficients are about 1.

        Solvers know absolute tolerances only; in these units they are shares of each column's
        range. All factors are powers of two, so nothing is rounded. A column of tiny range is not
        blown up to where its coefficients are tiny beside others of the same row: a solver that
        divides by them takes its own tolerance for a contradiction.

        Returns
        -------
        Program
            Over ``x / scale``.
        ndarray, shape (n,)
            The scale of each column; 1 for integer and unbounded ones.
        """
        reach = np.maximum(np.abs(self.lower), np.abs(self.upper))
        usable = np.isfinite(reach) & (reach > 0) & ~self.integer
        scale = np.where(usable, _power_of_two(np.where(usable, reach, 1.0)), 1.0)
        row_of = np.repeat(np.arange(self.n_rows), np.diff(self.matrix.indptr))
        column_of = self.matrix.indices
        size = np.abs(self.matrix.data)
        largest = np.zeros(self.n_rows)
        np.maximum.at(largest, row_of, size * scale[column_of])
        # The scale at which a column's smallest coefficient is not lost beside the row's largest.
        held = size > 0
        least = np.zeros(self.n_columns)
        np.maximum.at(least, column_of[held], _SMALLEST_SHARE * largest[row_of[held]] / size[held])
        scale = np.where(
            usable & (scale < least), _power_of_two(np.where(least > 0, least, 1.0)), scale
        )
        matrix = sp.csr_array(self.matrix @ sp.diags_array(scale))
        largest = np.zeros(self.n_rows)
        np.maximum.at(largest, row_of, np.abs(matrix.data))
        row = 1.0 / _power_of_two(np.where(largest > 0, largest, 1.0))
        return (
            replace(
                self,
                objective=self.objective * scale,
                matrix=sp.csr_array(sp.diags_array(row) @ matrix),
                row_lower=self.row_lower * row,
                row_upper=self.row_upper * row,
                lower=self.lower / scale,
                upper=self.upper / scale,
            ),
            scale,
        )

    def without_tiny_entries(self, threshold: float, tolerance: float) -> tuple[Program, int]:
        """A relaxation without matrix entries below `threshold`, and how many there were.

        Solvers drop such entries without a word, which may cut true solutions off. Here a row
        that loses entries is widened by all that they can contribute inside the column bounds,
        unless that is below `tolerance`, the solver's own blur.

        Raises
        ------
        SolverError
            If a dropped entry stands at an unbounded column.
        """
        tiny = (np.abs(self.matrix.data) < threshold) & (self.matrix.data != 0)
        n_tiny = int(tiny.sum())
        if not n_tiny:
            return self, 0
        reach = np.maximum(np.abs(self.lower), np.abs(self.upper))[self.matrix.indices[tiny]]
        if not np.all(np.isfinite(reach)):
            raise SolverError(
                "linear program",
                f"a coefficient below {threshold:g} at an unbounded variable",
                "bounded variables or larger coefficients",
            )
        row_of = np.repeat(np.arange(self.n_rows), np.diff(self.matrix.indptr))[tiny]
        slack = np.bincount(row_of, np.abs(self.matrix.data[tiny]) * reach, self.n_rows)
        slack[slack < tolerance] = 0.0
        kept = self.matrix.copy()
        kept.data[tiny] = 0.0
        kept.eliminate_zeros()
        return (
            replace(
                self,
                matrix=kept,
                row_lower=self.row_lower - slack,
                row_upper=self.row_upper + slack,
            ),
            n_tiny,
        )


def _power_of_two(values: Vector) -> Vector:
    return np.asarray(np.exp2(np.round(np.log2(values))))


class SolveStatus(Enum):
    """How a solve ended."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    """A solution is at hand; the solver was asked to stop at it."""
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    TIME_LIMIT = "time limit"
    """With or without a solution."""
    UNKNOWN = "unknown"
    """Numerical trouble or another limit: proves nothing."""


@dataclass(frozen=True, eq=False)
class Solution:
    """What a solve gave.

    Attributes
    ----------
    status : SolveStatus
    x : ndarray, shape (n,), or None
        The best solution found; None where there is none.
    objective : float
        Its value; +inf (minimising) or -inf (maximising) without a solution.
    dual_bound : float
        What no solution can beat: a lower bound when minimising, an upper one when maximising.
    row_duals, reduced_costs : ndarray or None
        Of an optimal linear program, signed for its minimisation: ``objective - matrix.T @
        row_duals == reduced_costs`` (for a maximisation, of the objective as given).
    """

    status: SolveStatus
    x: Vector | None
    objective: float
    dual_bound: float
    row_duals: Vector | None = None
    reduced_costs: Vector | None = None
