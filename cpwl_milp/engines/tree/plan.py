"""A problem laid out for the compiled search: flat arrays in the coordinates of the unit box."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Affine, Dense, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.engines.magnitudes import term_magnitudes

# A pre-activation is told from zero when it exceeds this share of the magnitude of its terms.
# Composing rows and pivoting err by some 1e-15 to 1e-13 of that magnitude.
RELATIVE_TOLERANCE = 1e-11


class Plan(NamedTuple):
    """The network as the kernels read it (numba takes named tuples of arrays).

    Outputs of all layers are numbered through ("rows"), pass-on units included; hidden units are
    numbered as in patterns.

    Attributes
    ----------
    indptr, indices, weights : CSR of all layers, one below the other; `indices` count within the
        previous layer's outputs.
    bias, slope, tolerance : float64 (n_rows,)
        `tolerance` is absolute, for z.
    first_row : int64 (n_layers + 1,)
        Where each layer's rows begin.
    offsets : int64 (n_layers + 1,)
        Where each layer's hidden units begin.
    unit_row : int64 (n_units,)
        The row of each hidden unit.
    unit_of_row : int64 (n_rows,)
        The hidden unit of each row, -1 for pass-on units.
    stable : int8 (n_units,)
        The bit where bounds fix it on the whole domain, else -1.
    scale : float64 (d,)
        Half-widths: x = centre + scale * t.
    linear_from : int64 (n_layers,)
        The first layer from which on, up to each layer, no row has a bias; that layer's index plus
        one if it has biases itself.
    zero, zero_face : float64 (d,)
        Where x = 0 is in these coordinates; and 1 where the box's lower limit is x = 0 exactly,
        -1 where its upper limit is, else 0.
    carried : int64 (n_layers,)
        An input coordinate that is passed on, up to a factor, as an output of each layer; -1 if
        there is none.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int64]
    weights: Vector
    bias: Vector
    slope: Vector
    tolerance: Vector
    first_row: NDArray[np.int64]
    offsets: NDArray[np.int64]
    unit_row: NDArray[np.int64]
    unit_of_row: NDArray[np.int64]
    stable: NDArray[np.int8]
    scale: Vector
    linear_from: NDArray[np.int64]
    zero: Vector
    zero_face: Vector
    carried: NDArray[np.int64]


def lay_out(network: Network, box: Box, bounds: Bounds) -> Plan:
    """Lay a network with at least one layer out over a full-dimensional box."""
    scale = box.half_widths
    unit_box = network.restricted(
        Affine(sp.csr_array(sp.diags_array(scale)) if box.dim > 64 else np.diag(scale), box.centre)
    )
    blocks = [_nonzeros(layer.affine.weight) for layer in unit_box.layers]
    lengths, indices, weights = zip(*blocks, strict=True)
    sizes = [layer.affine.n_out for layer in unit_box.layers]
    first_row = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    unit_row = np.concatenate(
        [layer.units + start for layer, start in zip(unit_box.layers, first_row, strict=False)]
    ).astype(np.int64)
    unit_of_row = np.full(first_row[-1], -1, dtype=np.int64)
    unit_of_row[unit_row] = np.arange(unit_row.size)
    stability = bounds.stability(network)
    stable = np.concatenate(
        [np.where(s.always_active, 1, np.where(s.always_inactive, 0, -1)) for s in stability]
    ).astype(np.int8)
    return Plan(
        indptr=np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64),
        indices=np.concatenate(indices).astype(np.int64),
        weights=np.concatenate(weights).astype(np.float64),
        bias=np.concatenate([layer.affine.bias for layer in unit_box.layers]),
        slope=np.concatenate([layer.slope for layer in unit_box.layers]),
        tolerance=RELATIVE_TOLERANCE
        * np.concatenate(term_magnitudes(unit_box, np.ones(box.dim), bounds)),
        first_row=first_row,
        offsets=np.asarray(network.offsets, dtype=np.int64),
        unit_row=unit_row,
        unit_of_row=unit_of_row,
        stable=stable,
        scale=scale,
        linear_from=_linear_from(network),
        zero=-box.centre / scale,
        zero_face=(box.lower == 0.0).astype(np.float64) - (box.upper == 0.0),
        carried=_carried(network),
    )


def _nonzeros(weight: Dense | sp.csr_array) -> tuple[NDArray[np.intp], NDArray[np.intp], Vector]:
    """The weights that are not zero, row by row: how many in each, their columns, their values."""
    if isinstance(weight, np.ndarray):
        # scipy takes ten times as long for what is small.
        rows, columns = weight.nonzero()
        return np.bincount(rows, minlength=len(weight)), columns, weight[rows, columns]
    return np.diff(weight.indptr), weight.indices, weight.data


def _linear_from(network: Network) -> NDArray[np.int64]:
    """The layers from which on there are no biases up to each layer: see `Plan`."""
    found: list[int] = []
    for index, layer in enumerate(network.layers):
        if layer.affine.bias.any():
            found.append(index + 1)
        else:
            found.append(found[-1] if found else 0)
    return np.array(found, dtype=np.int64)


def _carried(network: Network) -> NDArray[np.int64]:
    """Of each layer the coordinate that it carries, -1 if none: the first chain of lone weights."""
    found = np.full(len(network.layers), -1, dtype=np.int64)
    coordinate_at: dict[int, int] = {c: c for c in range(network.n_inputs)}
    for index, layer in enumerate(network.layers):
        passed = np.flatnonzero((layer.slope == 1.0) & (layer.affine.bias == 0.0))
        if not passed.size:
            break
        rows = sp.csr_array(layer.affine.weight)[passed]
        rows.eliminate_zeros()
        coordinate_at = {
            int(row): coordinate_at[int(rows.indices[rows.indptr[k]])]
            for k, row in enumerate(passed)
            if rows.indptr[k + 1] - rows.indptr[k] == 1
            and int(rows.indices[rows.indptr[k]]) in coordinate_at
        }
        if not coordinate_at:
            break
        found[index] = next(iter(coordinate_at.values()))
    return found
