"""Does a property hold? Bounds first, then counterexamples, then branching, then the program."""

from __future__ import annotations

import math
import time

import numpy as np

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.network import Network
from cpwl_milp.core.property import Property
from cpwl_milp.verification.answer import Verification, VerifySettings
from cpwl_milp.verification.attack import Attack
from cpwl_milp.verification.box_bounds import BoundsOfBoxes
from cpwl_milp.verification.boxes import Bisection
from cpwl_milp.verification.milp import Programs
from cpwl_milp.verification.passes import Passes
from cpwl_milp.verification.rows import Table
from cpwl_milp.verification.ways import BoxesWay, ProgramsWay, UnitsWay, Way
from cpwl_milp.verification.witness import Counterexample

_DEFAULT = VerifySettings()
# Of the time given: for the bounds of the units at first, and for the search after that.
_BOUNDS_SHARE, _SEARCH_SHARE = 0.4, 0.1
_MOST_SEARCH_SECONDS = 2.0
# Seconds of the first turn of each way; each round doubles them. A solver begins anew every time,
# and what it says is no proof: its turns come when they are as long as the second.
_FIRST_SLICE, _LATE_SLICE = 1.0, 8.0
# The first way has so many times as long; each round ends with a search of this share of a turn.
_FIRST_WAY, _NEXT_SEARCH = 3.0, 0.25
# Up to so many free inputs boxes come first; beyond so many they are not tried.
_FEW_INPUTS, _MANY_INPUTS = 16, 64


def verify(network: Network, prop: Property, settings: VerifySettings = _DEFAULT) -> Verification:
    """Decide whether a property holds.

    Parameters
    ----------
    network : Network
    prop : Property
        Of as many inputs and outputs; `read_vnnlib_property` reads it from a VNN-LIB file.
    settings : VerifySettings, optional

    Returns
    -------
    Verification
        About the network with the stored float64 weights in real arithmetic.

    Raises
    ------
    DomainError
        If the property is for another number of inputs or outputs.
    """
    sizes, wanted = (prop.n_inputs, prop.n_outputs), (network.n_inputs, network.n_outputs)
    if sizes != wanted:
        raise DomainError(
            prop.origin,
            f"{sizes[0]} inputs and {sizes[1]} outputs",
            f"{wanted[0]} and {wanted[1]}, those of the network",
        )
    return _Run(network, prop, settings).answer()


class _Run:
    """One verification under way."""

    def __init__(self, network: Network, prop: Property, settings: VerifySettings) -> None:
        self._begin = time.monotonic()
        self._network = network
        self._property = prop
        self._settings = settings
        self._table = Table.of(prop)
        self._attack = Attack(network, prop, self._table, settings.seed)
        self._open = prop_cases = np.arange(self._table.n_cases)
        self._by_bounds = 0
        self._work: dict[str, int] = {}
        self._by_solver = False
        self._reason = ""
        self._n_cases = prop_cases.size

    def answer(self) -> Verification:
        """Decide."""
        try:
            method, found = self._decided()
        except KeyboardInterrupt:
            method, found = "", None
            self._reason = "interrupted"
        if found is not None:
            return self._made("violated", method, "exact", found)
        if method:
            return self._made("holds", method, "solver" if self._by_solver else "rounding-safe")
        return self._made("unknown", "", "")

    def _made(
        self, status: str, method: str, proof: str, found: Counterexample | None = None
    ) -> Verification:
        unknown = status == "unknown"
        return Verification(
            status=status,
            method=method,
            proof=proof,
            reason=(self._reason or "max-seconds") if unknown else "",
            counterexample=found,
            cases=self._n_cases,
            cases_by_bounds=self._by_bounds,
            cases_open=int(self._open.size) if unknown else 0,
            work={**self._work, "inputs": self._attack.evaluations},
            seconds=time.monotonic() - self._begin,
        )

    def _until(self, share: float = 1.0) -> float:
        limit = self._settings.max_seconds
        return math.inf if limit is None else self._begin + share * limit

    def _decided(self) -> tuple[str, Counterexample | None]:
        """The method that decided, "" if none did, and a counterexample if there is one."""
        met = self._attack.anywhere()
        if met is not None:
            return "search", met
        hull = self._property.hull
        bounds = pre_activation_bounds(self._network, hull, deadline=self._until(_BOUNDS_SHARE))
        passes = Passes(self._network, hull, bounds)
        bisection = Bisection(passes, self._table, self._attack)
        first = bisection.run(math.inf, most_steps=bisection.first_steps)
        self._work["boxes"] = first.boxes
        if first.found is not None:
            return "search", first.found
        self._open = bisection.open_cases
        self._by_bounds = self._n_cases - self._open.size
        if first.holds:
            return "bounds", None
        end = self._until(_BOUNDS_SHARE + _SEARCH_SHARE)
        found = self._attack.search(min(end, self._within(_MOST_SEARCH_SECONDS)))
        if found is not None:
            return "search", found
        return self._branched(bisection, BoundsOfBoxes(self._network, hull, bounds))

    def _branched(
        self, bisection: Bisection, bounds: BoundsOfBoxes
    ) -> tuple[str, Counterexample | None]:
        """What is open, by all ways in turn, in slices of time that grow."""
        ways = self._ways(bisection, bounds)
        seconds = _FIRST_SLICE
        while not all(way.spent for way in ways):
            for way in ways:
                if way.spent or (not way.rigorous and len(ways) > 1 and seconds < _LATE_SLICE):
                    continue
                if time.monotonic() >= self._until():
                    return "", None
                turn = way.run(self._open, self._end_of(way, ways, seconds))
                self._work |= way.work
                if turn.found is not None:
                    return way.name, turn.found
                self._open = np.setdiff1d(self._open, turn.settled)
                self._by_solver |= bool(turn.settled.size) and not way.rigorous
                if not self._open.size:
                    return way.name, None
            found = self._attack.search(self._within(_NEXT_SEARCH * seconds))
            if found is not None:
                return "search", found
            if all(way.spent for way in ways if way.rigorous):
                seconds = max(seconds, _LATE_SLICE)
            seconds *= 2
        if time.monotonic() < self._until():
            self._reason = f"unresolved: {ways[-1].reason}"
        return "", None

    def _end_of(self, way: Way, ways: list[Way], seconds: float) -> float:
        """When the turn of a way ends; never before the time is up where it is the only one."""
        if len(ways) == 1:
            return self._until()
        return self._within(_FIRST_WAY * seconds if way is ways[0] else seconds)

    def _within(self, seconds: float) -> float:
        """The moment so many seconds from now, or when the time is up."""
        return min(time.monotonic() + seconds, self._until())

    def _ways(self, bisection: Bisection, bounds: BoundsOfBoxes) -> list[Way]:
        """The ways to try, the most promising first."""
        network, prop, settings = self._network, self._property, self._settings
        programs = Programs(network, prop, bounds, self._attack, settings.solver, settings.seed)
        every: dict[str, Way] = {
            "boxes": BoxesWay(bisection),
            "units": UnitsWay(network, prop, self._table, bounds, self._attack),
            "milp": ProgramsWay(programs),
        }
        if settings.method != "auto":
            return [every[settings.method]]
        free = max(box.free.size for box in prop.boxes)
        if free <= _FEW_INPUTS:
            return [every["boxes"], every["units"], every["milp"]]
        if free <= _MANY_INPUTS:
            return [every["units"], every["boxes"], every["milp"]]
        return [every["units"], every["milp"]]
