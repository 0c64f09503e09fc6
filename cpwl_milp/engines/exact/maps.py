"""Pre-activations as exact affine functions, along a prefix of bits."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from operator import itemgetter, mul
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.engines.exact.dictionary import Effort
from cpwl_milp.engines.exact.integers import Row, common_exponent, primitive, scaled

Bits = NDArray[np.uint8]


class WholeInputs(Protocol):
    """A domain in whole coordinates y."""

    exponent: int

    def input_rows(self) -> list[Row]:
        """``2^exponent x_c`` as a function of y, for every c."""
        ...


class ExactMaps:
    """The rows ``z(y) = q + p y`` of units in whole numbers, for the bits of the layers below.

    Rows are composed when asked for and kept as long as the bits below stay the same, so that a
    search down a path composes each once. A row is scaled by a positive number (signs are all
    that matters) and has no common divisor.

    Cost: inputs that are on, times dimension, a row.
    """

    def __init__(self, network: Network, space: WholeInputs) -> None:
        self._offsets = network.offsets
        self._layer_of = [
            index for index, layer in enumerate(network.layers) for _ in range(layer.n_units)
        ]
        self._layers: list[_ExactLayer] = []
        exponent = space.exponent
        for layer in network.layers:
            exact = _ExactLayer(layer, exponent)
            exponent = exact.exponent + exact.slope_exponent
            self._layers.append(exact)
        self._kept = [_Composed() for _ in network.layers]
        self._input_columns = [list(column) for column in zip(*space.input_rows(), strict=True)]

    def layer_of(self, unit: int) -> int:
        """The layer (from 0) that a unit belongs to."""
        return self._layer_of[unit]

    def row(self, unit: int, bits: Bits, effort: Effort | None = None) -> Row:
        """The row of a unit, for the bits of the layers below it (others are not looked at).

        Raises
        ------
        UnfinishedError
            If composing it is more than what is left of `effort`; what was composed stays for a
            next try.
        """
        layer = self._layer_of[unit]
        kept = self._composed(layer, bits, effort)
        found = kept.primitive.get(unit)
        if found is None:
            position = self._layers[layer].units[unit - self._offsets[layer]]
            found = kept.primitive[unit] = primitive(self._row(layer, position, kept, effort))
        return found

    def scale(self, unit: int, bits: Bits) -> Fraction:
        """The positive number that `row` is to be multiplied by to be the pre-activation itself."""
        layer = self._layer_of[unit]
        exact = self._layers[layer]
        position = exact.units[unit - self._offsets[layer]]
        divisor = math.gcd(*self._row(layer, position, self._composed(layer, bits, None), None))
        return Fraction(max(1, divisor), 1 << exact.exponent)

    def _row(self, layer: int, position: int, kept: _Composed, effort: Effort | None) -> Row:
        found = kept.rows.get(position)
        if found is None:
            exact = self._layers[layer]
            if effort is not None:
                effort.compose(len(kept.active) * len(kept.columns), max(0, exact.exponent))
            weights = kept.select(exact.weights(position))
            constant, *gradient = (sum(map(mul, weights, column)) for column in kept.columns)
            found = kept.rows[position] = (constant + exact.bias[position], *gradient)
        return found

    def _composed(self, layer: int, bits: Bits, effort: Effort | None) -> _Composed:
        key = bits[: self._offsets[layer]].tobytes()
        kept = self._kept[layer]
        if kept.key == key:
            return kept
        if layer == 0:
            columns, active = self._input_columns, list(range(len(self._input_columns) - 1))
        else:
            columns, active = self._active_values(layer - 1, bits, effort)
        self._kept[layer] = kept = _Composed(key, columns, active)
        return kept

    def _active_values(
        self, layer: int, bits: Bits, effort: Effort | None
    ) -> tuple[list[list[int]], list[int]]:
        """Values of a layer that are not constantly 0, by columns, and which these are."""
        kept = self._composed(layer, bits, effort)
        exact = self._layers[layer]
        own = bits[self._offsets[layer] : self._offsets[layer + 1]].tolist()
        on = [exact.positive] * len(exact.negative)
        for position, bit in zip(exact.units, own, strict=True):
            on[position] = exact.positive if bit else exact.negative[position]
        active = [position for position, factor in enumerate(on) if factor]
        rows = []
        for position in active:
            row = self._row(layer, position, kept, effort)
            factor = on[position]
            rows.append(row if factor == 1 else tuple(factor * value for value in row))
        if not rows:
            return [[] for _ in self._input_columns], []
        return [list(column) for column in zip(*rows, strict=True)], active


class _ExactLayer:
    """One layer in whole numbers: ``2^exponent z`` from the scaled values below."""

    def __init__(self, layer: Layer, below: int) -> None:
        weight = layer.affine.weight
        self._weight = weight
        data = weight if isinstance(weight, np.ndarray) else np.asarray(weight.data)
        own = max(common_exponent(data), common_exponent(layer.affine.bias) - below)
        self._own = own
        self.exponent = below + own
        self.bias = scaled(layer.affine.bias, self.exponent)
        self.units = layer.units.tolist()
        self.slope_exponent = common_exponent(layer.slope)
        self.negative = scaled(layer.slope, self.slope_exponent)
        self.positive = 1 << self.slope_exponent
        self._rows: dict[int, list[int]] = {}

    def weights(self, position: int) -> list[int]:
        """The weights of one output, all of them."""
        found = self._rows.get(position)
        if found is None:
            weight = self._weight
            row = weight[position] if isinstance(weight, np.ndarray) else _dense(weight, position)
            found = self._rows[position] = scaled(row, self._own)
        return found


def _dense(weight: sp.csr_array, position: int) -> Vector:
    return np.asarray(weight[[position]].toarray(), dtype=np.float64).ravel()


@dataclass
class _Composed:
    """What is kept of a layer for one setting of the bits below."""

    key: bytes | None = None
    columns: list[list[int]] = field(default_factory=list)
    active: list[int] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)
    primitive: dict[int, Row] = field(default_factory=dict)

    def select(self, weights: list[int]) -> tuple[int, ...] | list[int]:
        """The weights of the active inputs."""
        if len(self.active) == len(weights):
            return weights
        if len(self.active) < 2:
            return [weights[k] for k in self.active]
        found: tuple[int, ...] = itemgetter(*self.active)(weights)
        return found
