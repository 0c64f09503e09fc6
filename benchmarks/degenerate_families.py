"""Families of networks on [-1, 1]^2 on which floating point may err, and a generic one."""

from __future__ import annotations

import numpy as np

from benchmarks.networks import Chain, chain


def _one_layer(weight: list[list[float]], bias: list[float]) -> Chain:
    return [(np.array(weight), np.array(bias)), (np.ones((1, len(bias))), np.zeros(1))]


def _scaled(exponent: int) -> Chain:
    """The generic network with every map times a power of two."""
    return [(np.ldexp(w, exponent), np.ldexp(b, exponent)) for w, b in chain("2-5-4")]


def _tents(depth: int) -> Chain:
    """Layers (y, y - 1/2) with y' = 2 h1 - 4 h2, from y = (x_1 + 1) / 2."""
    first = (np.array([[0.5, 0.0], [0.5, 0.0]]), np.array([0.5, 0.0]))
    later = (np.array([[2.0, -4.0]] * 2), np.array([0.0, -0.5]))
    return [first, *[later] * (depth - 1), (np.array([[2.0, -4.0]]), np.zeros(1))]


def families() -> dict[str, Chain]:
    """The families of networks."""
    generic = chain("2-8-8")
    slope = float(np.nextafter(0.5, 1.0))
    integers = [(np.round(2 * w), np.round(8 * b)) for w, b in chain("2-6-6")]
    return {
        "generic": generic,
        "zero biases": [(w, np.zeros_like(b)) for w, b in generic],
        "biases of 1e-5": [(w, 1e-4 * b) for w, b in generic],
        "parallel": _one_layer([[1.0, 2.0]] * 3, [0.0, 0.25, -0.5]),
        "duplicate and opposite": _one_layer(
            [[1.0, 2.0], [1.0, 2.0], [-1.0, -2.0], [1.0, -1.0]], [0.25, 0.25, -0.25, 0.0]
        ),
        "tents at their kinks": _tents(4),
        "integer weights": integers,
        "aligned with the faces": _one_layer(
            [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [-1.0, 0.0, 1.0, 0.0]
        ),
        "three lines through a point": _one_layer(
            [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.5, 0.25, 0.75]
        ),
        "near-parallel by one ulp": _one_layer(
            [[1.0, 0.5], [1.0, slope], [slope, 1.0]], [0.0, 0.0, 0.25]
        ),
        "weights times 2^-40": _scaled(-40),
        "weights times 2^40": _scaled(40),
    }
