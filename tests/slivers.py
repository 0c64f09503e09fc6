"""Networks with slivers made on purpose: cells and gaps that float64 can hardly hold."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.network import Layer, Network
from tests.networks import degenerate_network


def sliver_network(rng: np.random.Generator, n_inputs: int, widths: Sequence[int]) -> Network:
    """A degenerate network, some of its rows copied with errors of an ulp up to 1e-10.

    Copies, opposites and parallels moved by an ulp, biases of 1e-17 or 1e-12, nearly parallel
    rows, thirds (1/3 is not a float), and a row that is the rounded sum of two others, so that
    three hyperplanes nearly meet.
    """
    network = degenerate_network(rng, n_inputs, widths)
    layers = []
    for layer in network.layers:
        w, b = layer.affine.dense().copy(), layer.affine.bias.copy()
        n = len(b)
        for i, j in itertools.permutations(range(n), 2):
            if rng.random() > 0.35:
                continue
            size = 10.0 ** rng.integers(-17, -9)
            kind = rng.integers(7)
            if kind == 0:
                w[i], b[i] = w[j], np.nextafter(b[j], np.inf)
            elif kind == 1:
                w[i], b[i] = -w[j], size - b[j]
            elif kind == 2:
                w[i], b[i] = w[j] * (1 + size * rng.integers(-3, 4, w.shape[1])), b[j]
            elif kind == 3:
                w[i], b[i] = w[j] / 3, b[j] / 3
            elif kind == 4:
                b[i] = size
            elif kind == 5:
                k = rng.integers(n)
                w[i], b[i] = 0.1 * w[j] + 0.7 * w[k], 0.1 * b[j] + 0.7 * b[k]
            else:
                w[i] = w[j] + size * rng.normal(size=w.shape[1])
        layers.append(Layer(Affine(w, b), layer.slope))
    return Network(tuple(layers), network.output)
