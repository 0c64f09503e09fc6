"""A network condensed to what varies inside a ball: its open units, in as few coordinates as hold.

Inside the ball most units of a large network keep their sign. They are linear there, so each open
unit is an affine function of the input and of the values of open units before it. An orthonormal
change of coordinates then leaves out all directions that no open unit depends on: the ball's
projection onto the rest is a ball again, and an open cell that is a cylinder over the rest meets
the ball iff its base meets the projection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.network import Network
from cpwl_milp.engines.magnitudes import term_magnitudes

# A pre-activation is told from zero when it exceeds this share of the magnitude of its terms.
RELATIVE_TOLERANCE = 1e-11


class Layout(NamedTuple):
    """The open units as the kernels read them, over the unit ball of the reduced coordinates.

    Open units are numbered through in layer order; `n_open` is their number, d the dimension.

    Attributes
    ----------
    rows, bias : float64 (n_open, d), (n_open,)
        What each unit takes from the input.
    indptr, indices, weights : CSR (n_open, n_open)
        What each unit takes from the values of open units before it.
    slope, tolerance : float64 (n_open,)
        `tolerance` is absolute, for z.
    direct : bool (n_open,)
        Units fed by open units and zeros alone: their weights and bias are the network's own.
    unit : int64 (n_open,)
        The place of each unit's bit in a pattern.
    first : int64 (n_layers + 1,)
        Where each layer's open units begin.
    offsets : int64 (n_layers + 1,)
        Where each layer's bits begin.
    """

    rows: Dense
    bias: Vector
    indptr: NDArray[np.int64]
    indices: NDArray[np.int64]
    weights: Vector
    slope: Vector
    tolerance: Vector
    direct: NDArray[np.bool_]
    unit: NDArray[np.int64]
    first: NDArray[np.int64]
    offsets: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Condensed:
    """A network condensed to a ball.

    Attributes
    ----------
    layout : Layout
    bits : ndarray of uint8, shape (n_units,)
        The bits of the units that are not open; 0 for those that are.
    basis : ndarray, shape (dim, d)
        Orthonormal: the points of the ball are ``centre + radius * basis @ y`` and what is
        orthogonal to them.
    homogeneous : bool
        No biases: every hyperplane passes through the origin exactly.
    """

    layout: Layout
    bits: NDArray[np.uint8]
    basis: Dense
    homogeneous: bool


def condense(network: Network, ball: Ball, bounds: Bounds) -> Condensed:
    """Condense a network with at least one layer to an L2 ball.

    Memory: the widest layer times the number of inputs and open units.
    """
    n_open = sum(int(s.unstable.sum()) for s in bounds.stability(network))
    # The values of the layer at hand: part of the input (None: the input itself), shift, part of
    # the open units.
    part: Dense | None = None
    shift, mixed = ball.centre, np.zeros((ball.dim, n_open))
    rows, bias, mixes, slopes, units, first = [], [], [], [], [], [0]
    # Values of the layer below that are neither those of an open unit nor 0.
    mixing, direct = np.ones(ball.dim), []
    bits = np.zeros(network.n_units, dtype=np.uint8)
    for index, (layer, stability) in enumerate(
        zip(network.layers, bounds.stability(network), strict=True)
    ):
        weight = layer.affine.weight
        part = ball.radius * layer.affine.dense() if part is None else np.asarray(weight @ part)
        shift = np.asarray(weight @ shift) + layer.affine.bias
        mixed = np.asarray(weight @ mixed)
        bits[network.layer_bits(index)] = stability.always_active
        opened = layer.units[stability.unstable]
        rows.append(part[opened])
        bias.append(shift[opened])
        mixes.append(mixed[opened])
        slopes.append(layer.slope[opened])
        direct.append(np.asarray(layer.affine.magnitude() @ mixing)[opened] == 0.0)
        units.append(network.offsets[index] + np.flatnonzero(stability.unstable))
        factor = np.ones(layer.affine.n_out)
        off = layer.units[stability.always_inactive]
        factor[off] = layer.slope[off]
        factor[opened] = 0.0
        mixing = (factor != 0.0).astype(np.float64)
        part, shift, mixed = part * factor[:, None], shift * factor, mixed * factor[:, None]
        mixed[opened, first[-1] + np.arange(opened.size)] = 1.0
        first.append(first[-1] + opened.size)
    mix = sp.csr_array(np.concatenate(mixes))
    biases, slope = np.concatenate(bias), np.concatenate(slopes)
    reduced, basis = _reduced(np.concatenate(rows), network.layers[0].affine.dense())
    magnitudes = _magnitudes(network, ball, bounds) + _cancelled(reduced, biases, mix, slope)
    layout = Layout(
        rows=reduced,
        bias=biases,
        indptr=mix.indptr.astype(np.int64),
        indices=mix.indices.astype(np.int64),
        weights=mix.data.astype(np.float64),
        slope=slope,
        tolerance=RELATIVE_TOLERANCE * magnitudes,
        direct=np.concatenate(direct),
        unit=np.concatenate(units).astype(np.int64),
        first=np.array(first, dtype=np.int64),
        offsets=np.array(network.offsets, dtype=np.int64),
    )
    homogeneous = not any(layer.affine.bias.any() for layer in network.layers)
    return Condensed(layout, bits, basis, homogeneous)


def _reduced(rows: Dense, first_layer: Dense) -> tuple[Dense, Dense]:
    """The rows in coordinates of a space that holds them all, and its orthonormal basis.

    They are spanned by themselves and by the rows of the first layer: whichever are fewer.
    """
    spanning = rows if len(rows) <= len(first_layer) else first_layer
    dim = rows.shape[1]
    if len(spanning) >= dim:
        return np.ascontiguousarray(rows), np.eye(dim)
    # One coordinate at least, even where nothing depends on the input.
    basis = np.linalg.qr(spanning.T)[0] if len(spanning) else np.eye(dim, 1)
    return np.ascontiguousarray(rows @ basis), np.ascontiguousarray(basis)


def _magnitudes(network: Network, ball: Ball, bounds: Bounds) -> Vector:
    """Of the terms of the open units' z, in the network's own coordinates."""
    magnitudes = term_magnitudes(network, np.abs(ball.centre) + ball.radius, bounds)
    parts = [
        magnitude[layer.units[stability.unstable]]
        for layer, magnitude, stability in zip(
            network.layers, magnitudes, bounds.stability(network), strict=True
        )
    ]
    return np.concatenate(parts)


def _cancelled(rows: Dense, bias: Vector, mix: sp.csr_array, slope: Vector) -> Vector:
    """Of the terms that open units below add to a composed map, whatever their bits.

    The map of a unit is large where the unit is steep, though its values are small on the cells
    where it is on: what cancels in the units above leaves rounding errors of that size.
    """
    largest = np.linalg.norm(rows, axis=1) + np.abs(bias)
    terms = np.zeros(len(bias))
    weights = np.abs(mix.data) * np.maximum(1.0, np.abs(slope))[mix.indices]
    for unit in range(len(bias)):
        own = slice(mix.indptr[unit], mix.indptr[unit + 1])
        terms[unit] = weights[own] @ largest[mix.indices[own]]
        largest[unit] += terms[unit]
    return terms
