"""Networks for tests: builders, random families with every degeneracy, and known answers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.network import Layer, Network


def mlp(*layers: tuple[Sequence[Sequence[float]], Sequence[float]], slope: float = 0.0) -> Network:
    """A network from (weight, bias) pairs; the last pair is the output map."""
    maps = [Affine(np.array(w, dtype=float), np.array(b, dtype=float)) for w, b in layers]
    hidden = tuple(Layer(m, np.full(m.n_out, slope)) for m in maps[:-1])
    return Network(hidden, maps[-1])


def random_network(
    rng: np.random.Generator, n_inputs: int, widths: Sequence[int], n_outputs: int = 1
) -> Network:
    """He-normal weights, biases N(0, 0.1^2)."""
    sizes = [n_inputs, *widths, n_outputs]
    pairs = [
        (rng.normal(0, np.sqrt(2 / m), (n, m)), rng.normal(0, 0.1, n))
        for m, n in itertools.pairwise(sizes)
    ]
    return mlp(*pairs)


def degenerate_network(
    rng: np.random.Generator, n_inputs: int, widths: Sequence[int], n_outputs: int = 1
) -> Network:
    """A random network with one or more of the degeneracies that break region counters.

    Zero biases, integer weights, dead units, duplicate and opposite units, parallel units, units
    fed by few inputs, LeakyReLU and Abs slopes.
    """
    kinds = rng.random(8) < 0.35
    sizes = [n_inputs, *widths, n_outputs]
    maps = []
    for m, n in itertools.pairwise(sizes):
        w = rng.normal(0, np.sqrt(2 / m), (n, m))
        b = rng.normal(0, 0.3, n)
        if kinds[0]:
            b[:] = 0
        if kinds[1]:
            w, b = np.round(2 * w), np.round(2 * b) / 2
        if kinds[2]:
            w[rng.integers(n)], b[rng.integers(n)] = 0.0, -1.0
        if n > 1:
            i, j = rng.choice(n, 2, replace=False)
            if kinds[3]:
                w[i], b[i] = w[j], b[j]
            if kinds[4]:
                w[i], b[i] = -w[j], -b[j]
            if kinds[5]:
                w[i], b[i] = 2 * w[j], b[j] + 0.25
        if kinds[6]:
            w[rng.random(w.shape) < 0.4] = 0.0
        maps.append(Affine(w, b))
    hidden = []
    for m in maps[:-1]:
        slope = np.zeros(m.n_out)
        if kinds[7]:
            slope = rng.choice([0.0, 0.1, -1.0, 1.5], m.n_out)
        hidden.append(Layer(m, slope))
    return Network(tuple(hidden), maps[-1])
