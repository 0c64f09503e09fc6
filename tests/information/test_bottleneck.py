"""Ranks, growth and the functional quotient on networks where they are known."""

from __future__ import annotations

import numpy as np
import pytest

from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.information.bottleneck import LayerBottleneck, bottlenecks, box_of
from cpwl_milp.information.labels import as_labels
from cpwl_milp.partition.samples import sample_patterns
from tests.definitions import tent
from tests.networks import mlp, random_network


def looked_at(network: Network, x: np.ndarray) -> tuple[LayerBottleneck, ...]:
    return bottlenecks(network, sample_patterns(network, x), box_of(x), n_permutations=5)


def test_a_narrow_layer_cuts_the_rank() -> None:
    rng = np.random.default_rng(0)
    network = random_network(rng, 6, [12, 2, 12])
    x = rng.normal(size=(2000, 6))
    first, narrow, last = looked_at(network, x)
    assert first.rank_largest == 6
    assert narrow.rank_largest == last.rank_largest == 2
    assert first.growth == len(np.unique(network.bits(x)[:, :12], axis=0))
    assert last.growth >= 1
    # The rank of a region is at most the number of active units.
    for k, layer in enumerate((first, narrow, last)):
        active = network.bits(x)[:, network.layer_bits(k)].sum(axis=1)
        assert layer.rank_mean <= np.minimum(active, 6).mean() + 1e-12
        assert layer.rank_least <= active.min()


def test_functional_regions_merge_what_is_one_map() -> None:
    # |x| in two units, then a layer that is off throughout: two regions before, one map after.
    network = mlp(([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [-10.0]), ([[1.0]], [0.0]))
    x = np.linspace(-1, 1, 101)[:, None]
    first, dead = looked_at(network, x[x[:, 0] != 0])
    assert (first.functional.regions_seen, first.rank_least) == (2, 1)
    assert (dead.functional.regions_seen, dead.rank_largest) == (1, 0)
    assert dead.growth == 1
    assert dead.functional.entropy_bits["plugin"] == 0


def test_functional_information_is_at_most_that_of_regions() -> None:
    network = tent(3)
    x = (np.arange(800)[:, None] + 0.5) / 800
    labels = as_labels((x[:, 0] > 0.4).astype(int), 800)
    samples = sample_patterns(network, x)
    found = bottlenecks(network, samples, Box.uniform(0, 1, 1), labels, n_permutations=5)
    for k, layer in enumerate(found):
        assert layer.functional.regions_seen <= len(samples.layers[k].prefix)
        assert layer.functional.labels is not None
    # Each piece of the tent's graph is a map of its own.
    assert [layer.functional.regions_seen for layer in found] == [2, 4, 8]


def test_what_does_not_vary_does_not_count() -> None:
    network = mlp(([[1.0, 5.0]], [0.0]), ([[1.0]], [0.0]))
    x = np.column_stack([np.linspace(0.1, 1, 20), np.zeros(20)])
    assert box_of(x).half_widths[1] == 0
    assert looked_at(network, x)[0].rank_largest == 1
    x[:, 0] = 0.5
    assert looked_at(network, x)[0].rank_largest == 0


@pytest.mark.parametrize("population", [True, False])
def test_json(population: bool) -> None:
    network = random_network(np.random.default_rng(0), 2, [3])
    x = np.random.default_rng(1).normal(size=(100, 2))
    (layer,) = bottlenecks(network, sample_patterns(network, x), box_of(x), population=population)
    assert set(layer.as_json()) == {"growth", "rank", "functional"}
