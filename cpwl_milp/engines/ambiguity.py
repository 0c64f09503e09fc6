"""What a compiled search asks where float64 cannot tell a sign, and what it is answered.

A search asks about units on the cell at hand. If the exact answer is a cut, one side of it is
thinner than float64 can tell: a *sliver*. The search goes on with the thick side as if the unit
had that bit there, and says THIN when it comes to the other side, which is then explored exactly.

The thick side is then a cell that holds a sliver too much (*loose*). One-sided decisions on it hold
on the smaller cell as well; cuts may lie in the sliver alone, so the search asks about them (CUT).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.exploration import Advance, Budget


class Sign(IntEnum):
    """What a unit does on a full-dimensional cell: its bit, or a cut into two such cells.

    With z affine on the cell, z > 0 somewhere means z > 0 on a full-dimensional part of it. So
    NEGATIVE: z <= 0 everywhere (identically 0 included), the bit is 0. POSITIVE: z >= 0, and
    z > 0 somewhere: inside the cell z > 0, the bit is 1. CUTS: both z > 0 and z < 0 somewhere.
    """

    NEGATIVE = 0
    POSITIVE = 1
    CUTS = 2


class Doubt(IntEnum):
    """Which signs of z cannot be told from zero on the cell at hand."""

    BELOW = 1  # z > 0 somewhere; whether z < 0 anywhere is open
    ABOVE = 2  # z < 0 somewhere; whether z > 0 anywhere is open
    BOTH = 3
    CUT = 4  # both signs are clear, but on a loose cell
    ZERO = 5  # z is zero up to rounding at the basis; whether it is so exactly is open


@dataclass(frozen=True)
class Basis:
    """Where the doubtful extreme of z is attained, as far as float64 can tell.

    As many hyperplanes as inputs: of units, and faces of the box.

    Attributes
    ----------
    units : tuple of int
    lower, upper : tuple of int
        Coordinates that stand at a limit of the box.
    """

    units: tuple[int, ...]
    lower: tuple[int, ...]
    upper: tuple[int, ...]


@dataclass(frozen=True)
class Question:
    """A unit whose sign on the cell at hand is in doubt."""

    unit: int
    doubt: Doubt
    basis: Basis | None = None


@dataclass(frozen=True)
class Verdict:
    """The exact answer.

    Attributes
    ----------
    sign : Sign or None
        None where it was too much work: the search goes on with its guess, and counts a doubt.
    depth : float
        For CUTS, how far z reaches to the doubtful side (the less far of two), in the unit box
        with unit normals.
    zero : bool or None
        The answer to ZERO, which has no sign; else None.
    """

    sign: Sign | None
    depth: float = 0.0
    zero: bool | None = None

    @property
    def settled(self) -> bool:
        """Whether this is an answer at all."""
        return self.sign is not None or self.zero is not None


# Verdicts as compiled searches take them.
NOT_ASKED = -1
IS_NEGATIVE = 0
IS_POSITIVE = 1
IS_CUT = 2
UNSETTLED = 3
IS_ZERO = 4
IS_NOT_ZERO = 5


def answer_code(verdict: Verdict) -> int:
    """The code of a verdict."""
    if verdict.zero is not None:
        return IS_ZERO if verdict.zero else IS_NOT_ZERO
    return UNSETTLED if verdict.sign is None else int(verdict.sign)


class UnfinishedError(Exception):
    """A question that takes long: it goes on where it was left, when it is asked again."""


class Arbiter(Protocol):
    """Whoever decides what float64 cannot."""

    def settle(
        self, literals: Sequence[int], bits: NDArray[np.uint8], question: Question
    ) -> Verdict:
        """What a unit does on the cell of some literals, of units below it and in their order.

        `bits` holds those of all units in lower layers, and of the units of the basis.

        Raises
        ------
        UnfinishedError
            Ask again.
        """
        ...

    def explore(
        self, cube: Cube, bits: NDArray[np.uint8], unit: int, layer: int, budget: Budget
    ) -> Advance:
        """The regions of a cube whose cell may be too thin for float64.

        Parameters
        ----------
        cube : Cube
        bits : ndarray of uint8, shape (n_units,)
            On the cell, of the units below `unit`.
        unit : int
            The first whose bit is not known.
        layer : int
            The layer at hand, not ended yet.
        budget : Budget
        """
        ...
