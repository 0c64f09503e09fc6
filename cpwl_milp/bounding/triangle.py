"""The triangle relaxation of a network's first layers as one linear program.

Ehlers, ATVA 2017. Columns are the inputs, the pre-activations and the values of each layer; a
unit with an open sign lies between its chord and its two branches, every other unit is a line.
All coefficients are the stored float64 numbers (or lines proved for them, see `relaxation`), so
in real arithmetic every point of the domain satisfies the program: bounds drawn from its dual
are bounds of the network.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.bounding.interval import activation_bounds
from cpwl_milp.bounding.relaxation import unit_lines
from cpwl_milp.core.affine import Affine, Vector
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Layer
from cpwl_milp.solvers.program import Program

_Index = NDArray[np.intp]
# The column of a value that is 0 on the whole domain: none.
_ZERO = -1


class TriangleRelaxation:
    """A linear program that grows by one layer at a time.

    Parameters
    ----------
    domain : Domain
        Its box bounds the input columns, its inequalities are the first rows.

    Attributes
    ----------
    value_columns : ndarray of int
        For each value of the last layer (at first: each input) its column, or -1 where the
        value is constantly 0.
    """

    def __init__(self, domain: Domain) -> None:
        box = domain.box
        self.value_columns: _Index = np.arange(box.lower.size)
        self._lower: list[Vector] = [box.lower]
        self._upper: list[Vector] = [box.upper]
        self._n_columns = box.lower.size
        self._n_rows = 0
        self._entries: list[tuple[_Index, _Index, Vector]] = []
        self._row_lower: list[Vector] = []
        self._row_upper: list[Vector] = []
        matrix, limit = domain.inequalities()
        rows, columns = np.nonzero(matrix)
        self._add(rows, columns, matrix[rows, columns], np.full(limit.size, -np.inf), limit)

    def append(self, layer: Layer, low: Vector, high: Vector) -> None:
        """Add a layer whose pre-activations lie in ``[low, high]``."""
        lines = unit_lines(layer, low, high)
        straight = ~lines.kinked
        zero = straight & (lines.lower_slope == 0)
        passed_on = straight & (lines.lower_slope == 1)
        scaled = straight & ~zero & ~passed_on

        z = np.full(low.size, _ZERO)
        z[~zero] = self._columns(low[~zero], high[~zero])
        self._define(layer.affine, z)
        values = np.where(passed_on, z, _ZERO)
        with_own = lines.kinked | scaled
        value_low, value_high = activation_bounds(layer, low, high)
        values[with_own] = self._columns(value_low[with_own], value_high[with_own])

        nothing = np.zeros(low.size)
        self._relate(values, z, layer.slope, nothing, nothing, scaled)
        for convex in (True, False):
            kinked = lines.kinked & ((layer.slope < 1) == convex)
            chord = lines.upper_slope if convex else lines.lower_slope
            offset = lines.upper_offset if convex else lines.lower_offset
            far = np.full(low.size, np.inf if convex else -np.inf)
            branches = (np.ones(low.size), layer.slope)
            for branch in branches:
                # A ReLU's branch of slope 0 is the lower bound of its value's column.
                self._relate(values, z, branch, *_ordered(nothing, far), kinked & (branch != 0))
            self._relate(values, z, chord, *_ordered(-far, offset), kinked)
        self.value_columns = values

    def objective(self, affine: Affine, row: int) -> tuple[_Index, Vector]:
        """Columns and coefficients of ``W[row] @ values``, the bias left out."""
        weight = affine.weight
        if isinstance(weight, np.ndarray):
            inputs = np.flatnonzero(weight[row])
            coefficients = weight[row, inputs]
        else:
            span = slice(weight.indptr[row], weight.indptr[row + 1])
            inputs, coefficients = weight.indices[span], weight.data[span]
        columns = self.value_columns[inputs]
        return columns[columns >= 0], np.asarray(coefficients[columns >= 0])

    def program(self) -> Program:
        """The program of all layers added so far, without an objective."""
        lower, upper = np.concatenate(self._lower), np.concatenate(self._upper)
        rows, columns, data = (
            np.concatenate([entry[k] for entry in self._entries]) for k in range(3)
        )
        matrix = sp.csr_array((data, (rows, columns)), shape=(self._n_rows, self._n_columns))
        row_lower, row_upper = np.concatenate(self._row_lower), np.concatenate(self._row_upper)
        return Program.linear(matrix, row_lower, row_upper, lower, upper)

    def _columns(self, lower: Vector, upper: Vector) -> _Index:
        first = self._n_columns
        self._n_columns += lower.size
        self._lower.append(lower)
        self._upper.append(upper)
        return np.arange(first, self._n_columns)

    def _add(
        self, rows: _Index, columns: _Index, data: Vector, lower: Vector, upper: Vector
    ) -> None:
        """New rows, as triplets; entries at values that are 0 fall away."""
        kept = columns >= 0
        self._entries.append((rows[kept] + self._n_rows, columns[kept], data[kept]))
        self._n_rows += lower.size
        self._row_lower.append(lower)
        self._row_upper.append(upper)

    def _define(self, affine: Affine, z: _Index) -> None:
        """``W a - z = -b`` for each unit that has a column z."""
        units = np.flatnonzero(z >= 0)
        weight = sp.coo_array(affine.weight[units])
        rows = np.concatenate([weight.row, np.arange(units.size)])
        columns = np.concatenate([self.value_columns[weight.col], z[units]])
        data = np.concatenate([weight.data, np.full(units.size, -1.0)])
        self._add(rows, columns, data, -affine.bias[units], -affine.bias[units])

    def _relate(
        self,
        values: _Index,
        z: _Index,
        slope: Vector,
        lower: Vector,
        upper: Vector,
        chosen: NDArray[np.bool_],
    ) -> None:
        """``lower <= a - slope z <= upper`` for the chosen units."""
        units = np.flatnonzero(chosen)
        rows = np.tile(np.arange(units.size), 2)
        columns = np.concatenate([values[units], z[units]])
        data = np.concatenate([np.ones(units.size), -slope[units]])
        self._add(rows, columns, data, lower[units], upper[units])


def _ordered(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    return np.minimum(a, b), np.maximum(a, b)
