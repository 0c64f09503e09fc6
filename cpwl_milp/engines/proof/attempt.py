"""One walk over one list: the kernels' search, with whole numbers where they ask for them."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domains import Polytope
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.proof import search, state
from cpwl_milp.engines.proof.answer import Sink
from cpwl_milp.engines.proof.exact import ExactProofs
from cpwl_milp.engines.proof.geometry import impose
from cpwl_milp.engines.proof.patterns import Words, bits_of
from cpwl_milp.engines.proof.plan import domain_walls, lay_out
from cpwl_milp.engines.proof.records import END, MAGIC, exact_close, exact_leaf

# Leaves between two looks at the clock.
_QUOTA = 1 << 14


class Attempt:
    """One walk over one list.

    Parameters
    ----------
    problem : Problem
    words : ndarray of uint64
        The list, in order, not empty.
    sink : Sink or None
    """

    def __init__(self, problem: Problem, words: Words, sink: Sink | None) -> None:
        self._problem = problem
        self._plan = plan = lay_out(problem.network, problem.domain)
        self._sink = sink
        self._exact = ExactProofs(problem)
        self._rationals = 0
        rows, errors = domain_walls(plan, problem.domain)
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
