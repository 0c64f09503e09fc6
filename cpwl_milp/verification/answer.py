"""What is asked for, and what a verification answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from cpwl_milp.core.errors import InputError
from cpwl_milp.verification.witness import Counterexample

METHODS = ("auto", "boxes", "units", "milp")


@dataclass(frozen=True)
class VerifySettings:
    """How to verify.

    Attributes
    ----------
    method : str
        What decides where bounds and the search for counterexamples do not: ``boxes``, ``units``,
        ``milp``, or ``auto``, which chooses.
    solver : str
        Of the mixed-integer programs: ``highs``, or any that Pyomo knows.
    max_seconds : float or None
        None is no limit.
    seed : int

    Raises
    ------
    InputError
        If the method is unknown, or the limit is not positive.
    """

    method: str = "auto"
    solver: str = "highs"
    max_seconds: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError("verify", f"method {self.method!r}", f"one of {', '.join(METHODS)}")
        if self.max_seconds is not None and not self.max_seconds > 0:  # NaN as well
            raise InputError("max_seconds", f"{self.max_seconds}", "a number above 0")


@dataclass(frozen=True, eq=False)
class Verification:
    """The answer.

    Attributes
    ----------
    status : str
        ``holds``: no input of the property's input set violates it. ``violated``: one does, see
        `counterexample`. ``unknown``: see `reason`.
    method : str
        What decided: ``bounds``, ``search``, ``boxes``, ``units`` or ``milp``; "" for nothing.
    proof : str
        What the answer rests on. ``exact``: a counterexample in exact arithmetic.
        ``rounding-safe``: bounds that charge every rounding. ``solver``: a solver's word
        "infeasible" for a loosened program, for at least one case. "" for ``unknown``.
    reason : str
        Why the answer is unknown: ``max-seconds``, ``interrupted`` or ``unresolved: ...``.
    counterexample : Counterexample or None
    cases, cases_by_bounds, cases_open : int
        Cases of the property; how many the first bounds exclude; how many are left open.
    work : dict of str to int
        Boxes and nodes bounded, programs solved, inputs evaluated.
    seconds : float
    """

    status: str
    method: str
    proof: str
    reason: str
    counterexample: Counterexample | None
    cases: int
    cases_by_bounds: int
    cases_open: int
    work: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
