"""Networks for linear terms: sparse, residual and pooled chains, and where to look at them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from cpwl_milp.core.affine import Affine, Dense
from cpwl_milp.core.network import Layer, Network

SLOPES = (0.0, 0.1, 1.0, -1.0, 1.5)


def mixed_network(
    rng: np.random.Generator, n_inputs: int, widths: list[int], n_outputs: int, *, sparse: bool
) -> Network:
    """Units of all slopes, those that pass on among them; every other map sparse if asked."""
    layers, width = [], n_inputs
    for place, n in enumerate(widths):
        weight = rng.normal(0, np.sqrt(2 / width), (n, width))
        weight[rng.random(weight.shape) < 0.3] = 0.0
        slope = rng.choice(SLOPES, n)
        held = sp.csr_array(weight) if sparse and place % 2 == 0 else weight
        layers.append(Layer(Affine(held, rng.normal(0, 0.3, n)), slope))
        width = n
    return Network(
        tuple(layers), Affine(rng.normal(size=(n_outputs, width)), rng.normal(size=n_outputs))
    )


def made_dense(network: Network) -> Network:
    """The same network without a sparse map."""
    layers = tuple(
        Layer(Affine(layer.affine.dense(), layer.affine.bias), layer.slope)
        for layer in network.layers
    )
    return Network(layers, Affine(network.output.dense(), network.output.bias))


def map_of_pattern(network: Network, x: Dense) -> tuple[Dense, Dense]:
    """The affine map of x's own cell, composed forward, one layer after the other."""
    weight, bias, a = np.eye(network.n_inputs), np.zeros(network.n_inputs), x
    for layer in network.layers:
        dense = layer.affine.dense()
        z = dense @ a + layer.affine.bias
        factor = np.where(z > 0, 1.0, layer.slope)
        weight = factor[:, None] * (dense @ weight)
        bias = factor * (dense @ bias + layer.affine.bias)
        a = factor * z
    last = network.output.dense()
    return last @ weight, last @ bias + network.output.bias
