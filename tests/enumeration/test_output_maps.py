from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.cell import Cell
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import pack
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.enumeration import output_maps
from cpwl_milp.enumeration.output_maps import OutputMapsOf
from tests.networks import degenerate_network


def with_skips(network: Network, rng: np.random.Generator) -> Network:
    """The same with some units that pass their value on."""
    layers = []
    for layer in network.layers:
        slope = np.where(rng.random(layer.slope.size) < 0.3, 1.0, layer.slope)
        layers.append(Layer(layer.affine, slope))
    return Network(tuple(layers), network.output)


@pytest.mark.parametrize("seed", range(12))
def test_maps_are_those_of_the_cells(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    monkeypatch.setattr(output_maps, "_BLOCK_NUMBERS", 100)  # several blocks
    network = with_skips(degenerate_network(rng, 3, (5, 4, 6)[: seed % 4], 2), rng)
    bits = rng.random((17, network.n_units)) < 0.5
    found = OutputMapsOf(network)(RegionBatch(pack(bits), np.zeros((0, 3)), np.zeros(0)))
    assert found.coefficients.shape == (17, 2, 3)
    for k in range(17):
        cell = Cell.of(network, bits[k]).output
        np.testing.assert_allclose(found.coefficients[k], cell.dense(), atol=1e-12)
        np.testing.assert_allclose(found.bias[k], cell.bias, atol=1e-12)


def test_sparse_weights_and_real_points() -> None:
    rng = np.random.default_rng(0)
    wide = np.zeros((400, 300))
    wide[np.arange(400), rng.integers(0, 300, 400)] = rng.normal(size=400)
    first = Affine(rng.normal(size=(300, 2)), rng.normal(size=300))
    middle = Affine(sp.csr_array(wide), rng.normal(size=400))
    network = Network(
        (Layer(first, np.zeros(300)), Layer(middle, np.full(400, 0.1))),
        Affine(rng.normal(size=(3, 400)) / 20, rng.normal(size=3)),
    )
    x = rng.normal(size=(9, 2))
    maps = OutputMapsOf(network)(RegionBatch(pack(network.bits(x)), x, np.zeros(0)))
    np.testing.assert_allclose(
        np.einsum("nod,nd->no", maps.coefficients, x) + maps.bias, network(x), atol=1e-10
    )
