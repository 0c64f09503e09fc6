"""The whole question as one mixed-integer program a case, for any solver.

Is there an input of the box, with the network's outputs, for which every row of the case holds? A
solution is judged as every candidate is. "Infeasible" is the solver's word: its tolerances are
1e-9 (HiGHS, as set here) or its own, against coefficients of all sizes. Every row is therefore
loosened by `SLACK` of its range first, and there is no presolve (false infeasibility from it is a
known failure). That is an argument, not a proof, and the answer says so.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.network import Network
from cpwl_milp.core.property import LinearRows, Property
from cpwl_milp.encoding.big_m import encode
from cpwl_milp.encoding.pattern_search import open_search
from cpwl_milp.encoding.side_constraints import add_rows
from cpwl_milp.solvers.program import SolveStatus
from cpwl_milp.verification.attack import Attack
from cpwl_milp.verification.witness import Counterexample

SLACK = 1e-6
"""Of the range of a row's left side."""


@dataclass(frozen=True, eq=False)
class Solved:
    """What the programs of some cases gave.

    Attributes
    ----------
    found : Counterexample or None
    settled : tuple of int
        Cases whose program is infeasible, by the solver's word.
    reason : str
        Why others are left.
    """

    found: Counterexample | None
    settled: tuple[int, ...]
    reason: str = ""


@dataclass
class Programs:
    """Solves the cases of one box, one after the other.

    Attributes
    ----------
    network : Network
    prop : Property
    bounds : Bounds
        Sound on the box of the cases, and finite.
    solver : str
    seed : int
    attack : Attack
        Judges the solver's inputs.
    solves : int
        Programs begun so far.
    """

    network: Network
    prop: Property
    bounds: Bounds
    attack: Attack
    solver: str = "highs"
    seed: int = 0
    solves: int = field(default=0, init=False)

    def run(self, cases: NDArray[np.intp], deadline: float) -> Solved:
        """Solve the given cases until one is met, or the time is up."""
        settled: list[int] = []
        reason = ""
        for case in cases:
            left = deadline - time.monotonic()
            if left <= 0:
                return Solved(None, tuple(settled), "max-seconds")
            verdict, why = self._case(int(case), left)
            if isinstance(verdict, Counterexample):
                return Solved(verdict, tuple(settled))
            if verdict:
                settled.append(int(case))
            else:
                reason = why
        return Solved(None, tuple(settled), reason)

    def _case(self, case: int, seconds: float) -> tuple[Counterexample | bool, str]:
        asked = self.prop.cases[case]
        encoding = encode(self.network, asked.box, self.bounds, margin=0.0, outputs=True)
        add_rows(encoding, asked.rows, SLACK * self._range(asked.rows))
        self.solves += 1
        proposal = open_search(encoding, self.solver, seed=self.seed).propose(seconds)
        if proposal.status is SolveStatus.INFEASIBLE:
            return True, ""
        if proposal.x is None:
            late = proposal.status is SolveStatus.TIME_LIMIT
            return False, "max-seconds" if late else f"unresolved: {proposal.reason or self.solver}"
        found = self.attack.near(proposal.x, case)
        if found is not None:
            return found, ""
        return False, "unresolved: the solver's input violates within its tolerances only"

    def _range(self, rows: LinearRows) -> float:
        """The largest size of a row's terms, by the bounds of the last layer."""
        low, high = (
            (self.bounds.lower[-1], self.bounds.upper[-1])
            if self.network.layers
            else (self.prop.hull.lower, self.prop.hull.upper)
        )
        values = np.maximum(np.abs(low), np.abs(high))
        if self.network.layers:
            values = values * np.maximum(1.0, np.abs(self.network.layers[-1].slope))
        sizes = self.network.output.magnitude() @ values + np.abs(self.network.output.bias)
        of_rows = np.abs(rows.on_outputs) @ np.asarray(sizes) + np.abs(rows.limit)
        return float(of_rows.max(initial=1.0))
