"""A lower bound of the count by random parities: how often half of a half of ... is not empty."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.pattern import Bits, Packed, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.encoding.big_m import UNSTABLE, Encoding, encode
from cpwl_milp.encoding.parity import Parity, with_parities
from cpwl_milp.encoding.pattern_search import open_search
from cpwl_milp.engines.milp.certificate import Kind, judge
from cpwl_milp.solvers.program import SolveStatus

# Of the time given: for finding out how many parities to take. The rest is for the trials.
_SHARE = 1 / 3
_MARGIN = 1e-6


@dataclass(frozen=True)
class ParitySettings:
    """How to bound by parities.

    Attributes
    ----------
    trials : int
    size : int
        Units in a parity. Any size is sound; larger ones spread regions more evenly over the two
        halves, and are harder for a solver.
    level : float
        Confidence.
    seed : int
    max_seconds : float
        For all of it.
    solver : str
    """

    trials: int = 10
    size: int = 5
    level: float = 0.95
    seed: int = 0
    max_seconds: float = 60.0
    solver: str = "highs"


@dataclass(frozen=True)
class ParityBound:
    """What the trials say.

    Attributes
    ----------
    lower : float
        Decimal logarithm of what the count is at least, with confidence `level`.
    parities, size : int
        In each trial.
    trials, successes : int
        A trial succeeds where a region is found that has all its parities.
    out_of_time : int
        Trials that were left; they count as failures, which lowers the bound and no more.
    level, seconds : float
    """

    lower: float
    parities: int
    size: int
    trials: int
    successes: int
    out_of_time: int
    level: float
    seconds: float


def parity_lower_bound(
    problem: Problem,
    bounds: Bounds,
    settings: ParitySettings | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
    known: Packed | None = None,
) -> ParityBound:
    """Bound the number of regions from below with confidence (MIPBound).

    A trial asks whether any region has s parities of its pattern, over units chosen at random,
    each odd or even by the toss of a coin. Each region has all of them with probability 2^-s, so
    some region has with probability p <= N 2^-s at most, whatever the units. Where k of t
    independent trials succeed, p exceeds the lower bound of Clopper and Pearson (1934) with
    confidence `level`, and N exceeds 2^s times that (Serra and Ramalingam 2020, with the exact
    binomial tail instead of Chernoff's). Regions proposed by the solver are certified before they
    count, and those it misses only lower the bound.

    How many parities to take is found out by trials that are not used again.

    Parameters
    ----------
    problem : Problem
        On a box or a polytope.
    bounds : Bounds
        Of its network on its domain.
    settings : ParitySettings, optional
    progress : callable, optional
        Told after every trial how many are done, of how many.
    known : ndarray of uint8, shape (n, packed size), optional
        Patterns of regions that exist: where one of them has the parities, no solver is asked.

    Raises
    ------
    DomainError
        If the domain is an L2 ball, which is not linear.
    InputError
        If the solver is unknown or not installed.
    """
    settings = settings or ParitySettings()
    problem.domain.require_polyhedral("bound by parities")
    if settings.trials < 1 or settings.size < 1:
        raise DomainError(
            "bound by parities", f"{settings.trials} trials of size {settings.size}", "1 or more"
        )
    began = time.monotonic()
    trials = _Trials(problem, bounds, settings, known)
    n_parities = _most_parities(trials, began + _SHARE * settings.max_seconds)
    endings = []
    for done in range(settings.trials):
        left = began + settings.max_seconds - time.monotonic()
        seconds = max(left, 0.0) / (settings.trials - done)
        endings.append(trials.succeeds(n_parities, time.monotonic() + seconds))
        progress(done + 1, settings.trials)
    successes = endings.count(True)
    return ParityBound(
        lower=_log10_lower(n_parities, settings.trials, successes, settings.level),
        parities=n_parities,
        size=settings.size,
        trials=settings.trials,
        successes=successes,
        out_of_time=endings.count(None),
        level=settings.level,
        seconds=time.monotonic() - began,
    )


def _log10_lower(n_parities: int, trials: int, successes: int, level: float) -> float:
    """``log10 max(1, 2^s p)``, with p the lower Clopper-Pearson bound of the share of successes."""
    if not successes:
        return 0.0
    share = float(betaincinv(successes, trials - successes + 1, 1 - level))
    return max(0.0, n_parities * math.log10(2.0) + math.log10(share))


def _most_parities(trials: _Trials, deadline: float) -> int:
    """As many parities as two trials succeed with: doubled, then bisected.

    One would not do: of many numbers tried, some that is too large succeeds by chance.
    """
    good, bad = 0, 1
    while time.monotonic() < deadline and trials.succeed_twice(bad, deadline):
        good, bad = bad, 2 * bad
    while bad - good > 1 and time.monotonic() < deadline:
        middle = (good + bad) // 2
        # The searches above a success are the hard ones: none may take what is left for all.
        soon = time.monotonic() + 0.5 * (deadline - time.monotonic())
        if trials.succeed_twice(middle, soon):
            good = middle
        else:
            bad = middle
    return good


class _Trials:
    """Trials with fresh random parities, each with a generator of its own."""

    def __init__(
        self, problem: Problem, bounds: Bounds, settings: ParitySettings, known: Packed | None
    ) -> None:
        self._problem = problem
        self._settings = settings
        n_units = problem.network.n_units
        self._rng = np.random.default_rng(settings.seed)
        self._encoding = encode(problem.network, problem.domain, bounds, margin=_MARGIN)
        self._known = None if known is None else unpack(np.unique(known, axis=0), n_units)
        self._unstable = np.flatnonzero(self._encoding.stable_bits == UNSTABLE)

    def succeed_twice(self, n_parities: int, deadline: float) -> bool:
        """Whether two trials succeed by `deadline`."""
        return all(self.succeeds(n_parities, deadline) for _ in range(2))

    def succeeds(self, n_parities: int, deadline: float) -> bool | None:
        """Whether a region has so many random parities; None: not known at `deadline`."""
        rng = self._rng.spawn(1)[0]
        size = min(self._settings.size, len(self._unstable))
        if not size:
            # One region, and nothing to choose from: each parity is that of no unit at all.
            return not rng.integers(2, size=n_parities).any()
        parities = [
            Parity(rng.choice(self._unstable, size, replace=False), bool(rng.integers(2)))
            for _ in range(n_parities)
        ]
        if self._known is not None and _having_all(parities, self._known).any():
            return True
        constrained = with_parities(self._encoding, parities)
        return self._is_met(constrained, parities, deadline)

    def _is_met(
        self, constrained: Encoding, parities: list[Parity], deadline: float
    ) -> bool | None:
        problem = self._problem
        search = open_search(constrained, self._settings.solver, seed=self._settings.seed)
        while (left := deadline - time.monotonic()) > 0:
            proposal = search.propose(left)
            if proposal.bits is None:
                return False if proposal.status is SolveStatus.INFEASIBLE else None
            proper = judge(problem.network, problem.domain, proposal.bits).kind is Kind.PROPER
            if proper and _having_all(parities, proposal.bits[None]).all():
                return True
            search.cut(self._unstable, proposal.bits[self._unstable])
        return None


def _having_all(parities: list[Parity], bits: Bits) -> NDArray[np.bool_]:
    """Which patterns, shape (n, n_units), have all the parities."""
    having = np.ones(len(bits), dtype=np.bool_)
    for parity in parities:
        having &= parity.holds(bits)
    return having
