"""The largest value of an output or a margin, and where: region by region, or by one program."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.census.answer import CountSettings
from cpwl_milp.conditions import Condition, ConditionedEngine, ConditionedProblem
from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.exploration import Advance
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.progress import ProgressReporter
from cpwl_milp.partition.composed import composed_blocks, scaled
from cpwl_milp.questions.objectives import Objective
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.program import Program, SolveStatus

# What a bound by rounded sums may err, as a share of the size of its terms.
_ROUNDING = 1e-13
# Of the time: for bounds of pre-activations.
BOUNDS_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Maximum:
    """The largest value found, and what none exceeds.

    Attributes
    ----------
    value : float
        Of the network in float64 at `point`; -inf where no region was met.
    point : ndarray, shape (n_inputs,), or None
        In the domain.
    upper : float
        By linear programming duality on every region, or the dual bound of the solver, moved
        outward; inf where the search did not end.
    by : str
        "regions" or "program".
    regions : int
        Regions met.
    programs : int
        Linear or mixed-integer programs solved.
    reason : str
        Why `upper` is not `value` within tolerances; "" when it is.
    seconds : float
    """

    value: float
    point: Vector | None
    upper: float
    by: str
    regions: int
    programs: int
    reason: str
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether this is the maximum, within the tolerances of the solver."""
        return not self.reason


def maximum_over_regions(
    network: Network,
    domain: Domain,
    objective: Objective,
    condition: Condition | None = None,
    settings: CountSettings | None = None,
    progress: ProgressReporter | None = None,
) -> Maximum:
    """Find the maximum by a linear program on each region that can hold it.

    Parameters
    ----------
    network : Network
    domain : Domain
        Bounded, with linear faces.
    objective : Objective
    condition : Condition, optional
        Only inputs that meet it (up to the boundary of what does).
    settings : CountSettings, optional
    progress : ProgressReporter, optional

    Raises
    ------
    DomainError
        If the domain is a ball or unbounded, or does not fit.
    """
    begin = time.monotonic()
    settings = settings or CountSettings()
    posed = ConditionedProblem.of(network, domain, condition or Condition())
    posed.problem.domain.require_polyhedral("maximum")
    _require_plain(posed)
    extended = posed.extended
    limits = settings.limits
    deadline = None
    if limits.max_seconds is not None:
        deadline = begin + BOUNDS_SHARE * limits.max_seconds
    bounds = pre_activation_bounds(
        extended.network, extended.domain, method=settings.bound_method, deadline=deadline
    )
    search = _RegionMaxima(posed, objective)
    outcome = enumerate_regions(
        ConditionedEngine(posed, bounds, settings.engine),
        n_layers=0,
        limits=limits,
        sinks=[search],
        progress=progress,
        jobs=settings.jobs,
    )
    reason = outcome.reason or search.failure
    point = None if search.point is None else posed.problem.embed(search.point[None, :])[0]
    value = -math.inf if point is None else float(objective(network(point[None, :]))[0])
    return Maximum(
        value=value,
        point=point,
        upper=math.inf if reason else max(value, search.upper),
        by="regions",
        regions=outcome.n_regions,
        programs=search.programs,
        reason=reason,
        seconds=time.monotonic() - begin,
    )


def _require_plain(posed: ConditionedProblem) -> None:
    if not posed.problem.coordinates.isometric or not posed.problem.asked.bounded:
        raise InputError(
            "maximum", "a domain with artificial inputs", "a box, a polytope or a slice of one"
        )


class _RegionMaxima:
    """A sink that keeps the largest value over the regions that go by."""

    def __init__(self, posed: ConditionedProblem, objective: Objective) -> None:
        problem, extended = posed.problem, posed.extended
        box = problem.domain.box
        self._posed = posed
        self._objective = objective
        self._box = box
        self._values = scaled(problem.network, box)
        self._cells = scaled(extended.network, box)
        A, b = problem.domain.inequalities()
        self._limits = np.concatenate([A * box.half_widths, (A @ box.centre - b)[:, None]], axis=1)
        self._best = -math.inf
        self.upper = -math.inf
        self.point: Vector | None = None
        self.programs = 0
        self.failure = ""

    def accept(self, advance: Advance) -> None:
        """Look at the regions of an advance."""
        patterns = advance.regions.patterns
        for block in composed_blocks(self._values, patterns, with_rows=False):
            goals = np.einsum("rk,bkn->brn", self._objective.weight, block.outputs)
            goals[:, :, -1] += self._objective.bias
            # Over the whole box: most regions cannot hold the maximum.
            reach = np.abs(goals[:, :, :-1]).sum(axis=2)
            most = (goals[:, :, -1] + reach + _ROUNDING * _sizes(goals)).min(axis=1)
            for k in np.argsort(-most):
                if most[k] <= self._best:
                    self.upper = max(self.upper, float(most[k]))
                    break
                self._solve(patterns[block.start + k : block.start + k + 1], goals[k])

    def _solve(self, pattern: Packed, goals: Dense) -> None:
        """The maximum on one region: max s with s <= every goal."""
        whole = self._posed.extended_patterns(pattern)
        block = next(composed_blocks(self._cells, whole, with_rows=True))
        assert block.rows is not None
        rows = np.where(block.bits[0][:, None], -block.rows[0], block.rows[0])
        rows = np.concatenate([rows, self._limits])
        size = np.abs(rows[:, :-1]).max(axis=1, initial=0.0)
        rows = rows[size > 1e-12 * (1.0 + np.abs(rows[:, -1]))]
        rows = rows / np.linalg.norm(rows[:, :-1], axis=1)[:, None]
        found = _maximised(rows, goals)
        self.programs += 1
        if found is None:
            self.failure = "unresolved: the solver failed on a region"
            return
        t, upper = found
        point = self._box.centre + self._box.half_widths * np.clip(t, -1.0, 1.0)
        value = float((goals[:, :-1] @ np.clip(t, -1.0, 1.0) + goals[:, -1]).min())
        self.upper = max(self.upper, upper)
        if value > self._best:
            self._best, self.point = value, point


def _sizes(goals: Dense) -> Dense:
    found: Dense = np.abs(goals).sum(axis=2)
    return found


def _maximised(rows: Dense, goals: Dense) -> tuple[Vector, float] | None:
    """``max s``, ``s <= g t + h`` for all goals, ``a t + c <= 0`` for all rows, ``|t| <= 1``.

    Returns
    -------
    t : ndarray
    upper : float
        No value is larger: weak duality, the residual charged against the box (Neumaier and
        Shcherbina 2004).
    """
    n = rows.shape[1] - 1
    reach = np.abs(goals).sum(axis=1)
    matrix = np.zeros((len(rows) + len(goals), n + 1))
    matrix[: len(rows), :n] = rows[:, :n]
    matrix[len(rows) :, :n], matrix[len(rows) :, n] = -goals[:, :n], 1.0
    sides = np.concatenate([-rows[:, n], goals[:, n]])
    lower = np.concatenate([-np.ones(n), [-float(reach.max())]])
    upper = np.concatenate([np.ones(n), [float(reach.max())]])
    cost = np.zeros(n + 1)
    cost[n] = -1.0
    program = Program.linear(
        sp.csr_array(matrix), np.full(len(sides), -np.inf), sides, lower, upper, cost
    )
    solution = HighsSession(program).solve()
    if solution.status is not SolveStatus.OPTIMAL or solution.x is None:
        return None
    most = float(reach.max())
    if solution.row_duals is not None:
        w = np.maximum(-solution.row_duals, 0.0)
        rest = -cost - matrix.T @ w
        worst = np.maximum(rest * lower, rest * upper)
        terms = float(np.abs(w) @ np.abs(sides)) + float(np.abs(worst).sum())
        most = min(most, float(w @ sides + worst.sum()) + _ROUNDING * (1.0 + terms))
    return solution.x[:n], most
