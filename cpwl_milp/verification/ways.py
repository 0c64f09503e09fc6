"""The ways to decide what bounds and search left open, behind one face.

A way can be left when its time is up and gone on with later; a case that one way settles is none of
the others' business any more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.network import Network
from cpwl_milp.core.property import Property
from cpwl_milp.verification.attack import Attack
from cpwl_milp.verification.box_bounds import BoundsOfBoxes
from cpwl_milp.verification.boxes import Bisection
from cpwl_milp.verification.milp import Programs
from cpwl_milp.verification.rows import Table
from cpwl_milp.verification.units import UnitBranching
from cpwl_milp.verification.witness import Counterexample

Cases = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Turn:
    """What a way found in its turn.

    Attributes
    ----------
    found : Counterexample or None
    settled : ndarray of int
        Cases that no input meets.
    """

    found: Counterexample | None
    settled: Cases


class Way(Protocol):
    """One way to settle cases.

    Attributes
    ----------
    name : str
    rigorous : bool
        Whether what it settles is proved.
    spent : bool
        Whether more time would not help it.
    reason : str
        Why not, where it is spent and cases are open.
    work : dict of str to int
        What it has done so far.
    """

    name: str
    rigorous: bool
    spent: bool
    reason: str
    work: dict[str, int]

    def run(self, cases: Cases, deadline: float) -> Turn:
        """Work on the given cases, all that are open, until the time is up."""
        ...


class BoxesWay:
    """Bisection of the input box."""

    name = "boxes"
    rigorous = True

    def __init__(self, bisection: Bisection) -> None:
        self._bisection = bisection
        self.spent = False
        self.reason = "boxes as small as the spacing of floats are left"
        self.work = {"boxes": 0}

    def run(self, cases: Cases, deadline: float) -> Turn:
        """Go on with all boxes on which some of the cases are open."""
        self._bisection.keep(cases)
        done = self._bisection.run(deadline)
        self.work["boxes"] = done.boxes
        self.spent = done.spent
        settled = np.setdiff1d(cases, self._bisection.open_cases)
        return Turn(done.found, settled)


class UnitsWay:
    """Branching over units, case by case, in slices of time that grow."""

    name = "units"
    rigorous = True

    def __init__(
        self,
        network: Network,
        prop: Property,
        table: Table,
        bounds: BoundsOfBoxes,
        attack: Attack,
    ) -> None:
        self._network, self._property, self._table = network, prop, table
        self._bounds, self._attack = bounds, attack
        self._branchings: dict[int, UnitBranching] = {}
        self.spent = False
        self.reason = "a limit is touched within rounding where all units have one sign"
        self.work = {"nodes": 0}

    def run(self, cases: Cases, deadline: float) -> Turn:
        """Give each case the same share of the time that is left."""
        settled: list[int] = []
        self.spent = True
        for place, case in enumerate(cases.tolist()):
            now = time.monotonic()
            if now >= deadline:
                self.spent = False
                break
            branching = self._branching(case)
            done = branching.run(now + (deadline - now) / (len(cases) - place))
            self.work["nodes"] = sum(each.nodes for each in self._branchings.values())
            if done.found is not None:
                return Turn(done.found, np.array(settled, dtype=np.intp))
            if done.holds:
                settled.append(case)
            elif branching.left:
                self.spent = False
        return Turn(None, np.array(settled, dtype=np.intp))

    def _branching(self, case: int) -> UnitBranching:
        if case not in self._branchings:
            box = self._property.cases[case].box
            self._branchings[case] = UnitBranching(
                self._network,
                box,
                self._bounds.of(box),
                case,
                self._table.case(case),
                self._attack,
            )
        return self._branchings[case]


class ProgramsWay:
    """The mixed-integer program of each case."""

    name = "milp"
    rigorous = False

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._given_up: set[int] = set()
        self.reason = ""
        self.spent = False
        self.work = {"programs": 0}

    def run(self, cases: Cases, deadline: float) -> Turn:
        """Solve the cases that no solve has ended without an answer of."""
        asked = np.array([c for c in cases.tolist() if c not in self._given_up], dtype=np.intp)
        solved = self._programs.run(asked, deadline)
        self.work["programs"] = self._programs.solves
        self._given_up.update(solved.given_up)
        self.reason = solved.reason or self.reason
        settled = np.array(solved.settled, dtype=np.intp)
        self.spent = solved.found is None and set(cases.tolist()) - set(solved.settled) <= (
            self._given_up
        )
        return Turn(solved.found, settled)
