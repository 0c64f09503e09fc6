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


# --- explicit networks with known counts ------------------------------------------------------


def one_layer(weight: Sequence[Sequence[float]], bias: Sequence[float]) -> Network:
    """One hidden layer, its units summed."""
    return mlp((weight, bias), ([[1.0] * len(bias)], [0.0]))


def moment_curve(dim: int, n_units: int, *, bias: bool = True) -> Network:
    """Hyperplanes in general position: rows [1, t, .., t^(dim-1)], bias t^dim, distinct t."""
    t = np.arange(n_units) - (n_units - 1) / 2
    rows = t[:, None] ** np.arange(dim)
    return one_layer(rows.tolist(), (t**dim if bias else 0 * t).tolist())


def braid(dim: int) -> Network:
    """All differences x_i - x_j, i < j: one region for each order of the coordinates."""
    unit = np.eye(dim)
    rows = [(unit[i] - unit[j]).tolist() for i, j in itertools.combinations(range(dim), 2)]
    return one_layer(rows, [0.0] * len(rows))


def grid(n_vertical: int, n_horizontal: int) -> Network:
    """Lines x = 1, 2, .. and y = 1, 2, ..."""
    rows = [[1.0, 0.0]] * n_vertical + [[0.0, 1.0]] * n_horizontal
    return one_layer(rows, [-float(k + 1) for n in (n_vertical, n_horizontal) for k in range(n)])


def convolution(n_filters: int) -> Network:
    """One input channel of length 3, up to three generic filters of length 2."""
    filters = [(1.0, 2.0, 0.25), (3.0, -1.0, 0.5), (-1.0, 1.5, 1.0)][:n_filters]
    rows = [[a, b, 0.0] for a, b, _ in filters] + [[0.0, a, b] for a, b, _ in filters]
    return one_layer(rows, [c for _, _, c in filters] * 2)


def serra_maximal(n_units: int, depth: int) -> Network:
    """The most regions over one input: (n + 1)^depth (Serra et al. 2018, Theorem 5), n >= 3.

    Each layer maps every interval between its thresholds i / (n + 1) onto [0, 1] or beyond.
    """
    n, s = n_units, float(n_units + 1)
    direction = np.ones(n)
    direction[2] = -1.0
    thresholds = np.arange(1, n + 1) / s
    fold = s * np.array([3.0, -2.0, 2.0, *[-2.0 if k % 2 == 0 else 2.0 for k in range(n - 3)]])
    shift = -direction * thresholds
    first = (direction[:, None].tolist(), shift.tolist())
    later = (np.outer(direction, fold).tolist(), (shift - 4.0 * direction).tolist())
    return mlp(first, *[later] * (depth - 1), ([fold.tolist()], [-4.0]))


def folding(*, folded: bool) -> Network:
    """Three lines in general position, over the unit square or over four folds of it.

    After Montufar et al. 2014: y_i folds [0, 1] at 1/2 onto itself.
    """
    lines = np.array([[1.0, -0.1], [-0.2, 1.0], [1.0, 1.0]])
    shift = [-0.4, -0.5, -1.2]
    last = ([[1.0, 1.0, 1.0]], [0.0])
    if not folded:
        return mlp((lines.tolist(), shift), last)
    first = ([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [0.0, -0.5, 0.0, -0.5])
    fold = np.array([[2.0, -4.0, 0.0, 0.0], [0.0, 0.0, 2.0, -4.0]])
    return mlp(first, ((lines @ fold).tolist(), shift), last)
