"""A problem in the plane, laid out for vectors of eight rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Vector
from cpwl_milp.engines.cells.layout import Layout
from cpwl_milp.engines.lanes import N_LANES


class PlanarPlan(NamedTuple):
    """The network as the planar kernels read it.

    The rows of a layer are its outputs: hidden units first, in the order of patterns, then
    pass-on units, then padding to a multiple of eight (rows that are 1 everywhere).

    Attributes
    ----------
    weights : float64
        Of all layers, one after the other; of layer l as ``(n_out / 8, n_in, 8)``.
    weight_start : int64 (n_layers + 1,)
    bias, slope, tolerance, clear : float64 (n_rows,)
        As in `Layout`.
    first_row, offsets : int64 (n_layers + 1,)
        Where each layer's rows and hidden units begin.
    n_outputs : int64 (n_layers,)
        Rows of each layer without the padding.
    plain : int8 (n_layers,)
        Whether all outputs of the layer are hidden units of slope 0.
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
    n_outputs: NDArray[np.int64]
    plain: NDArray[np.int8]
    stable: NDArray[np.int8]


def planar_plan(layout: Layout) -> PlanarPlan:
    """Rearrange a layout over two inputs."""
    n_layers = layout.offsets.size - 1
    order_below = np.arange(2)
    weights, starts, first_row, plain = [], [0], [0], []
    rows: dict[str, list[Vector]] = {"bias": [], "slope": [], "tolerance": [], "clear": []}
    filling = {"bias": 1.0, "slope": 0.0, "tolerance": 0.0, "clear": 0.0}
    for layer in range(n_layers):
        first, last = int(layout.first_row[layer]), int(layout.first_row[layer + 1])
        passes_on = layout.unit_of_row[first:last] < 0
        order = np.argsort(passes_on, kind="stable")
        n, padding = last - first, -(last - first) % N_LANES
        block = layout.weights[layout.weight_start[layer] : layout.weight_start[layer + 1]]
        padded = np.zeros((len(order_below), n + padding))
        padded[:, :n] = block.reshape(-1, n)[order_below][:, order]
        weights.append(padded.reshape(len(padded), -1, N_LANES).transpose(1, 0, 2).ravel())
        starts.append(starts[-1] + padded.size)
        first_row.append(first_row[-1] + n + padding)
        for name, parts in rows.items():
            part: Vector = getattr(layout, name)[first:last][order]
            parts += [part, np.full(padding, filling[name])]
        plain.append(not passes_on.any() and not layout.slope[first:last].any())
        order_below = order
    joined = {name: np.concatenate(parts) for name, parts in rows.items()}
    return PlanarPlan(
        weights=np.concatenate(weights),
        weight_start=np.array(starts, dtype=np.int64),
        first_row=np.array(first_row, dtype=np.int64),
        offsets=layout.offsets,
        n_outputs=np.diff(layout.first_row),
        plain=np.array(plain, dtype=np.int8),
        stable=layout.stable,
        **joined,
    )
