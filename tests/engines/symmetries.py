"""Networks with the same regions, written differently."""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.network import Layer, Network


def shuffled(network: Network, rng: np.random.Generator) -> Network:
    """The same function with the units of each layer permuted."""
    layers, order = [], np.arange(network.n_inputs)
    for layer in network.layers:
        shuffle = rng.permutation(layer.affine.n_out)
        weight = layer.affine.dense()[np.ix_(shuffle, order)]
        layers.append(Layer(Affine(weight, layer.affine.bias[shuffle]), layer.slope[shuffle]))
        order = shuffle
    return Network(tuple(layers), Affine(network.output.dense()[:, order], network.output.bias))


def rescaled(network: Network, rng: np.random.Generator) -> Network:
    """The same patterns: every unit scaled by a power of two, undone in the next layer."""
    layers, undo = [], np.ones(network.n_inputs)
    for layer in network.layers:
        scale = 2.0 ** rng.integers(-12, 13, layer.affine.n_out)
        weight = scale[:, None] * layer.affine.dense() * undo
        layers.append(Layer(Affine(weight, scale * layer.affine.bias), layer.slope))
        undo = 1 / scale
    return Network(tuple(layers), Affine(network.output.dense() * undo, network.output.bias))
