"""A network at one point, in whole numbers.

Weights, slopes and inputs are dyadic rationals, so every value of the network is one: an integer
times a power of two. Nothing is rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Affine, Matrix, Vector
from cpwl_milp.core.network import Network
from cpwl_milp.core.property import LinearRows

# Of a float's mantissa.
_BITS = 53
_Integers = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Dyadic:
    """``numbers * 2^exponent``.

    Attributes
    ----------
    numbers : ndarray of Python integers
    exponent : int
    """

    numbers: _Integers
    exponent: int

    @staticmethod
    def of(values: Vector) -> Dyadic:
        """Finite floats as they are."""
        mantissas, exponents = np.frexp(values)
        scaled = np.ldexp(mantissas, _BITS).astype(np.int64).astype(object)
        shifts = exponents.astype(np.int64) - _BITS
        held = values != 0
        least = int(shifts[held].min()) if held.any() else 0
        shifts = np.where(held, shifts - least, 0).astype(object)
        return Dyadic(np.left_shift(scaled, shifts), least)

    def plus(self, other: Dyadic) -> Dyadic:
        """The sum, entry by entry."""
        least = min(self.exponent, other.exponent)
        return Dyadic(self._at(least) + other._at(least), least)

    def times(self, other: Dyadic) -> Dyadic:
        """The product, entry by entry."""
        return Dyadic(self.numbers * other.numbers, self.exponent + other.exponent)

    def fractions(self) -> list[Fraction]:
        """The values."""
        factor = Fraction(2) ** self.exponent
        return [factor * int(number) for number in self.numbers]

    def _at(self, exponent: int) -> _Integers:
        shift = self.exponent - exponent
        return self.numbers * (1 << shift) if shift else self.numbers


def exact_outputs(network: Network, x: Vector) -> list[Fraction]:
    """The outputs at `x`, shape (n_inputs,), in exact arithmetic on the stored weights."""
    return _outputs(network, x).fractions()


def exact_excess(network: Network, rows: LinearRows, x: Vector) -> list[Fraction]:
    """What each row's left side exceeds its limit by at `x`: at most 0 where the row holds."""
    y = _outputs(network, x)
    zeros = np.zeros(len(rows))
    total = _mapped(Affine(rows.on_outputs, -rows.limit_below), y)
    total = total.plus(_mapped(Affine(rows.on_inputs, zeros), Dyadic.of(x)))
    return total.fractions()


def _outputs(network: Network, x: Vector) -> Dyadic:
    a = Dyadic.of(x)
    for layer in network.layers:
        z = _mapped(layer.affine, a)
        factors = Dyadic.of(layer.slope)
        one = Dyadic.of(np.ones(layer.slope.size))
        least = min(one.exponent, factors.exponent)
        active = np.array([number > 0 for number in z.numbers], dtype=np.bool_)
        a = z.times(Dyadic(np.where(active, one._at(least), factors._at(least)), least))
    return _mapped(network.output, a)


def _mapped(affine: Affine, a: Dyadic) -> Dyadic:
    bias = Dyadic.of(affine.bias)
    return _product(affine.weight, a).plus(bias)


def _product(weight: Matrix, a: Dyadic) -> Dyadic:
    rows = sp.csr_array(weight)
    entries = Dyadic.of(np.asarray(rows.data, dtype=np.float64))
    found: _Integers = np.full(rows.shape[0], 0, dtype=object)
    filled = np.flatnonzero(np.diff(rows.indptr))
    if filled.size:
        terms = entries.numbers * a.numbers[rows.indices]
        found[filled] = np.add.reduceat(terms, rows.indptr[filled])
    return Dyadic(found, entries.exponent + a.exponent)
