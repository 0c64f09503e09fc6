"""Chains whose units are all convex: what the tropical form of a network is made of.

A unit ``max(z, s z)`` with s in [0, 1] is convex and increases with z. Any other slope is one of
those and a multiple of z: ``max(z, 0) + s min(z, 0) = s z + (1 - s) max(z, 0)``. So such a unit
becomes two, one that passes z on and a ReLU, and the next map takes s and 1 - s times its column.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.network import Layer, Network


def with_convex_units(network: Network) -> Network:
    """The same function by units of slopes from 0 to 1 only; the network itself if it is so."""
    if all(np.all(_convex(layer)) for layer in network.layers):
        return network
    layers: list[Layer] = []
    spread: sp.csr_array | None = None
    for layer in network.layers:
        affine = layer.affine if spread is None else _after(layer.affine, spread)
        odd = np.flatnonzero(~_convex(layer))
        if not odd.size:
            layers.append(Layer(affine, layer.slope, layer.name))
            spread = None
            continue
        rows = np.concatenate([np.arange(affine.n_out), odd])
        slope = np.concatenate([np.where(_convex(layer), layer.slope, 1.0), np.zeros(len(odd))])
        layers.append(Layer(Affine(affine.weight[rows], affine.bias[rows]), slope, layer.name))
        # From the values of the new units to those of the old ones.
        share = np.where(_convex(layer), 1.0, layer.slope)
        values = np.concatenate([share, 1.0 - layer.slope[odd]])
        spread = sp.csr_array((values, (rows, np.arange(len(rows)))), (affine.n_out, len(rows)))
    output = network.output if spread is None else _after(network.output, spread)
    return Network(tuple(layers), output)


def _convex(layer: Layer) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray((layer.slope >= 0) & (layer.slope <= 1))


def _after(affine: Affine, spread: sp.csr_array) -> Affine:
    weight = affine.weight @ spread
    if sp.issparse(affine.weight):
        weight = sp.csr_array(weight)
    return Affine(weight, affine.bias)
