"""Proving a list of patterns to be the list of all regions."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Polytope
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.exact import ExactEngine
from cpwl_milp.engines.exact.dictionary import EffortExceededError
from cpwl_milp.engines.proof import search, state
from cpwl_milp.engines.proof.exact import (
    ExactProofs,
    NoCellError,
    OtherSideError,
)
from cpwl_milp.engines.proof.geometry import impose
from cpwl_milp.engines.proof.patterns import (
    Words,
    as_words,
    bits_of,
    ordered,
    prefix_counts,
)
from cpwl_milp.engines.proof.plan import domain_walls, lay_out
from cpwl_milp.engines.proof.records import END, MAGIC, exact_close, exact_leaf

# Leaves between two looks at the clock.
_QUOTA = 1 << 14
# Cubes of a wrong list that are searched anew before it is given up.
_MOST_CORRECTIONS = 1000


class Sink(Protocol):
    """Where a certificate goes."""

    def restart(self) -> None:
        """Forget everything written."""
        ...

    def write(self, data: bytes) -> None:
        """Append bytes."""
        ...


@dataclass(frozen=True)
class Proof:
    """What is proved, and how.

    Attributes
    ----------
    reason : str
        Why the list is not proved; "" when it is.
    regions : int
        Proved to exist; all there are, if it is.
    prefix_regions : tuple of int
        Of layers 1..l, if it is.
    floats, rationals : int
        Decisions settled in error-bounded float64 and in whole numbers: one for each unit that is
        constant on a cell, one for each region.
    missed, phantom : int
        Regions that the list lacked, and rows of it that are none (or stood there twice). The
        number of regions is right all the same.
    seconds : float
    """

    reason: str
    regions: int
    prefix_regions: tuple[int, ...]
    floats: int
    rationals: int
    missed: int
    phantom: int
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every decision is settled."""
        return not self.reason

    def to_json(self) -> dict[str, int | str | bool | float]:
        """As answers and run folders hold it."""
        return {
            "complete": self.complete,
            "reason": self.reason,
            "regions": self.regions,
            "decisions_float": self.floats,
            "decisions_extended": 0,
            "decisions_rational": self.rationals,
            "missed": self.missed,
            "phantom": self.phantom,
            "seconds": round(self.seconds, 3),
        }


def prove(
    problem: Problem,
    patterns: Iterable[Packed],
    sink: Sink | None = None,
    *,
    deadline: float = float("inf"),
    advanced: Callable[[int], None] | None = None,
) -> Proof:
    """Prove that some patterns are the proper activation regions of a problem, all of them.

    What the list has wrong is put right: cubes that it misses are searched in whole numbers, rows
    that are no region are dropped, and the proof begins anew.

    *Assumes* nothing of the list or of what found it.
    *Cost* : about that of the tree engine; 0.1 to 1 ms for each decision in whole numbers.

    Parameters
    ----------
    problem : Problem
        Over a box or a polytope (L2 balls have curved faces).
    patterns : iterable of ndarray of uint8
        Packed, in any order.
    sink : Sink, optional
        Gets the certificate, as `checking` reads it.
    deadline : float
        `time.monotonic()` at which to give up.
    advanced : callable, optional
        Called now and then with the number of regions proved so far.

    Raises
    ------
    DomainError
        For an L2 ball.
    InputError
        If the network is too large.
    """
    require_provable(problem)
    began = time.monotonic()
    listed = as_words(patterns, problem.network.widths)
    words = ordered(listed)
    missed, phantom = 0, len(listed) - len(words)
    for _ in range(_MOST_CORRECTIONS):
        if not len(words):
            words = _searched(problem, Cube(), deadline)
            missed += len(words)
        attempt = _Attempt(problem, words, sink)
        try:
            reason = attempt.run(deadline, advanced)
        except NoCellError:
            first, end = attempt.run_at_hand
            phantom += end - first
            words = np.delete(words, slice(first, end), axis=0)
            continue
        except OtherSideError:
            try:
                found = _searched(problem, attempt.missing, deadline)
            except TimeoutError:
                reason = "max-seconds"
            else:
                before = len(words)
                words = ordered(np.concatenate([words, found]))
                missed += len(words) - before
                continue
        except EffortExceededError:
            reason = "unresolved: a decision takes too much work in whole numbers"
        break
    else:
        reason = "unresolved: the list is wrong in too many places"
    floats, rationals = attempt.settled
    return Proof(
        reason=reason,
        regions=attempt.leaves,
        prefix_regions=() if reason else prefix_counts(words, problem.network.widths),
        floats=floats,
        rationals=rationals,
        missed=missed,
        phantom=phantom,
        seconds=time.monotonic() - began,
    )


def require_provable(problem: Problem) -> None:
    """Refuse what `prove` does not cover.

    Raises
    ------
    DomainError
    """
    if not isinstance(problem.domain, Box | Polytope):
        raise DomainError(
            "--rigorous",
            "an L2 ball, which has a round face",
            "a domain with linear faces",
            "use --norm 1 or inf, or a box",
        )


def _searched(problem: Problem, cube: Cube, deadline: float) -> Words:
    """All regions of a cube, by the exact engine."""
    engine = ExactEngine(problem)
    found = []
    todo = [cube]
    while todo:
        if time.monotonic() > deadline:
            raise TimeoutError
        step = engine.advance(todo.pop(), Budget(10_000, min(deadline, time.monotonic() + 10)))
        if step.unresolved:
            raise EffortExceededError
        found.append(step.regions.patterns)
        todo += step.open
    return ordered(as_words(found, problem.network.widths))


class _Attempt:
    """One walk over one list."""

    def __init__(self, problem: Problem, words: Words, sink: Sink | None) -> None:
        self._problem = problem
        self._plan = plan = lay_out(problem.network, problem.domain)
        self._sink = sink
        self._exact = ExactProofs(problem)
        self._rationals = 0
        rows, errors = domain_walls(plan, problem.domain)
        self._n_domain = len(rows)
        self._state = state.new_state(
            plan, words, rows, errors, self._inside(), writes=sink is not None
        )
        for wall in range(len(rows)):
            impose(self._state, wall)
        if sink is not None:
            sink.restart()
            sink.write(MAGIC)

    def run(self, deadline: float, advanced: Callable[[int], None] | None) -> str:
        """Walk to the end; why not, "" if so."""
        while True:
            status = search.walk(self._plan, self._state, _QUOTA)
            self._flush()
            if status == search.FINISHED:
                break
            if status == search.FULL:
                self._state = state.grown(self._state)
            elif status == search.ASK_CLOSE:
                self._close()
            elif status == search.ASK_LEAF:
                self._leaf()
            elif advanced is not None:
                advanced(int(self._state.at[state.LEAVES]))
            if time.monotonic() > deadline:
                return "max-seconds"
        if self._sink is not None:
            self._sink.write(struct.pack("<BQ", END, self.leaves))
        return ""

    @property
    def leaves(self) -> int:
        """Regions proved to exist."""
        return int(self._state.at[state.LEAVES])

    @property
    def settled(self) -> tuple[int, int]:
        """Decisions in floats and in whole numbers."""
        counters = self._state.counters
        floats = counters[state.IN_FLOATS] + counters[state.LEAVES_IN_FLOATS]
        return int(floats), self._rationals

    @property
    def run_at_hand(self) -> tuple[int, int]:
        """The rows of the list in the cell at hand."""
        first, end = self._state.ranges[self._state.at[state.SLOT], :2].tolist()
        return first, end

    @property
    def missing(self) -> Cube:
        """The cube beyond the unit that was asked about."""
        at = self._state.at
        literal = int(at[state.ASK_UNIT]) + 1
        return Cube((*self._literals(), -literal if at[state.ASK_BIT] else literal))

    def _close(self) -> None:
        at = self._state.at
        unit, bit = int(at[state.ASK_UNIT]), int(at[state.ASK_BIT])
        proof = self._exact.multipliers(self._literals(), self._bits(), unit, bit)
        if self._sink is not None:
            own = unit - int(self._plan.offsets[at[state.LAYER]])
            self._sink.write(exact_close(own, bit, proof.denominator, proof.terms))
        self._answered()

    def _leaf(self) -> None:
        point = self._exact.witness(self._literals(), self._bits())
        if self._sink is not None:
            self._sink.write(exact_leaf(point.denominator, point.numerators))
        self._answered()

    def _answered(self) -> None:
        self._state.at[state.ANSWERED] = 1
        self._rationals += 1

    def _flush(self) -> None:
        at = self._state.at
        if self._sink is not None and at[state.OUT]:
            self._sink.write(self._state.out[: at[state.OUT]].tobytes())
        at[state.OUT] = 0

    def _bits(self) -> NDArray[np.uint8]:
        row = self._state.words[self.run_at_hand[0]]
        return bits_of(row, self._problem.network.widths)

    def _literals(self) -> list[int]:
        slot = int(self._state.at[state.SLOT])
        found = []
        for note in self._state.split[:slot].tolist():
            unit = int(self._plan.offsets[note[state.OF_LAYER]]) + note[state.UNIT]
            # Whoever waits for its bit 1 is in bit 0.
            found.append(-(unit + 1) if note[state.PENDING] else unit + 1)
        return found

    def _inside(self) -> NDArray[np.float64]:
        """A point inside the domain, in t: not the centre, through which hyperplanes may go."""
        domain, plan = self._problem.domain, self._plan
        if isinstance(domain, Polytope):
            return (domain.inside - plan.centre) / plan.half
        return 0.2 * np.random.default_rng(0).uniform(-1, 1, plan.centre.size)
