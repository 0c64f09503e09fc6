"""A count that rests on values below the tolerance is a bracket, never "exact"."""

from __future__ import annotations

import numpy as np
import pytest

from cpwl_milp.census import CountSettings, count_regions
from cpwl_milp.core.domain import Box
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.choice import EngineSettings
from tests.networks import mlp, random_network


@pytest.mark.parametrize("engine", ["cells", "tree"])
def test_features_tiny_beside_the_box(engine: str) -> None:
    network = random_network(np.random.default_rng(4), 2, [8, 8, 6])
    # The hyperplanes pass within about 0.1 of the origin, 1e-9 of this box.
    vast = Problem.of(network, Box.uniform(-1e8, 1e8, 2))
    found = count_regions(vast, CountSettings(EngineSettings(engine)))
    assert not found.complete
    assert "too close to zero" in found.reason
    known = count_regions(Problem.of(network, Box.uniform(-1e3, 1e3, 2)))
    assert known.complete
    # All regions of the small box are regions of the large one.
    assert found.regions.lower <= known.regions.lower <= (found.regions.upper or 0)
    for layer in found.layers:
        assert layer.prefix.lower <= layer.upper_bound


@pytest.mark.parametrize("engine", ["cells", "tree"])
def test_biases_that_drown_in_the_box(engine: str) -> None:
    network = random_network(np.random.default_rng(4), 2, [8, 8])
    found = count_regions(
        Problem.of(network, Box.uniform(-1e16, 1e16, 2)), CountSettings(EngineSettings(engine))
    )
    assert not found.complete
    # Without biases there is nothing to drown: the picture is a fan at any size.
    no_bias = mlp(*((w.affine.dense(), np.zeros(8)) for w in network.layers), ([[1.0] * 8], [0.0]))
    near, far = (
        count_regions(
            Problem.of(no_bias, Box.uniform(-size, size, 2)), CountSettings(EngineSettings(engine))
        )
        for size in (1.0, 1e16)
    )
    assert near.complete
    assert far.complete
    assert near.regions == far.regions
