"""The judge of proposed patterns: proper, thin or spurious, on the composed affine rows.

Solvers of integer programs work to tolerances of 1e-9 at best, so what they find is a proposal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.cell import Cell
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits
from cpwl_milp.engines.milp.rounding import composed_noise
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.inradius import constant_rows, largest_ball
from cpwl_milp.solvers.program import Program

# No ball of more than this share of the box's largest half width: not full-dimensional.
_THIN = 1e-9
# By how much the active units of a thin pattern must be positive, as a distance.
_HALF_OPEN = 1e-8


class Kind(Enum):
    """What a proposed pattern is."""

    PROPER = "proper"
    THIN = "thin"
    """Some input has it, but none with a neighbourhood."""
    SPURIOUS = "spurious"
    """No input has it; the solver's tolerances made it up."""
    UNDECIDED = "undecided"
    """Float arithmetic cannot tell."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """A judged pattern.

    Attributes
    ----------
    kind : Kind
    point : ndarray or None
        Of a proper pattern: the centre of its largest ball, clear of rounding errors.
    radius : float
        Of that ball.
    """

    kind: Kind
    point: Vector | None = None
    radius: float = 0.0


@dataclass(frozen=True, eq=False)
class CellRows:
    """The closed cell of a pattern in a domain: ``A x <= b`` in the domain's box.

    Attributes
    ----------
    A, b : ndarray, shapes (m, n), (m,)
        One row a hidden unit, then the domain's inequalities.
    strict : ndarray of bool, shape (m,)
        Rows of active units: ``A x < b``.
    noise : ndarray, shape (m,)
        Bound of the rounding error in each row anywhere in the box.
    """

    A: Dense
    b: Vector
    strict: NDArray[np.bool_]
    noise: Vector

    @staticmethod
    def of(network: Network, domain: Domain, bits: Bits) -> CellRows:
        """Compose the rows of the pattern `bits`."""
        A, b = Cell.of(network, bits).inequalities()
        reach = np.maximum(np.abs(domain.box.lower), np.abs(domain.box.upper))
        noise = composed_noise(network, bits, reach)
        more_A, more_b = domain.inequalities()
        more_noise = (len(reach) + 3) * 2.0**-53 * (np.abs(more_A) @ reach + np.abs(more_b))
        return CellRows(
            np.concatenate([A, more_A]),
            np.concatenate([b, more_b]),
            np.concatenate([bits, np.zeros(len(more_b), dtype=np.bool_)]),
            np.concatenate([noise, more_noise]),
        )


def judge(network: Network, domain: Domain, bits: Bits) -> Verdict:
    """Judge the pattern `bits` (shape (n_units,)) of `network` on `domain`."""
    rows = CellRows.of(network, domain, bits)
    box = domain.box
    for presolve in (True, False):
        ball = largest_ball(
            rows.A,
            rows.b,
            box.lower,
            box.upper,
            strict=rows.strict,
            noise=rows.noise,
            presolve=presolve,
        )
        if ball.centre is not None and ball.radius > 0 and _clear(rows, domain, ball.centre):
            return Verdict(Kind.PROPER, ball.centre, ball.radius)
        if ball.radius_bound <= _THIN * float(box.half_widths.max()):
            thin = np.isfinite(ball.radius_bound) and _half_open(rows, domain)
            return Verdict(Kind.THIN if thin else Kind.SPURIOUS)
    return Verdict(Kind.UNDECIDED)


def _clear(rows: CellRows, domain: Domain, centre: Vector) -> bool:
    """Whether every row that is not constant holds at `centre` by more than its noise."""
    box = domain.box
    norms = np.linalg.norm(rows.A, axis=1)
    varying = ~constant_rows(norms, box.lower, box.upper, rows.noise)
    slack = rows.b - rows.A @ centre
    return bool((slack[varying] > rows.noise[varying]).all())


def _half_open(rows: CellRows, domain: Domain) -> bool:
    """Whether some point of the closed cell has all its active units above zero."""
    box = domain.box
    norms = np.linalg.norm(rows.A, axis=1)
    varying = ~constant_rows(norms, box.lower, box.upper, rows.noise)
    unit = rows.A[varying] / norms[varying, None]
    side = rows.b[varying] / norms[varying]
    n = box.dim
    top = float(np.linalg.norm(box.upper - box.lower))
    session = HighsSession(
        Program.linear(
            np.concatenate([unit, rows.strict[varying, None].astype(np.float64)], axis=1),
            np.full(len(side), -np.inf),
            side,
            np.concatenate([box.lower, [0.0]]),
            np.concatenate([box.upper, [top]]),
        )
    )
    session.set_objective([n], [1.0], maximise=True)
    solution = session.solve()
    return solution.x is not None and solution.objective > _HALF_OPEN * top
