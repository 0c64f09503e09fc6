"""Cubes: partial patterns, the unit of work, of progress, of resuming and of spreading work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Cube:
    """The regions whose pattern has the given bits.

    Attributes
    ----------
    literals : tuple of int
        One entry a decision, in the order taken: ``unit + 1`` for bit 1, ``-(unit + 1)`` for
        bit 0, as in DIMACS. Units are counted over the whole pattern from 0.
    counted_layers : int
        Layers 1..counted_layers hold one cell of the cube each, and the run has counted it. The
        prefixes of all later layers hold at least one cell each that nobody counted yet.
    """

    literals: tuple[int, ...] = ()
    counted_layers: int = 0

    @property
    def depth(self) -> int:
        """Number of decisions."""
        return len(self.literals)

    @property
    def weight(self) -> Fraction:
        """``2^-depth``; the closed cubes of a run add up to exactly 1 iff all is closed."""
        return Fraction(1, 2**self.depth)

    def fixed_bits(self, n_units: int) -> NDArray[np.int8]:
        """The bit that is asked of every unit, -1 where none is.

        Returns
        -------
        ndarray of int8, shape (n_units,)
        """
        fixed = np.full(n_units, -1, dtype=np.int8)
        for literal in self.literals:
            fixed[abs(literal) - 1] = 1 if literal > 0 else 0
        return fixed

    def extended(self, literal: int) -> Cube:
        """This cube with one more decision."""
        return Cube((*self.literals, literal), self.counted_layers)

    @staticmethod
    def of(literals: Sequence[int], counted_layers: int = 0) -> Cube:
        """A cube from any sequence of literals."""
        return Cube(tuple(int(k) for k in literals), counted_layers)


ROOT = Cube()
