"""The Lipschitz constant of a network on a domain, from the Jacobians of its regions.

A continuous piecewise-linear function on a convex domain has the Lipschitz constant
``max ||J||`` over its linear regions (Jordan and Dimakis, "Exactly computing the local Lipschitz
constant of ReLU networks", NeurIPS 2020), with the operator norm from the p-norm to the p-norm.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.census.answer import CountSettings
from cpwl_milp.conditions import Condition, ConditionedEngine, ConditionedProblem
from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.exploration import Advance
from cpwl_milp.core.network import Network
from cpwl_milp.core.problem import Problem
from cpwl_milp.enumeration.loop import enumerate_regions
from cpwl_milp.enumeration.progress import ProgressReporter
from cpwl_milp.partition.composed import composed_blocks

NORMS: dict[str, float] = {"1": 1, "2": 2, "inf": math.inf}


@dataclass(frozen=True, eq=False)
class LipschitzConstant:
    """The largest norm of a Jacobian over the regions listed.

    Attributes
    ----------
    norm : str
        p, of inputs and outputs.
    value : float
        Up to rounding; of the inputs that vary, in the coordinates of a slice.
    point : ndarray, shape (n_inputs,), or None
        In the interior of a region where it is attained.
    regions : int
    reason : str
        Why there may be a larger one; "" when there is none.
    seconds : float
    """

    norm: str
    value: float
    point: Vector | None
    regions: int
    reason: str
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether all regions were listed."""
        return not self.reason


def lipschitz_constant(
    network: Network,
    domain: Domain,
    norm: str = "2",
    condition: Condition | None = None,
    settings: CountSettings | None = None,
    progress: ProgressReporter | None = None,
) -> LipschitzConstant:
    """Find the Lipschitz constant of a network on a domain.

    Parameters
    ----------
    network : Network
    domain : Domain
    norm : str
        "1", "2" or "inf".
    condition : Condition, optional
        Only regions that meet it: the largest norm of their Jacobians.
    settings : CountSettings, optional
    progress : ProgressReporter, optional

    Raises
    ------
    InputError
        If the norm is unknown.
    DomainError
        If the domain does not fit.
    """
    if norm not in NORMS:
        raise InputError("norm", repr(norm), "1, 2 or inf")
    begin = time.monotonic()
    settings = settings or CountSettings()
    posed = ConditionedProblem.of(network, domain, condition or Condition())
    extended = posed.extended
    bounds = pre_activation_bounds(extended.network, extended.domain, method=settings.bound_method)
    steepest = _Steepest(posed.problem, norm)
    outcome = enumerate_regions(
        ConditionedEngine(posed, bounds, replace(settings.engine, with_points=True)),
        n_layers=0,
        limits=settings.limits,
        sinks=[steepest],
        progress=progress,
        jobs=settings.jobs,
    )
    point = steepest.point
    return LipschitzConstant(
        norm=norm,
        value=steepest.value,
        point=None if point is None else posed.problem.embed(point[None, :])[0],
        regions=outcome.n_regions,
        reason=outcome.reason,
        seconds=time.monotonic() - begin,
    )


class _Steepest:
    """A sink that keeps the largest norm of a Jacobian."""

    def __init__(self, problem: Problem, norm: str) -> None:
        self._network = problem.plain
        self._norm = norm
        self.value = 0.0
        self.point: Vector | None = None

    def accept(self, advance: Advance) -> None:
        """Look at the regions of an advance."""
        regions = advance.regions
        for block in composed_blocks(self._network, regions.patterns, with_rows=False):
            norms = operator_norms(block.outputs[:, :, :-1], self._norm)
            k = int(np.argmax(norms))
            if norms[k] > self.value or self.point is None:
                self.value = float(norms[k])
                if len(regions.points):
                    self.point = regions.points[block.start + k]


def operator_norms(jacobians: Dense, norm: str) -> Vector:
    """Operator norms, shape (B,), of matrices of shape (B, n_outputs, n_inputs)."""
    found: Vector = np.linalg.norm(jacobians, ord=NORMS[norm], axis=(1, 2))
    return found
