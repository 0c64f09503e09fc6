"""The seeded networks that are timed."""

from __future__ import annotations

import itertools

import numpy as np

from cpwl_milp import Affine, Layer, Network

TABLE = {
    "2-16-16": (2, (16, 16)),
    "2-32-32-32": (2, (32, 32, 32)),
    "2-64-64-64": (2, (64, 64, 64)),
    "2-100-100-100-100": (2, (100, 100, 100, 100)),
    "3-16-16-16": (3, (16, 16, 16)),
    "3-32-32": (3, (32, 32)),
    "4-16-16": (4, (16, 16)),
    "5-12-12": (5, (12, 12)),
    "8-10-10": (8, (10, 10)),
    "16-12-12": (16, (12, 12)),
}


def he_network(n_inputs: int, widths: tuple[int, ...], seed: int = 1) -> Network:
    """He-normal weights, biases N(0, 0.1^2), one output."""
    random = np.random.default_rng(seed)
    maps = [
        Affine(random.normal(0, np.sqrt(2 / m), (n, m)), random.normal(0, 0.1, n))
        for m, n in itertools.pairwise([n_inputs, *widths, 1])
    ]
    return Network(tuple(Layer(m, np.zeros(m.n_out)) for m in maps[:-1]), maps[-1])
