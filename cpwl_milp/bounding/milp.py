"""Bounds by the network itself: two mixed-integer programs per open unit, each under a time limit.

Tjeng, Xiao, Tedrake, ICLR 2019 (MIPVerify's last stage). The layers before a unit become a closed
big-M program (no margin on active units, so nothing of the domain is left out). What counts is
the solver's dual bound, which also holds when the time is up.

Solver tolerances. A dual bound of branch and bound is the least of its nodes' linear dual bounds.
A reduced cost that is wrong by the dual tolerance t can move each of them by at most t times the
ranges of the columns (Neumaier and Shcherbina 2004), and the program holds true points up to its
feasibility tolerance. Each bound is therefore moved outward by

    `TOLERANCE` * (sum of the column ranges) + `MARGIN` * max(1, |low|, |high|)

with the unit's bounds before. That is an argued margin, not a proof as for the other methods;
where a sampled pre-activation contradicts a bound, no bound of the solver is used.
"""

from __future__ import annotations

import math
import time

import numpy as np

from cpwl_milp.bounding.crown import WayBack, open_units
from cpwl_milp.core.affine import Affine, Dense, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import SolverError
from cpwl_milp.core.network import Network
from cpwl_milp.encoding.big_m import encode
from cpwl_milp.encoding.compile import compile_encoding
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.highs_settings import HighsSettings
from cpwl_milp.solvers.program import SolveStatus

TOLERANCE = 1e-9
MARGIN = 1e-6
# A gap below the margin is not worth a branch.
_SETTINGS = HighsSettings(
    feasibility_tolerance=TOLERANCE, dual_tolerance=TOLERANCE, mip_rel_gap=1e-7
)
_N_SAMPLES = 512
_PROVES_A_BOUND = (SolveStatus.OPTIMAL, SolveStatus.FEASIBLE, SolveStatus.TIME_LIMIT)


def refined_by_milp(
    network: Network,
    domain: Domain,
    bounds: Bounds,
    *,
    deadline: float | None = None,
    seconds: float = 5.0,
) -> Bounds:
    """Tighten sound bounds by mixed-integer programs, layer by layer from the input.

    Units that samples show on one side of 0 only come first: only they can still be settled.

    Parameters
    ----------
    network : Network
    domain : Domain
    bounds : Bounds
        Sound bounds to start from; those of the linear programs cover the first layer.
    deadline : float, optional
        `time.monotonic()` after which what is left keeps the bounds it has.
    seconds : float
        Time limit of one program; its dual bound so far is used.

    Returns
    -------
    Bounds
        Nowhere looser than `bounds`; the very same where the solver failed, or claimed a bound
        that a sampled pre-activation contradicts.
    """
    try:
        return _refined(network, domain, bounds, deadline, seconds)
    except SolverError:
        return bounds


def _refined(
    network: Network, domain: Domain, bounds: Bounds, deadline: float | None, seconds: float
) -> Bounds:
    way = WayBack(domain)
    seen = network.pre_activations(domain.sample(_N_SAMPLES, np.random.default_rng(0)))
    lows: list[Vector] = []
    highs: list[Vector] = []
    for k, (layer, low, high) in enumerate(
        zip(network.layers, bounds.lower, bounds.upper, strict=True)
    ):
        low, high = way.tighten(layer, low, high, deadline=deadline)
        rows = open_units(layer, low, high)
        if k > 0 and rows.size and _is_finite(lows, highs) and not _has_passed(deadline):
            rows = _one_sided_first(rows, seen[k])
            affine = Affine(layer.affine.weight[rows], layer.affine.bias[rows])
            before = Network(network.layers[:k], affine)
            outputs = OutputMinima(before, domain, Bounds(tuple(lows), tuple(highs)))
            for output, row in enumerate(rows):
                span = (low[row], high[row])
                low[row], high[row] = outputs.tightened(output, span, deadline, seconds)
                _check_samples(seen[k][:, row], low[row], high[row], f"layer {k + 1}, unit {row}")
        way.append(layer, low, high)
        lows.append(low)
        highs.append(high)
    return Bounds(tuple(lows), tuple(highs))


class OutputMinima:
    """Bounds of the outputs of a network by one persistent mixed-integer program.

    Parameters
    ----------
    network : Network
    domain : Domain
    bounds : Bounds
        Sound and finite, for all layers of `network`.
    """

    def __init__(self, network: Network, domain: Domain, bounds: Bounds) -> None:
        encoding = encode(network, domain, bounds, margin=0.0, outputs=True)
        compiled = compile_encoding(encoding)
        program = compiled.program
        places = {name: column for column, name in enumerate(compiled.names)}
        self._columns = [places.get(f"y[{k}]", -1) for k in range(network.n_outputs)]
        self._session = HighsSession(program, _SETTINGS)
        ranges = program.upper - program.lower
        self._spread = TOLERANCE * float(ranges[np.isfinite(ranges)].sum())

    def tightened(
        self,
        output: int,
        span: tuple[float, float],
        deadline: float | None = None,
        seconds: float = math.inf,
    ) -> tuple[float, float]:
        """The bounds `span` of one output, tightened; as they are when the time is up."""
        low, high = span
        column = self._columns[output]
        if column < 0:
            return span
        # The side nearer to zero first: it is the one that can fix the sign.
        for side in (1, -1) if -low <= high else (-1, 1):
            left = seconds if deadline is None else min(seconds, deadline - time.monotonic())
            if left <= 0:
                break
            self._session.set_objective([column], [float(side)])
            solution = self._session.solve(None if math.isinf(left) else left)
            if solution.status not in _PROVES_A_BOUND or not math.isfinite(solution.dual_bound):
                continue
            margin = self._spread + MARGIN * max(1.0, abs(low), abs(high))
            if side > 0:
                low = max(low, solution.dual_bound - margin)
            else:
                high = min(high, margin - solution.dual_bound)
            if low > 0 or high <= 0:
                break
        return low, high


def _one_sided_first(rows: np.ndarray, seen: Dense) -> np.ndarray:
    both = np.any(seen[:, rows] > 0, axis=0) & np.any(seen[:, rows] <= 0, axis=0)
    return rows[np.argsort(both, kind="stable")]


def _check_samples(seen: Vector, low: float, high: float, where: str) -> None:
    slack = 1e-9 * (1.0 + float(np.abs(seen).max(initial=0.0)))
    if np.any(seen < low - slack) or np.any(seen > high + slack):
        raise SolverError(
            where,
            f"HiGHS bounds its pre-activation by [{low:g}, {high:g}], but samples take "
            f"[{seen.min():g}, {seen.max():g}]",
            hint="the method lp does not rest on solver tolerances",
        )


def _has_passed(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _is_finite(lows: list[Vector], highs: list[Vector]) -> bool:
    return all(np.isfinite(bound).all() for bound in (*lows, *highs))
