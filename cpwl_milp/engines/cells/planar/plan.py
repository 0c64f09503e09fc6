"""A problem in the plane, laid out for vectors of eight rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.engines.cells.layout import SPARSE_SHARE, as_dense, clear_heights, layer_weight
from cpwl_milp.engines.lanes import N_LANES
from cpwl_milp.engines.tree.plan import lay_out


class SparseLayers(NamedTuple):
    """The sparse layers of a plan, as the kernels read them: see there."""

    weights: Vector
    row: NDArray[np.int64]
    column_start: NDArray[np.int64]
    first_column: NDArray[np.int64]
    follows: NDArray[np.int8]


class PlanarPlan(NamedTuple):
    """The network as the planar kernels read it.

    The rows of a layer are its outputs: hidden units first, in the order of patterns, then
    pass-on units, then padding to a multiple of eight (rows that are 1 everywhere).

    Attributes
    ----------
    weights : float64
        Of the dense layers, one after the other; of layer l as ``(n_out / 8, n_in, 8)``.
    weight_start : int64 (n_layers,)
    run_weights : float64
        Of the sparse layers: eight rows of a column where one of them is not 0 ("runs").
    run_row : int64 (n_runs,)
        The first of these rows, within its layer.
    column_start : int64
        Of the sparse layers one after the other: where the runs of each column begin, and their
        end.
    first_column : int64 (n_layers,)
        Where a layer's columns begin in that, -1 if it is dense.
    bias, slope, tolerance, clear : float64 (n_rows,)
        As in `Layout`.
    first_row, offsets : int64 (n_layers + 1,)
        Where each layer's rows and hidden units begin.
    n_outputs : int64 (n_layers,)
        Rows of each layer without the padding.
    plain : int8 (n_layers,)
        Whether all outputs of the layer are hidden units of slope 0.
    follows : int8 (n_layers,)
        Whether the layer's maps follow those of the layer below row by row: it is sparse, or one
        below it is, so that little of what it is composed from changes at a time.
    stable : int8 (n_units,)
        The bit where bounds fix it on the whole domain, else -1.
    """

    weights: Vector
    weight_start: NDArray[np.int64]
    run_weights: Vector
    run_row: NDArray[np.int64]
    column_start: NDArray[np.int64]
    first_column: NDArray[np.int64]
    bias: Vector
    slope: Vector
    tolerance: Vector
    clear: Vector
    first_row: NDArray[np.int64]
    offsets: NDArray[np.int64]
    n_outputs: NDArray[np.int64]
    plain: NDArray[np.int8]
    follows: NDArray[np.int8]
    stable: NDArray[np.int8]

    @property
    def sparse(self) -> SparseLayers:
        """What is kept of the sparse layers."""
        return SparseLayers(
            self.run_weights, self.run_row, self.column_start, self.first_column, self.follows
        )


def planar_plan(network: Network, box: Box, bounds: Bounds) -> PlanarPlan:
    """Lay a network with at least one layer out over a full-dimensional box of two inputs."""
    rows = lay_out(network, box, bounds)
    clear = clear_heights(rows, 2)
    n_layers = rows.offsets.size - 1
    order_below = np.arange(2)
    dense, runs = _Dense(), _Runs()
    first_row, plain = [0], []
    parts: dict[str, list[Vector]] = {"bias": [], "slope": [], "tolerance": [], "clear": []}
    filling = {"bias": 1.0, "slope": 0.0, "tolerance": 0.0, "clear": 0.0}
    for layer in range(n_layers):
        first, last = int(rows.first_row[layer]), int(rows.first_row[layer + 1])
        passes_on = rows.unit_of_row[first:last] < 0
        order = np.argsort(passes_on, kind="stable")
        n, padding = last - first, -(last - first) % N_LANES
        weight = layer_weight(rows, layer, len(order_below))[order][:, order_below]
        columns = None if layer == 0 or isinstance(weight, np.ndarray) else sp.csc_array(weight)
        if columns is not None and runs.takes(columns):
            runs.add(columns, n + padding)
            dense.skip()
        else:
            dense.add(as_dense(weight), n + padding)
            runs.skip()
        first_row.append(first_row[-1] + n + padding)
        for name, given in parts.items():
            source: Vector = clear if name == "clear" else getattr(rows, name)
            given += [source[first:last][order], np.full(padding, filling[name])]
        plain.append(not passes_on.any() and not rows.slope[first:last].any())
        order_below = order
    first_column = np.array(runs.first_column, dtype=np.int64)
    return PlanarPlan(
        weights=np.concatenate([np.zeros(0), *dense.weights]),
        weight_start=np.array(dense.start, dtype=np.int64),
        run_weights=np.concatenate([np.zeros(0), *runs.weights]),
        run_row=np.concatenate([np.zeros(0, dtype=np.int64), *runs.rows]),
        column_start=np.concatenate([np.zeros(0, dtype=np.int64), *runs.column_start]),
        first_column=first_column,
        first_row=np.array(first_row, dtype=np.int64),
        offsets=rows.offsets,
        n_outputs=np.diff(rows.first_row),
        plain=np.array(plain, dtype=np.int8),
        follows=np.logical_or.accumulate(first_column >= 0).astype(np.int8),
        stable=rows.stable,
        **{name: np.concatenate(given) for name, given in parts.items()},
    )


class _Dense:
    """The dense layers, as they are added."""

    def __init__(self) -> None:
        self.weights: list[Vector] = []
        self.start: list[int] = []
        self._end = 0

    def skip(self) -> None:
        """The next layer is none of these."""
        self.start.append(self._end)

    def add(self, weight: Dense, n_rows: int) -> None:
        """The next layer, padded to so many rows."""
        padded = np.zeros((weight.shape[1], n_rows))
        padded[:, : len(weight)] = weight.T
        self.weights.append(padded.reshape(len(padded), -1, N_LANES).transpose(1, 0, 2).ravel())
        self.start.append(self._end)
        self._end += padded.size


class _Runs:
    """The sparse layers, as they are added."""

    def __init__(self) -> None:
        self.weights: list[Vector] = []
        self.rows: list[NDArray[np.int64]] = []
        self.column_start: list[NDArray[np.int64]] = []
        self.first_column: list[int] = []
        self._n_runs = 0
        self._n_columns = 0

    def takes(self, weight: sp.csc_array) -> bool:
        """Whether few vectors of eight rows have a weight other than 0."""
        n_rows, n_columns = weight.shape
        n_runs = np.unique(self._keys(weight)).size
        return bool(n_runs <= SPARSE_SHARE * n_columns * -(-n_rows // N_LANES))

    def skip(self) -> None:
        """The next layer is none of these."""
        self.first_column.append(-1)

    def add(self, weight: sp.csc_array, n_rows: int) -> None:
        """The next layer; runs know no padding."""
        n_columns = weight.shape[1]
        keys, place = np.unique(self._keys(weight), return_inverse=True)
        vectors = np.zeros((keys.size, N_LANES))
        vectors[place.ravel(), weight.indices % N_LANES] = weight.data
        columns, vector = np.divmod(keys, n_rows // N_LANES)
        start = np.searchsorted(columns, np.arange(n_columns + 1))
        self.weights.append(vectors.ravel())
        self.rows.append((N_LANES * vector).astype(np.int64))
        self.column_start.append((self._n_runs + start).astype(np.int64))
        self.first_column.append(self._n_columns)
        self._n_runs += keys.size
        self._n_columns += n_columns + 1

    @staticmethod
    def _keys(weight: sp.csc_array) -> NDArray[np.int64]:
        """Of each entry, the number of its run among all that there could be."""
        n_vectors = -(-weight.shape[0] // N_LANES)
        columns = np.repeat(np.arange(weight.shape[1]), np.diff(weight.indptr))
        return np.asarray(columns * n_vectors + weight.indices // N_LANES, dtype=np.int64)
