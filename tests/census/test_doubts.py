"""A count that rests on values below the tolerance is a bracket, never "exact"."""

from __future__ import annotations

import numpy as np
import pytest

from cpwl_milp.census import CountSettings, count_regions
from cpwl_milp.core.domain import Box
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.choice import EngineSettings
from tests.networks import random_network


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
