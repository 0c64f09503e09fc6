"""The affine maps and inequalities of one activation pattern.

Inside a region ``z^l(x) = P^l x + q^l`` with ``P^l = W^l A^{l-1}``, ``q^l = W^l c^{l-1} + b^l``,
``A^l = D^l P^l``, ``c^l = D^l q^l`` and ``D^l = diag(1 or slope)`` (formulas.md, notation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.affine import Affine, Dense, Vector
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits


@dataclass(frozen=True, eq=False)
class Cell:
    """A pattern's composed maps.

    Attributes
    ----------
    pre_activations : tuple of Affine
        One a layer, from the input to the pre-activations z of its hidden units only.
    output : Affine
        The affine map of the network's output on this cell.
    bits : ndarray of bool, shape (n_units,)
    """

    pre_activations: tuple[Affine, ...]
    output: Affine
    bits: Bits

    @staticmethod
    def of(network: Network, bits: Bits) -> Cell:
        """Compose the maps of the pattern `bits` (shape (n_units,)), layer by layer."""
        maps = []
        current = Affine.identity(network.n_inputs)
        for index, layer in enumerate(network.layers):
            z = layer.affine.after(current)
            weight, bias = z.dense(), z.bias
            units = layer.units
            maps.append(Affine(weight[units], bias[units]))
            factor = np.ones(layer.affine.n_out)
            own = bits[network.layer_bits(index)]
            factor[units] = np.where(own, 1.0, layer.slope[units])
            current = Affine(weight * factor[:, None], bias * factor)
        return Cell(tuple(maps), network.output.after(current), bits)

    def inequalities(self) -> tuple[Dense, Vector]:
        """Rows A (n_units, n) and b (n_units,): the closed cell is ``A x <= b``.

        An active unit gives ``-P x <= q``, an inactive one ``P x <= -q``.
        """
        n = self.output.n_in
        if not self.pre_activations:
            return np.zeros((0, n)), np.zeros(0)
        p = np.concatenate([m.dense() for m in self.pre_activations])
        q = np.concatenate([m.bias for m in self.pre_activations])
        sign = np.where(self.bits, -1.0, 1.0)
        return sign[:, None] * p, -sign * q
