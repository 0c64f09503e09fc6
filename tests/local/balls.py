"""Random small questions about balls, and independent answers."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.domains import Ball
from cpwl_milp.core.network import Network
from tests.networks import degenerate_network, random_network

NORMS = ("1", "2", "inf")
ORDER = {"1": 1, "2": 2, "inf": np.inf}


def random_question(seed: int, norm: str) -> tuple[Network, Ball]:
    """A network of one to three small layers and a ball, every other one degenerate."""
    random = np.random.default_rng(seed)
    n_inputs = int(random.integers(1, 5))
    widths = [int(random.integers(2, 7)) for _ in range(random.integers(1, 4))]
    build = degenerate_network if seed % 2 else random_network
    network = build(random, n_inputs, widths)
    centre = random.normal(scale=0.7, size=n_inputs)
    return network, Ball(centre, float(random.uniform(0.05, 1.0)), norm)


def independent_sets_that_meet(
    weight: NDArray[np.float64], bias: NDArray[np.float64], ball: Ball
) -> int:
    """Sets of hyperplanes by definition: rank by SVD, distance in the 2-norm by pseudo-inverse."""
    assert ball.norm == "2"
    count = 0
    for size in range(min(weight.shape) + 1):
        for chosen in itertools.combinations(range(len(weight)), size):
            w = weight[list(chosen)]
            if size and np.linalg.matrix_rank(w) < size:
                continue
            z = w @ ball.centre + bias[list(chosen)]
            way = np.linalg.pinv(w) @ -z if size else np.zeros(1)
            count += bool(np.linalg.norm(way) < ball.radius)
    return count


def first_change(network: Network, x: NDArray[np.float64], way: NDArray[np.float64]) -> float:
    """How far along a ray the pattern first changes, by scanning and bisection; inf within 20."""
    here = network.bits(x[None])[0]
    steps = np.concatenate([np.geomspace(1e-6, 20, 4000)])
    same = (network.bits(x + steps[:, None] * way) == here).all(axis=1)
    if same.all():
        return float("inf")
    after = int(np.argmin(same))
    low, high = (0.0 if after == 0 else steps[after - 1]), steps[after]
    for _ in range(60):
        middle = 0.5 * (low + high)
        if (network.bits((x + middle * way)[None])[0] == here).all():
            low = middle
        else:
            high = middle
    return float(high)
