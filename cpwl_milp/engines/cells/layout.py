"""A problem laid out for the cells engine: dense, unit-major weights in unit-box coordinates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Matrix, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.engines.tree.plan import Plan
from cpwl_milp.engines.tree.plan import lay_out as lay_out_rows

# Rows of unit norm in the unit box: below this, distances are rounding.
LEAST_TOLERANCE = 1e-11
# A search that may hand cells over to the tree gives away what is so many times closer to zero
# than that: errors of a badly held vertex may exceed the tolerance, hardly so far.
CAREFUL = 1e3
# Layers with at most this share of weights other than 0 are handled as sparse.
SPARSE_SHARE = 0.25


class Layout(NamedTuple):
    """The network as the kernels read it.

    Rows are the outputs of all layers, numbered through; hidden units are numbered as in patterns.

    Attributes
    ----------
    weights : float64
        Of all layers, one after the other; layer l as ``(n_in, n_out)``, so that one input feeds
        a contiguous run of outputs.
    weight_start : int64 (n_layers + 1,)
    bias, slope, tolerance : float64 (n_rows,)
        `tolerance` is absolute, for z.
    clear : float64 (n_rows,)
        At least CAREFUL times the tolerance of z on any cell: beyond, a sign is clear at a glance.
    first_row, offsets : int64 (n_layers + 1,)
        Where each layer's rows and hidden units begin.
    unit_of_row : int64 (n_rows,)
        The hidden unit of each row, -1 for pass-on units.
    stable : int8 (n_units,)
        The bit where bounds fix it on the whole domain, else -1.
    """

    weights: Vector
    weight_start: NDArray[np.int64]
    bias: Vector
    slope: Vector
    tolerance: Vector
    clear: Vector
    first_row: NDArray[np.int64]
    offsets: NDArray[np.int64]
    unit_of_row: NDArray[np.int64]
    stable: NDArray[np.int8]


def lay_out(network: Network, box: Box, bounds: Bounds) -> Layout:
    """Lay a network with at least one layer out over a full-dimensional box."""
    rows = lay_out_rows(network, box, bounds)
    blocks, starts = [], [0]
    n_in = box.dim
    for layer in range(len(network.layers)):
        block = as_dense(layer_weight(rows, layer, n_in)).T
        blocks.append(block)
        starts.append(starts[-1] + block.size)
        n_in = block.shape[1]
    return Layout(
        weights=np.concatenate([block.ravel() for block in blocks]),
        weight_start=np.array(starts, dtype=np.int64),
        bias=rows.bias,
        slope=rows.slope,
        tolerance=rows.tolerance,
        clear=clear_heights(rows, box.dim),
        first_row=rows.first_row,
        offsets=rows.offsets,
        unit_of_row=rows.unit_of_row,
        stable=rows.stable,
    )


def clear_heights(rows: Plan, n_inputs: int) -> Vector:
    """At least CAREFUL times the tolerance of each row's z on any cell, shape (n_rows,)."""
    return CAREFUL * np.maximum(rows.tolerance, LEAST_TOLERANCE * _steepest(rows, n_inputs))


def layer_weight(rows: Plan, layer: int, n_in: int) -> Matrix:
    """The weights of a layer of `n_in` inputs, shape (n_out, n_in).

    Dense where a good share of them is not zero: scipy takes ten times as long for what is small.
    """
    first, last = int(rows.first_row[layer]), int(rows.first_row[layer + 1])
    begin, end = int(rows.indptr[first]), int(rows.indptr[last])
    weights, columns = rows.weights[begin:end], rows.indices[begin:end]
    starts = rows.indptr[first : last + 1] - begin
    shape = (last - first, n_in)
    if end - begin <= SPARSE_SHARE * shape[0] * shape[1]:
        return sp.csr_array((weights, columns, starts), shape=shape)
    places = np.repeat(np.arange(shape[0]) * n_in, np.diff(starts)) + columns
    return np.bincount(places, weights, minlength=shape[0] * n_in).reshape(shape)


def as_dense(weight: Matrix) -> Dense:
    """Weights as an ndarray."""
    return weight if isinstance(weight, np.ndarray) else np.asarray(weight.toarray())


def _steepest(rows: Plan, n_inputs: int) -> Vector:
    """A bound of the norm of each row's gradient on any cell: absolute weights multiplied."""
    found = []
    steep = np.eye(n_inputs)
    for layer in range(rows.offsets.size - 1):
        steep = abs(layer_weight(rows, layer, len(steep))) @ steep
        found.append(np.linalg.norm(steep, axis=1))
        slope = rows.slope[rows.first_row[layer] : rows.first_row[layer + 1]]
        steep = steep * np.maximum(1.0, np.abs(slope))[:, None]
    return np.concatenate(found)
