"""The statement in integers: domain, and pre-activations as affine functions of the inputs.

A function ``r_0 + r_1 x_1 + ... + r_d x_d`` is held as integers ``2^e r_k`` with the exponent e
beside it. Nothing is ever rounded or divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul
from typing import TypeAlias

from cpwl_milp.checking.statement import StatedLayer, Statement

Row: TypeAlias = tuple[int, ...]


def exponent_of(values: Sequence[float]) -> int:
    """The least e >= 0 with which all ``2^e value`` are integers."""
    return max((value.as_integer_ratio()[1].bit_length() - 1 for value in values), default=0)


def scaled(value: float, exponent: int) -> int:
    """``2^exponent value``; `exponent` is at least that of the value."""
    numerator, denominator = value.as_integer_ratio()
    return (numerator << exponent) // denominator


class Box:
    """``2^-exponent lower <= x <= 2^-exponent upper``, in integers."""

    def __init__(self, exponent: int, lower: Sequence[int], upper: Sequence[int]) -> None:
        self.exponent = exponent
        self.lower = lower
        self.upper = upper

    def is_nonnegative(self, row: Sequence[int]) -> bool:
        """Whether a function is at least 0 everywhere in the box."""
        least: int = row[0] << self.exponent
        for value, low, high in zip(row[1:], self.lower, self.upper, strict=True):
            least += value * (low if value > 0 else high)
        return least >= 0

    def bounded(self, coordinate: int, upper: bool, value: float) -> Box:
        """The box with one bound replaced."""
        exponent = max(self.exponent, exponent_of([value]))
        shift = exponent - self.exponent
        sides = [[low << shift for low in self.lower], [high << shift for high in self.upper]]
        sides[upper][coordinate] = scaled(value, exponent)
        return Box(exponent, *sides)


class ExactDomain:
    """The domain ``lower <= x <= upper`` with the further functions that are at least 0 on it.

    Attributes
    ----------
    box : Box
    walls : list of (int, Row)
        ``b - A x``, one function with its exponent for each inequality.
    """

    def __init__(self, statement: Statement) -> None:
        exponent = exponent_of([*statement.lower, *statement.upper])
        self.box = Box(
            exponent,
            [scaled(value, exponent) for value in statement.lower],
            [scaled(value, exponent) for value in statement.upper],
        )
        self.walls: list[tuple[int, Row]] = []
        for coefficients, limit in zip(statement.matrix, statement.limits, strict=True):
            e = exponent_of([limit, *coefficients])
            row = (scaled(limit, e), *(-scaled(value, e) for value in coefficients))
            self.walls.append((e, row))

    def is_inside(self, numerators: Sequence[int], denominator: int) -> bool:
        """Whether a point is in the interior of the domain."""
        box = self.box
        for value, low, high in zip(numerators, box.lower, box.upper, strict=True):
            if not low * denominator < value << box.exponent < high * denominator:
                return False
        return all(
            is_positive(row, numerators, denominator) or not any(row) for _, row in self.walls
        )


def is_positive(row: Row, numerators: Sequence[int], denominator: int) -> bool:
    """Whether a function is above 0 at the point ``numerators / denominator``."""
    value: int = row[0] * denominator + sum(map(mul, row[1:], numerators))
    return value > 0


class ExactLayer:
    """One layer in integers.

    Attributes
    ----------
    exponent : int
        Of the pre-activations of this layer.
    units : list of int
        Positions of the units that carry a bit.
    """

    def __init__(self, layer: StatedLayer, below: int) -> None:
        own = max((exponent_of(row) for row in layer.weights), default=0)
        own = max(own, exponent_of(layer.biases) - below)
        self.exponent = below + own
        self.units = [k for k, slope in enumerate(layer.slopes) if slope != 1.0]
        self._weights = [[scaled(value, own) for value in row] for row in layer.weights]
        self._biases = [scaled(value, self.exponent) for value in layer.biases]
        self._slope_exponent = exponent_of(layer.slopes)
        self._slopes = [scaled(value, self._slope_exponent) for value in layer.slopes]

    @property
    def value_exponent(self) -> int:
        """Of the values that leave the layer."""
        return self.exponent + self._slope_exponent

    def rows(self, values: Sequence[Row]) -> list[Row]:
        """The pre-activations as functions of the inputs, from the values that enter the layer."""
        live = [k for k, value in enumerate(values) if any(value)]
        columns = list(zip(*(values[k] for k in live), strict=True))
        width = len(values[0])
        found: list[Row] = []
        for weights, bias in zip(self._weights, self._biases, strict=True):
            chosen = [weights[k] for k in live]
            row = [sum(map(mul, chosen, column)) for column in columns] or [0] * width
            row[0] += bias
            found.append(tuple(row))
        return found

    def values(self, rows: Sequence[Row], pattern: int) -> list[Row]:
        """The values that leave the layer; bit k of `pattern` is that of the k-th unit."""
        on = 1 << self._slope_exponent
        factors = [*self._slopes]
        for k, position in enumerate(self.units):
            if pattern >> k & 1:
                factors[position] = on
        for position, slope in enumerate(self._slopes):
            if slope == on:
                factors[position] = on
        return [
            row if factor == 1 else tuple(factor * value for value in row)
            for factor, row in zip(factors, rows, strict=True)
        ]


class ExactNetwork:
    """The hidden layers in integers.

    Attributes
    ----------
    layers : list of ExactLayer
    offsets : list of int
        Where the bits of each layer begin in a pattern; one more entry, the end.
    """

    def __init__(self, statement: Statement) -> None:
        dim = len(statement.lower)
        self.inputs: list[Row] = [(0, *(int(k == c) for k in range(dim))) for c in range(dim)]
        self.layers: list[ExactLayer] = []
        self.offsets = [0]
        below = 0
        for layer in statement.layers:
            exact = ExactLayer(layer, below)
            below = exact.value_exponent
            self.layers.append(exact)
            self.offsets.append(self.offsets[-1] + len(exact.units))

    @property
    def n_units(self) -> int:
        """Bits of a pattern."""
        return self.offsets[-1]
