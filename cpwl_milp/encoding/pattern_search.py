"""The question "is there another pattern?", asked of HiGHS or of any solver that Pyomo knows."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.common.log import LoggingIntercept
from pyomo.core.expr.numeric_expr import LinearExpression
from pyomo.opt import TerminationCondition

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.pattern import Bits
from cpwl_milp.encoding.big_m import Encoding
from cpwl_milp.encoding.compile import compile_encoding
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.highs_settings import HighsSettings
from cpwl_milp.solvers.pausable import PausableSolves
from cpwl_milp.solvers.program import SolveStatus

Units = NDArray[np.intp]

FEASIBILITY = HighsSettings(first_solution=True, presolve=False)
"""HiGHS settings for questions of existence.

Without presolve: false infeasibility from it is a known failure of MIP solvers, was seen here
with margins of 1e-8, and these programs are no slower without it.
"""

_FOUND = (
    TerminationCondition.optimal,
    TerminationCondition.feasible,
    TerminationCondition.locallyOptimal,
    TerminationCondition.globallyOptimal,
)
_OUT_OF_TIME = (TerminationCondition.maxTimeLimit, TerminationCondition.userInterrupt)


@dataclass(frozen=True, eq=False)
class Proposal:
    """A solver's answer; only INFEASIBLE and a pattern say anything.

    Attributes
    ----------
    status : SolveStatus
    bits : ndarray of bool, shape (n_units,), or None
        The pattern by the binaries, stable bits included.
    x : ndarray, shape (n_inputs,), or None
        The input, within the solver's tolerances.
    reason : str
        Why the status is UNKNOWN, where the solver says so.
    solves : int
        Solves begun for this answer: 0 where one was waited for that had been begun before.
    """

    status: SolveStatus
    bits: Bits | None = None
    x: Vector | None = None
    reason: str = ""
    solves: int = 1


class PatternSearch(Protocol):
    """A solver that proposes patterns of an encoding, one by one."""

    def fix(self, literals: Mapping[int, bool]) -> None:
        """Fix the bits of some unstable units, and free all others."""
        ...

    def cut(self, units: Units, bits: Bits) -> None:
        """Exclude every pattern that has these bits at these unstable units (at least one)."""
        ...

    def propose(self, seconds: float) -> Proposal:
        """Look for a pattern that is left; TIME_LIMIT where that takes longer.

        A search that can go on from there does so when it is asked again, unless something was
        fixed or cut in between.
        """
        ...


class HighsSearch:
    """The search in a persistent HiGHS session, whose solves may be left and taken up again."""

    def __init__(self, encoding: Encoding, settings: HighsSettings = FEASIBILITY) -> None:
        self._compiled = compile_encoding(encoding)
        program, self._scale = self._compiled.program.equilibrated()
        self._session = HighsSession(program, settings)
        self._solves = PausableSolves(self._session)
        columns = self._compiled.on_columns
        self._binaries = columns[columns >= 0]

    def fix(self, literals: Mapping[int, bool]) -> None:
        """Fix the bits of some unstable units, and free all others."""
        self._solves.give_up()
        self._session.set_column_bounds(self._binaries, 0.0, 1.0)
        units = np.array(list(literals), dtype=np.intp)
        values = np.array(list(literals.values()), dtype=np.float64)
        self._session.set_column_bounds(self._compiled.on_columns[units], values, values)

    def cut(self, units: Units, bits: Bits) -> None:
        """Add the no-good row ``sum(1 - on: bit 1) + sum(on: bit 0) >= 1``."""
        self._solves.give_up()
        values = np.where(bits, -1.0, 1.0)
        columns = self._compiled.on_columns[units]
        self._session.add_row(columns, values, 1.0 - float(bits.sum()), np.inf)

    def propose(self, seconds: float) -> Proposal:
        """Solve the program as it stands, or go on with that."""
        begun = 0 if self._solves.under_way else 1
        solution = self._solves.solve(seconds)
        if solution is None:
            return Proposal(SolveStatus.TIME_LIMIT, solves=begun)
        if solution.x is None:
            reason = "HiGHS failed" if solution.status is SolveStatus.UNKNOWN else ""
            return Proposal(solution.status, reason=reason, solves=begun)
        values = solution.x * self._scale
        bits, inputs = self._compiled.bits(values), self._compiled.inputs(values)
        return Proposal(SolveStatus.FEASIBLE, bits, inputs, solves=begun)


class PyomoSearch:
    """The search by a solver that Pyomo drives, such as ``scip_direct``, ``cbc`` or ``gurobi``.

    Raises
    ------
    InputError
        If Pyomo does not know the solver, or cannot find it on this machine.
    """

    def __init__(self, encoding: Encoding, solver: str) -> None:
        self._encoding = encoding
        self._name = solver
        self._solver = pyomo_solver(solver)
        self._model = encoding.model.clone()
        self._model.no_good = pyo.ConstraintList()
        self._on = {
            unit: self._model.on[tuple(encoding.unit_index[unit].tolist())]
            for unit in np.flatnonzero(encoding.stable_bits < 0).tolist()
        }

    def fix(self, literals: Mapping[int, bool]) -> None:
        """Fix the bits of some unstable units, and free all others."""
        for variable in self._on.values():
            variable.unfix()
        for unit, value in literals.items():
            self._on[unit].fix(int(value))

    def cut(self, units: Units, bits: Bits) -> None:
        """Add the no-good row."""
        expression = LinearExpression(
            constant=0.0,
            linear_coefs=np.where(bits, -1.0, 1.0).tolist(),
            linear_vars=[self._on[unit] for unit in units.tolist()],
        )
        self._model.no_good.add((1.0 - float(bits.sum()), expression, None))

    def propose(self, seconds: float) -> Proposal:
        """Solve the model as it stands."""
        options: dict[str, Any] = {} if math.isinf(seconds) else {"timelimit": seconds}
        try:
            with LoggingIntercept(None, "pyomo", logging.WARNING):
                results = self._solver.solve(self._model, load_solutions=False, **options)
        except (ValueError, RuntimeError, OSError) as error:
            # One line, whatever the solver put into it.
            told = " ".join(str(error).split())
            return Proposal(SolveStatus.UNKNOWN, reason=f"solver {self._name} failed: {told}")
        condition = results.solver.termination_condition
        if condition == TerminationCondition.infeasible:
            return Proposal(SolveStatus.INFEASIBLE)
        if condition not in _FOUND:
            out_of_time = condition in _OUT_OF_TIME
            return Proposal(SolveStatus.TIME_LIMIT if out_of_time else SolveStatus.UNKNOWN)
        self._model.solutions.load_from(results)
        bits = self._encoding.stable_bits == 1
        for unit, variable in self._on.items():
            bits[unit] = variable.value > 0.5
        x = [0.5 * (v.lb + v.ub) if v.value is None else v.value for v in self._model.x.values()]
        return Proposal(SolveStatus.FEASIBLE, bits, np.array(x, dtype=np.float64))


def pyomo_solver(name: str) -> Any:
    """The Pyomo solver of this name, ready to use.

    Raises
    ------
    InputError
        If Pyomo does not know it, or it is not installed.
    """
    with LoggingIntercept(None, "pyomo", logging.WARNING):
        if name not in list(pyo.SolverFactory):
            raise InputError(
                f"--solver {name}",
                "Pyomo knows no solver of this name",
                "highs, scip_direct, scip, cbc, glpk, gurobi, cplex_direct, xpress_direct ...",
            )
        try:
            solver = pyo.SolverFactory(name)
            available = bool(solver.available(exception_flag=False))
        except Exception as error:  # any foreign failure means: not usable here
            raise InputError(f"--solver {name}", f"Pyomo cannot use it here: {error}") from error
    if not available:
        raise InputError(
            f"--solver {name}",
            "Pyomo knows it, but it is not installed here",
            "an installed solver",
            "install it, or leave the option out to use HiGHS",
        )
    return solver


def open_search(encoding: Encoding, solver: str = "highs", *, seed: int = 0) -> PatternSearch:
    """The search by the solver of this name: HiGHS's persistent session, or Pyomo's.

    The seed is HiGHS's; other solvers keep their own.
    """
    if solver == "highs":
        return HighsSearch(encoding, replace(FEASIBILITY, seed=seed))
    return PyomoSearch(encoding, solver)
