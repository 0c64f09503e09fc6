"""Transposed maps: what carries coefficients from the outputs of an affine map to its inputs.

Coefficients come in two forms, one for each kind of map. Before a dense map they are rows, an array
(points, k, n) that one matrix product takes through all points at once. Before a sparse map (a
convolution, a pooling, units that pass values on) they are columns, an array (points, n, k) with
marks where there is anything: see `scatter`. No convolution is ever made a dense matrix.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Affine, Dense, Vector
from cpwl_milp.terms.scatter import scatter


@dataclass(frozen=True, eq=False)
class Rows:
    """Coefficients in front of a dense map.

    Attributes
    ----------
    values : ndarray, shape (n, k, width)
    """

    values: Dense

    def as_rows(self) -> Dense:
        """The same, shape (n, k, width)."""
        return self.values

    def as_columns(self) -> Columns:
        """The same in front of a sparse map."""
        values = np.ascontiguousarray(self.values.transpose(0, 2, 1))
        return Columns(values, np.ones(values.shape[:2], dtype=np.bool_))


@dataclass(frozen=True, eq=False)
class Columns:
    """Coefficients in front of a sparse map.

    Attributes
    ----------
    values : ndarray, shape (n, width, k)
        Whatever the memory held where there is no mark; lost at the next step but one.
    marks : ndarray of bool, shape (n, width)
        Unmarked coefficients are 0.
    """

    values: Dense
    marks: NDArray[np.bool_]

    def as_rows(self) -> Dense:
        """The same, shape (n, k, width)."""
        n, width, k = self.values.shape
        rows = np.zeros((n, k, width))
        np.copyto(rows, self.values.transpose(0, 2, 1), where=self.marks[:, None, :])
        return rows

    def as_columns(self) -> Columns:
        """The same."""
        return self


Coefficients: TypeAlias = Rows | Columns


class Scratch:
    """Two pieces of memory that take turns: what a step reads and what it writes.

    Sparse steps touch little of large arrays; pages that are new each time would cost more than the
    arithmetic.
    """

    def __init__(self) -> None:
        self._pieces = [np.empty(0), np.empty(0)]

    def array(self, shape: tuple[int, ...]) -> Dense:
        """Memory of a shape, whatever it holds; the array given two calls ago is lost."""
        self._pieces.reverse()
        size = math.prod(shape)
        if self._pieces[0].size < size:
            self._pieces[0] = np.empty(size)
        return self._pieces[0][:size].reshape(shape)


@dataclass(frozen=True, eq=False)
class Transposed:
    """``B -> W^T B`` and ``B -> b^T B`` for the map ``x -> W x + b`` behind a layer of units.

    Attributes
    ----------
    affine : Affine
    scratch : Scratch
    """

    affine: Affine
    scratch: Scratch

    def __call__(self, coefficients: Coefficients, factor: Dense) -> tuple[Coefficients, Dense]:
        """Take coefficients back through the units of a layer and through its map.

        Parameters
        ----------
        coefficients : Rows or Columns
            Of the layer's values, for n points, or for one that stands for all of them.
        factor : ndarray, shape (n, n_out)
            What each unit multiplies with at each point.

        Returns
        -------
        Rows or Columns
            Of the inputs of the map.
        ndarray, shape (n, k)
            What the bias contributes.
        """
        weight, bias = self.affine.weight, self.affine.bias
        if isinstance(weight, np.ndarray):
            rows = coefficients.as_rows() * factor[:, None, :]
            n, k, width = rows.shape
            flat = rows.reshape(n * k, width)
            return Rows((flat @ weight).reshape(n, k, -1)), (flat @ bias).reshape(n, k)
        return _scattered(weight, bias, coefficients.as_columns(), factor, self.scratch)


def _scattered(
    weight: sp.csr_array, bias: Vector, columns: Columns, factor: Dense, scratch: Scratch
) -> tuple[Columns, Dense]:
    n, k = len(factor), columns.values.shape[2]
    found = scratch.array((n, weight.shape[1], k))
    marks = np.empty(found.shape[:2], dtype=np.bool_)
    constant = np.empty((n, k))
    scatter(
        weight.indptr,
        weight.indices,
        weight.data,
        bias,
        factor,
        columns.values,
        columns.marks,
        found,
        marks,
        constant,
    )
    return Columns(found, marks), constant
