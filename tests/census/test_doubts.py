"""Features that are tiny beside the box are counted exactly, not given up."""

from __future__ import annotations

import numpy as np
import pytest

from cpwl_milp.census import CountSettings, count_regions
from cpwl_milp.core.domain import Box
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.choice import EngineSettings
from cpwl_milp.engines.exact.dictionary import EffortExceededError
from tests.networks import mlp, one_layer, random_network
from tests.oracles_arrangement import exact_regions


@pytest.mark.parametrize("engine", ["cells", "tree"])
@pytest.mark.parametrize("size", [1e8, 1e16])
def test_features_tiny_beside_the_box(engine: str, size: float) -> None:
    # The hyperplanes pass within about 0.1 of the origin; at 1e16 their biases drown in rounding.
    network = random_network(np.random.default_rng(4), 2, [6, 5])
    box = Box.uniform(-size, size, 2)
    found = count_regions(Problem.of(network, box), CountSettings(EngineSettings(engine)))
    assert found.complete
    assert found.regions.lower == len(exact_regions(network, box))
    assert found.decisions["slivers"] > 0


@pytest.mark.parametrize("engine", ["cells", "tree"])
def test_no_biases_look_the_same_at_any_size(engine: str) -> None:
    network = random_network(np.random.default_rng(4), 2, [8, 8])
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


def test_what_is_too_much_work_is_a_bracket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpwl_milp.engines.exact.settler.Settler._by_pivots", _gives_up)
    # Two lines 1e-15 apart.
    network = one_layer([[1.0, 0.5], [1.0, 0.5]], [0.0, 1e-15])
    found = count_regions(
        Problem.of(network, Box.uniform(-1, 1, 2)), CountSettings(EngineSettings("tree"))
    )
    assert not found.complete
    assert "could not be settled" in found.reason
    assert found.regions.lower <= 3 <= (found.regions.upper or 3)


def _gives_up(*_: object) -> None:
    raise EffortExceededError
