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
from cpwl_milp.core.property import Case, Property
from cpwl_milp.encoding.big_m import encode
from cpwl_milp.encoding.pattern_search import Proposal, open_search
from cpwl_milp.encoding.side_constraints import add_rows
from cpwl_milp.solvers.program import SolveStatus
from cpwl_milp.verification.attack import Attack
from cpwl_milp.verification.box_bounds import BoundsOfBoxes
from cpwl_milp.verification.witness import Counterexample

_SETTLED, _LATE = "infeasible", "time limit"

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
    given_up : tuple of int
        Cases for which more time would not help.
    reason : str
        Why these are left.
    """

    found: Counterexample | None
    settled: tuple[int, ...]
    given_up: tuple[int, ...] = ()
    reason: str = ""


@dataclass
class Programs:
    """Solves cases, one after the other.

    Attributes
    ----------
    network : Network
    prop : Property
    bounds : BoundsOfBoxes
    solver : str
    seed : int
    attack : Attack
        Judges the solver's inputs.
    solves : int
        Programs begun so far.
    """

    network: Network
    prop: Property
    bounds: BoundsOfBoxes
    attack: Attack
    solver: str = "highs"
    seed: int = 0
    solves: int = field(default=0, init=False)

    def run(self, cases: NDArray[np.intp], deadline: float) -> Solved:
        """Solve the given cases until one is met, or the time is up."""
        settled: list[int] = []
        given_up: list[int] = []
        reason = ""
        for case in cases.tolist():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            found, why = self._case(case, left)
            if found is not None:
                return Solved(found, tuple(settled), tuple(given_up), reason)
            if why == _SETTLED:
                settled.append(case)
            elif why != _LATE:
                given_up.append(case)
                reason = why
        return Solved(None, tuple(settled), tuple(given_up), reason)

    def _case(self, case: int, seconds: float) -> tuple[Counterexample | None, str]:
        """A counterexample, or how the solve ended."""
        end = time.monotonic() + seconds
        loose = self._proposed(case, SLACK, end)
        if loose.status is SolveStatus.INFEASIBLE:
            return None, _SETTLED
        if loose.x is not None:
            found = self.attack.near(loose.x, case)
            if found is None:
                # With the rows tightened instead, what the solver finds is beyond its tolerances.
                tight = self._proposed(case, -SLACK, end)
                found = None if tight.x is None else self.attack.near(tight.x, case)
            return found, "the solver's input violates within its tolerances only"
        if loose.status is SolveStatus.TIME_LIMIT:
            return None, _LATE
        return None, loose.reason or f"solver {self.solver} gave no answer"

    def _proposed(self, case: int, slack: float, end: float) -> Proposal:
        """The solver's answer, the rows' limits moved by a share of their range."""
        asked = self.prop.cases[case]
        bounds = self.bounds.of(asked.box)
        encoding = encode(self.network, asked.box, bounds, margin=0.0, outputs=True)
        add_rows(encoding, asked.rows, slack * self._range(asked, bounds))
        search = open_search(encoding, self.solver, seed=self.seed)
        self.solves += 1
        try:
            return search.propose(max(0.01, end - time.monotonic()))
        finally:
            # A solve that is not done goes on behind our back: no bits fixed, but it is stopped.
            search.fix({})

    def _range(self, case: Case, bounds: Bounds) -> float:
        """The largest size of a row's terms, by the bounds of the last layer."""
        low, high = (
            (bounds.lower[-1], bounds.upper[-1])
            if self.network.layers
            else (case.box.lower, case.box.upper)
        )
        values = np.maximum(np.abs(low), np.abs(high))
        if self.network.layers:
            values = values * np.maximum(1.0, np.abs(self.network.layers[-1].slope))
        sizes = self.network.output.magnitude() @ values + np.abs(self.network.output.bias)
        rows = case.rows
        of_rows = np.abs(rows.on_outputs) @ np.asarray(sizes) + np.abs(rows.limit)
        return float(of_rows.max(initial=1.0))
