"""The affine maps of the output on batches of regions, for the run folder."""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits, unpack
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.storage.rows import OutputMaps

# Numbers that the values of one layer may take at once.
_BLOCK_NUMBERS = 1 << 22


class OutputMapsOf:
    """Composes ``f(x) = A x + c`` for each region of a batch, layer by layer.

    On a region each unit multiplies by 1 or by its negative-side slope, so that the maps are
    matrix products, done for many regions at once.

    Parameters
    ----------
    network : Network
        Over the domain's own coordinates.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        widest = max([network.n_inputs, *(layer.affine.n_out for layer in network.layers)])
        self._block = max(1, _BLOCK_NUMBERS // (widest * (network.n_inputs + 1)))

    def __call__(self, regions: RegionBatch) -> OutputMaps:
        """The maps of a batch, in its order."""
        network = self._network
        coefficients = np.empty((len(regions), network.n_outputs, network.n_inputs))
        bias = np.empty((len(regions), network.n_outputs))
        for begin in range(0, len(regions), self._block):
            block = slice(begin, begin + self._block)
            bits = unpack(regions.patterns[block], network.n_units)
            coefficients[block], bias[block] = self._composed(bits)
        return OutputMaps(coefficients, bias)

    def _composed(self, bits: Bits) -> tuple[Dense, Dense]:
        # All regions side by side, so that a sparse weight is applied once: the values of one
        # layer as functions of (x, 1), shape (units, regions * (dim + 1)).
        n, width = len(bits), self._network.n_inputs + 1
        maps = np.tile(np.eye(width)[:-1], (1, n))
        for index, layer in enumerate(self._network.layers):
            maps = _applied(layer.affine.weight @ maps, layer.affine.bias, n)
            factor = np.ones((layer.affine.n_out, n))
            own = bits[:, self._network.layer_bits(index)].T
            factor[layer.units] = np.where(own, 1.0, layer.slope[layer.units][:, None])
            maps *= np.repeat(factor, width, axis=1)
        output = self._network.output
        maps = _applied(output.weight @ maps, output.bias, n)
        maps = maps.reshape(output.n_out, n, width).transpose(1, 0, 2)
        return maps[:, :, :-1], maps[:, :, -1]


def _applied(product: Dense, bias: Vector, n: int) -> Dense:
    """Add the bias to the constant column of each of `n` maps."""
    maps = np.asarray(product)
    width = maps.shape[1] // n
    maps[:, width - 1 :: width] += bias[:, None]
    return maps
