"""What rounding errors are measured by."""

from __future__ import annotations

import numpy as np

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.engines.magnitudes import term_magnitudes


def test_small_sums_of_large_terms_pass_their_errors_on() -> None:
    """1e6 x - 1e6 is at most 0 on [0, 1]: next to nothing to the bounds, but not to rounding."""
    relu = np.zeros(2)
    network = Network(
        (
            Layer(Affine(np.array([[1e6], [-1e6]]), np.zeros(2)), relu),
            Layer(Affine(np.array([[1.0, -1.0], [1e-6, 0.0]]), np.array([-1e6, 0.0])), relu),
            Layer(Affine(np.array([[1.0, 0.0]]), np.zeros(1)), np.zeros(1)),
        ),
        Affine.identity(1),
    )
    box = Box(np.array([0.0]), np.array([1.0]))
    bounds = pre_activation_bounds(network, box)
    assert bounds.upper[2][0] < 1e-3, "the last value is 0 but for rounding"
    first, second, third = term_magnitudes(network, np.ones(1), bounds)
    assert np.allclose(first, 1e6)
    assert np.allclose(second, [2e6, 1.0])
    # 2e6 of its own and 2e6 of the layer below it: a hundredth of both.
    assert np.allclose(third, [4e4])
