"""Affine maps of many regions at once, in coordinates scaled to the domain's box.

With ``x = centre + half * t``, t in [-1, 1]^n, every coordinate has one unit and one size, so a
tolerance means the same for each of them. A coordinate that the box fixes must be taken out
before (`core.problem`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits, Packed, unpack

# Entries of the largest array of a block (float64: 64 MB).
_BLOCK_ENTRIES = 1 << 23


@dataclass(frozen=True, eq=False)
class ComposedBlock:
    """The maps of a block of B regions.

    Attributes
    ----------
    start : int
        The first region's place in the list.
    bits : ndarray of bool, shape (B, n_units)
    rows : ndarray, shape (B, n_units, n + 1), or None
        Pre-activations ``rows[..., :n] @ t + rows[..., n]`` of the hidden units.
    outputs : ndarray, shape (B, n_outputs, n + 1)
        The output maps, in the same form.
    """

    start: int
    bits: Bits
    rows: NDArray[np.float64] | None
    outputs: NDArray[np.float64]


def scaled(network: Network, box: Box) -> Network:
    """The network over t in [-1, 1]^n."""
    return network.restricted(Affine(np.diag(box.half_widths), box.centre))


def composed_blocks(
    network: Network, packed: Packed, *, with_rows: bool
) -> Iterator[ComposedBlock]:
    """Compose the maps of each pattern, block by block.

    Parameters
    ----------
    network : Network
        Over the coordinates that the maps are wanted in, see `scaled`.
    packed : ndarray of uint8, shape (n_regions, bytes)
    with_rows : bool
        Whether the pre-activations are wanted as well.
    """
    widest = max([network.n_outputs, *(layer.affine.n_out for layer in network.layers)])
    per_region = (network.n_units if with_rows else 0) + widest
    size = max(1, _BLOCK_ENTRIES // (per_region * (network.n_inputs + 1)))
    for start in range(0, len(packed), size):
        bits = unpack(packed[start : start + size], network.n_units)
        rows, outputs = compose(network, bits, with_rows=with_rows)
        yield ComposedBlock(start, bits, rows, outputs)


def compose(
    network: Network, bits: Bits, *, with_rows: bool
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    """Rows and output maps of the patterns `bits`, shape (B, n_units); see `ComposedBlock`."""
    n, count = network.n_inputs, len(bits)
    # Axis 0 holds units, so that one product serves all regions, dense or sparse.
    current = np.zeros((n, count, n + 1))
    current[np.arange(n), :, np.arange(n)] = 1.0
    kept = []
    for index, layer in enumerate(network.layers):
        current = _apply(layer.affine, current)
        if with_rows:
            kept.append(current[layer.units].transpose(1, 0, 2))
        own = bits[:, network.layer_bits(index)]
        factor = np.ones((layer.affine.n_out, count))
        factor[layer.units] = np.where(own.T, 1.0, layer.slope[layer.units, None])
        current = current * factor[:, :, None]
    outputs = _apply(network.output, current).transpose(1, 0, 2)
    rows = None
    if with_rows:
        rows = np.concatenate([np.zeros((count, 0, n + 1)), *kept], axis=1)
    return rows, outputs


def _apply(affine: Affine, maps: NDArray[np.float64]) -> NDArray[np.float64]:
    flat = maps.reshape(len(maps), -1)
    result = np.asarray(affine.weight @ flat).reshape(affine.n_out, *maps.shape[1:])
    result[:, :, -1] += affine.bias[:, None]
    return result
