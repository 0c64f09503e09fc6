"""A persistent HiGHS model: built once, then changed by rows, bounds and objectives."""

from __future__ import annotations

import math
import time

import highspy
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.errors import SolverError
from cpwl_milp.solvers.highs_settings import DEFAULT, SMALLEST_COEFFICIENT, HighsSettings, Options
from cpwl_milp.solvers.interruptible import InterruptibleRun, Leash
from cpwl_milp.solvers.program import Program, Solution, SolveStatus

# Linear programs with more entries than this may run long enough for Ctrl-C to matter.
_LONG_LP = 200_000

_STATUS = {
    highspy.HighsModelStatus.kOptimal: SolveStatus.OPTIMAL,
    highspy.HighsModelStatus.kModelEmpty: SolveStatus.OPTIMAL,
    highspy.HighsModelStatus.kInfeasible: SolveStatus.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: SolveStatus.UNBOUNDED,
    highspy.HighsModelStatus.kTimeLimit: SolveStatus.TIME_LIMIT,
    highspy.HighsModelStatus.kInterrupt: SolveStatus.TIME_LIMIT,
    highspy.HighsModelStatus.kSolutionLimit: SolveStatus.FEASIBLE,
}


class HighsSession:
    """One program inside HiGHS, changed and solved again and again.

    Ctrl-C during a long solve stops HiGHS within moments and raises KeyboardInterrupt. A solve in
    which HiGHS fails is tried again in other ways (`HighsSettings.rescues`) before it is UNKNOWN.

    Parameters
    ----------
    program : Program
    settings : HighsSettings, optional

    Attributes
    ----------
    dropped_entries : int
        Coefficients below 1e-12 that HiGHS cannot hold; their rows were widened to stay sound
        (`Program.without_tiny_entries`).
    leash : Leash
        How long a mixed-integer solve may go on, beside its own time limit.

    Raises
    ------
    SolverError
        If HiGHS refuses the program or a setting.
    """

    def __init__(self, program: Program, settings: HighsSettings = DEFAULT) -> None:
        program, self.dropped_entries = program.without_tiny_entries(
            SMALLEST_COEFFICIENT, 1e-2 * settings.feasibility_tolerance
        )
        self.leash = Leash()
        self._settings = settings
        self._mixed_integer = program.is_mixed_integer
        self._n_columns = program.n_columns
        self._n_rows = program.n_rows
        self._lower = program.lower.copy()
        self._upper = program.upper.copy()
        self._objective = program.objective.copy()
        self._maximise = False
        self._interruptible = self._mixed_integer or program.matrix.nnz > _LONG_LP
        self._enter(highspy.Highs(), settings.options())
        self._pass(program)

    @property
    def n_rows(self) -> int:
        """Number of rows, those added since included."""
        return self._n_rows

    def add_row(self, columns: ArrayLike, values: ArrayLike, lower: float, upper: float) -> int:
        """Add ``lower <= values @ x[columns] <= upper``; returns the row's index."""
        index = np.asarray(columns, dtype=np.int32)
        value = np.asarray(values, dtype=np.float64)
        tiny = np.abs(value) < SMALLEST_COEFFICIENT
        if tiny.any():
            reach = np.maximum(np.abs(self._lower), np.abs(self._upper))[index[tiny]]
            slack = float(np.abs(value[tiny]) @ np.where(value[tiny] == 0, 0.0, reach))
            if not math.isfinite(slack):
                raise SolverError("linear program", "a tiny coefficient at an unbounded variable")
            lower, upper = lower - slack, upper + slack
            self.dropped_entries += int(np.count_nonzero(value[tiny]))
            index, value = index[~tiny], value[~tiny]
        self._expect_ok(self._highs.addRow(lower, upper, index.size, index, value), "a new row")
        self._n_rows += 1
        return self._n_rows - 1

    def set_row_bounds(self, row: int, lower: float, upper: float) -> None:
        """Change the bounds of one row."""
        self._expect_ok(self._highs.changeRowBounds(row, lower, upper), "row bounds")

    def set_objective(
        self, columns: ArrayLike, values: ArrayLike, *, maximise: bool = False
    ) -> None:
        """Replace the objective by ``values @ x[columns]`` (zero elsewhere, no constant)."""
        index = np.asarray(columns, dtype=np.int32)
        costs = np.zeros(self._n_columns)
        costs[index] = values
        changed = np.flatnonzero(costs != self._objective).astype(np.int32)
        if changed.size:
            status = self._highs.changeColsCost(changed.size, changed, costs[changed])
            self._expect_ok(status, "objective")
        self._expect_ok(self._highs.changeObjectiveOffset(0.0), "objective")
        sense = highspy.ObjSense.kMaximize if maximise else highspy.ObjSense.kMinimize
        self._expect_ok(self._highs.changeObjectiveSense(sense), "objective")
        self._objective, self._maximise = costs, maximise

    def set_column_bounds(self, columns: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> None:
        """Replace the bounds of some columns."""
        index = np.asarray(columns, dtype=np.int32)
        if not index.size:
            return
        low = np.array(np.broadcast_to(lower, index.shape), dtype=np.float64)
        high = np.array(np.broadcast_to(upper, index.shape), dtype=np.float64)
        status = self._highs.changeColsBounds(index.size, index, low, high)
        self._expect_ok(status, "variable bounds")
        self._lower[index], self._upper[index] = low, high

    def column_bounds(self, columns: ArrayLike) -> tuple[Vector, Vector]:
        """The bounds of some columns as they stand."""
        index = np.asarray(columns, dtype=np.int64)
        return self._lower[index], self._upper[index]

    def solve(self, time_limit: float | None = None) -> Solution:
        """Solve the program as it stands.

        Parameters
        ----------
        time_limit : float, optional
            Seconds; a limit that has passed answers TIME_LIMIT at once.

        Returns
        -------
        Solution
            UNKNOWN where HiGHS failed in every way tried; it says nothing then.
        """
        if time_limit is not None and time_limit <= 0:
            return self._nothing(SolveStatus.TIME_LIMIT)
        deadline = math.inf if time_limit is None else time.monotonic() + time_limit
        solution = self._attempt(deadline)
        if solution.status is SolveStatus.UNKNOWN:
            solution = self._rescued(solution, deadline)
        return solution

    def forget(self) -> None:
        """Drop basis and incumbent: the next solve starts from nothing."""
        self._expect_ok(self._highs.clearSolver(), "clearing")

    # -- inside ---------------------------------------------------------------------------

    def _pass(self, program: Program) -> None:
        matrix = program.matrix
        integrality: NDArray[np.int32] = program.integer.astype(np.int32)
        status = self._highs.passModel(
            program.n_columns,
            program.n_rows,
            matrix.nnz,
            int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMinimize),
            program.offset,
            program.objective,
            program.lower,
            program.upper,
            program.row_lower,
            program.row_upper,
            matrix.indptr.astype(np.int32),
            matrix.indices.astype(np.int32),
            matrix.data,
            integrality,
        )
        self._expect_ok(status, "the program")
        held = self._highs.getNumNz()
        expected = int(np.count_nonzero(matrix.data))
        if held != expected:
            raise SolverError("HiGHS", f"took {held} coefficients of {expected}")

    def _enter(self, highs: highspy.Highs, options: Options) -> None:
        """Go on with another HiGHS object."""
        self._set(highs, options)
        self._highs = highs
        self._run = InterruptibleRun(highs, self.leash) if self._interruptible else highs.run

    def _set(self, highs: highspy.Highs, options: Options) -> None:
        self._expect_ok(highs.resetOptions(), "default options")
        for name, value in options.items():
            self._expect_ok(highs.setOptionValue(name, value), f"option {name}={value}")

    def _attempt(self, deadline: float) -> Solution:
        """One solve, as the options stand."""
        status = self._ran(deadline)
        if status == highspy.HighsModelStatus.kUnboundedOrInfeasible:
            # Presolve could not tell the two apart; without it the simplex can.
            _, presolve = self._highs.getOptionValue("presolve")
            self._highs.setOptionValue("presolve", "off")
            status = self._ran(deadline)
            self._highs.setOptionValue("presolve", presolve)
        return self._solution(_STATUS.get(status, SolveStatus.UNKNOWN))

    def _rescued(self, failed: Solution, deadline: float) -> Solution:
        """Solve in fresh HiGHS objects, each in another way, until one gives an answer.

        Seen in practice: the mixed-integer solver ends with a solution that breaks a row by 1.3
        tolerances, disowns it and calls the run a failure (`Highs::checkOptimality`).
        """
        # Another user of HiGHS in this process may have set up its threads differently.
        highspy.Highs.resetGlobalScheduler(True)
        program = self._highs.getModel()
        solution = failed
        for options in self._settings.rescues():
            if time.monotonic() >= deadline or self.leash.over:
                solution = self._nothing(SolveStatus.TIME_LIMIT)
                break
            fresh = highspy.Highs()
            self._enter(fresh, options)
            self._expect_ok(fresh.passModel(program), "the program once more")
            solution = self._attempt(deadline)
            if solution.status is not SolveStatus.UNKNOWN:
                break
        self._set(self._highs, self._settings.options())
        return solution

    def _ran(self, deadline: float) -> highspy.HighsModelStatus:
        limit = deadline - time.monotonic()
        if not self._mixed_integer:
            # HiGHS counts a linear program's time over all runs, a mixed-integer one's afresh.
            limit += self._highs.getRunTime()
        self._expect_ok(self._highs.setOptionValue("time_limit", max(limit, 0.0)), "time limit")
        if self._run() == highspy.HighsStatus.kError:
            return highspy.HighsModelStatus.kSolveError
        found: highspy.HighsModelStatus = self._highs.getModelStatus()
        return found

    def _solution(self, status: SolveStatus) -> Solution:
        info = self._highs.getInfo()
        found = info.primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
        if status is SolveStatus.OPTIMAL and not found and self._n_columns:
            # Optimal for HiGHS, but outside the tolerances asked for: no answer to build on.
            status = SolveStatus.UNKNOWN
        if status is SolveStatus.INFEASIBLE or not (found or status is SolveStatus.OPTIMAL):
            bound = self._dual_bound(status, info)
            return Solution(status, None, -math.inf if self._maximise else math.inf, bound)
        values = self._highs.getSolution()
        x = np.array(values.col_value)
        row_duals = reduced = None
        if not self._mixed_integer and status is SolveStatus.OPTIMAL and values.dual_valid:
            row_duals, reduced = np.array(values.row_dual), np.array(values.col_dual)
        objective = float(info.objective_function_value)
        bound = objective
        if self._mixed_integer or status is not SolveStatus.OPTIMAL:
            bound = self._dual_bound(status, info)
        return Solution(status, x, objective, bound, row_duals, reduced)

    def _dual_bound(self, status: SolveStatus, info: highspy.HighsInfo) -> float:
        if status is SolveStatus.INFEASIBLE:
            return -math.inf if self._maximise else math.inf
        if self._mixed_integer and math.isfinite(info.mip_dual_bound):
            return float(info.mip_dual_bound)
        return math.inf if self._maximise else -math.inf

    def _nothing(self, status: SolveStatus) -> Solution:
        worst = -math.inf if self._maximise else math.inf
        return Solution(status, None, worst, -worst)

    @staticmethod
    def _expect_ok(status: highspy.HighsStatus, what: str) -> None:
        if status != highspy.HighsStatus.kOk:
            raise SolverError("HiGHS", f"did not take {what} as given ({status})")
