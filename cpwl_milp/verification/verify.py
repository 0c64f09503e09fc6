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
from cpwl_milp.verification.boxes import Bisection
from cpwl_milp.verification.milp import Programs
from cpwl_milp.verification.passes import Passes
from cpwl_milp.verification.rows import Table
from cpwl_milp.verification.witness import Counterexample

_DEFAULT = VerifySettings()
# Of the time given: for the bounds of the units at first, and for the search after that.
_BOUNDS_SHARE, _SEARCH_SHARE = 0.4, 0.1
_MOST_SEARCH_SECONDS = 10.0


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
        found = self._attack.search(min(end, time.monotonic() + _MOST_SEARCH_SECONDS))
        if found is not None:
            return "search", found
        method = self._settings.method
        if method in ("auto", "boxes"):
            share = 1.0 if method == "boxes" else 0.8
            done = bisection.run(self._until(share))
            self._work["boxes"] = done.boxes
            if done.found is not None or done.holds:
                return "boxes", done.found
            self._open = bisection.open_cases
            if done.stuck:
                self._reason = "unresolved: boxes too small to be cut"
        if method in ("auto", "milp"):
            programs = Programs(
                self._network,
                self._property,
                bounds,
                self._attack,
                self._settings.solver,
                self._settings.seed,
            )
            solved = programs.run(self._open, self._until())
            self._work["programs"] = programs.solves
            if solved.found is not None:
                return "milp", solved.found
            self._by_solver = bool(solved.settled)
            self._open = np.setdiff1d(self._open, solved.settled)
            if not self._open.size:
                return "milp", None
            self._reason = solved.reason
        return "", None
