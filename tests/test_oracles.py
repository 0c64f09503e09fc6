"""The oracle against closed forms, published tables and dense sampling."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import pack
from tests import definitions
from tests.networks import degenerate_network, mlp, random_network
from tests.oracles import OracleDoubtError, facet_walk_regions, own_patterns, prefix_patterns


def moment_curve(d: int, n: int) -> Network:
    """One layer in general position: rows [1, t, .., t^(d-1)], bias t^d."""
    t = np.linspace(-1.0, 1.0, n)
    weight = t[:, None] ** np.arange(d)
    return mlp((weight.tolist(), (t**d).tolist()), ([[1.0] * n], [0.0]))


@pytest.mark.parametrize(("d", "n"), [(1, 5), (2, 4), (2, 6), (3, 5)])
def test_one_layer_in_general_position_is_zaslavsky(d: int, n: int) -> None:
    expected = sum(comb(n, j) for j in range(d + 1))
    assert len(facet_walk_regions(moment_curve(d, n), Box.uniform(-50, 50, d))) == expected


@pytest.mark.parametrize("case", definitions.CASES, ids=lambda case: case.name)
def test_definitions_table(case: definitions.Case) -> None:
    box = Box.uniform(-2, 2, case.network.n_inputs)
    assert len(facet_walk_regions(case.network, box)) == case.proper


@pytest.mark.parametrize("seed", range(30))
def test_every_sampled_pattern_is_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    make = degenerate_network if seed % 2 else random_network
    network = make(rng, int(rng.integers(1, 4)), rng.integers(1, 6, rng.integers(1, 4)).tolist())
    box = Box.uniform(-1, 1, network.n_inputs)
    try:
        found = facet_walk_regions(network, box)
    except OracleDoubtError:
        pytest.skip("too close to degenerate for the oracle")
    x = box.sample(20_000, rng)
    clear = np.ones(len(x), dtype=np.bool_)
    for layer, z in zip(network.layers, network.pre_activations(x), strict=True):
        near = np.abs(z[:, layer.units]) < 1e-12
        clear &= ~(near & (z[:, layer.units] != 0)).any(axis=1)
    sampled = {row.tobytes() for row in pack(network.bits(x[clear]))}
    assert sampled <= found
    for layer in range(len(network.layers)):
        assert len(own_patterns(network, found, layer)) <= len(found)
    assert prefix_patterns(network, found, len(network.layers)) == found
