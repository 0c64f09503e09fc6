"""Samples to own and prefix patterns."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import DataError
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import pack, unpack
from cpwl_milp.partition import samples as module
from cpwl_milp.partition.samples import prefix_of, sample_patterns
from tests.networks import degenerate_network, mlp, random_network


@pytest.mark.parametrize("seed", range(8))
def test_ids_group_samples_by_their_bits(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Blocks of 64 rows, so that patterns must be matched across blocks.
    monkeypatch.setattr(module, "_BLOCK_ENTRIES", 1)
    rng = np.random.default_rng(seed)
    network = degenerate_network(rng, 3, [9, 4, 11])
    x = rng.uniform(-1, 1, (500, 3))
    found = sample_patterns(network, x)
    bits = network.bits(x)
    assert found.n_samples == 500
    assert found.n_units == 24
    for index, layer in enumerate(found.layers):
        for bins, part in (
            (layer.own, bits[:, network.layer_bits(index)]),
            (layer.prefix, bits[:, : network.offsets[index + 1]]),
        ):
            rows, ids, counts = np.unique(part, axis=0, return_inverse=True, return_counts=True)
            assert len(bins) == len(rows)
            assert len(np.unique(np.stack([bins.ids, ids.ravel()]), axis=1).T) == len(rows)
            assert np.array_equal(bins.counts[bins.ids], counts[ids.ravel()])
        own = unpack(layer.own_patterns, layer.width)
        assert np.array_equal(own[layer.own.ids], bits[:, network.layer_bits(index)])
        packed = found.prefix_patterns(index)
        assert np.array_equal(packed[layer.prefix.ids], pack(bits[:, : network.offsets[index + 1]]))
        part = found.prefix_patterns(index, slice(1, 3))
        assert np.array_equal(part, packed[1:3])


def test_sparse_layers_and_pass_on_units() -> None:
    rng = np.random.default_rng(1)
    dense = rng.normal(size=(6, 4)) * (rng.random((6, 4)) < 0.5)
    slope = np.array([0.0, 1.0, 0.1, 1.0, 0.0, -1.0])
    bias = rng.normal(size=6)
    out = Affine(rng.normal(size=(1, 6)), np.zeros(1))
    x = rng.normal(size=(300, 4))
    found = [
        sample_patterns(Network((Layer(Affine(w, bias), slope),), out), x)
        for w in (dense, sp.csr_array(dense))
    ]
    assert found[0].layers[0].width == 4
    assert np.array_equal(found[0].layers[0].own.ids, found[1].layers[0].own.ids)
    assert np.array_equal(found[0].layers[0].own_patterns, found[1].layers[0].own_patterns)


def test_near_zero_and_float32() -> None:
    # z = x - 1/3: float32 cannot hold 1/3, so 1/3 itself changes sides or ties.
    third = 1 / 3
    network = mlp(([[1.0]], [-third]), ([[1.0]], [0.0]))
    x = np.array([[third], [np.nextafter(third, 1)], [third + 1e-12], [third + 1e-5], [0.0], [1.0]])
    found = sample_patterns(network, x)
    assert found.near_zero.tolist() == [True, True, True, False, False, False]
    single = (x.astype(np.float32) + np.float32(-third)) > 0
    assert found.float32_differs.tolist() == (single[:, 0] != (x[:, 0] - third > 0)).tolist()
    assert found.float32_differs.any()
    assert found.describe() == {
        "n_samples": 6,
        "outside_domain": 0,
        "near_zero": 3,
        "float32_bits_differ": int(found.float32_differs.sum()),
    }


def test_units_that_are_zero_by_construction_are_not_near_zero() -> None:
    # Unit 2 of layer 1 has no weights; layer 2 sees exact zeros where layer 1 is off.
    network = mlp(([[1.0], [0.0]], [-1.0, 0.0]), ([[1.0, 1.0]], [0.0]), ([[1.0]], [0.0]))
    found = sample_patterns(network, np.array([[0.0], [0.5], [3.0], [1.0]]))
    assert found.near_zero.tolist() == [False, False, False, True]
    # A zero input on a zero bias is a tie, though nothing is computed.
    flat = mlp(([[1.0]], [0.0]), ([[1.0]], [0.0]))
    assert sample_patterns(flat, np.zeros((1, 1))).near_zero.all()


def test_outside_the_domain() -> None:
    network = random_network(np.random.default_rng(0), 2, [3])
    x = np.array([[0.5, 0.5], [1.0, 0.0], [1.5, 0.5], [0.5, -0.1]])
    found = sample_patterns(network, x, Box.uniform(0, 1, 2))
    assert found.outside.tolist() == [False, False, True, True]


def test_any_real_dtype_and_memory_maps(tmp_path: pytest.TempPathFactory) -> None:
    network = random_network(np.random.default_rng(0), 3, [5, 4])
    x = np.random.default_rng(1).integers(-3, 4, (200, 3))
    expected = sample_patterns(network, x.astype(float)).layers[-1].prefix.ids
    for dtype in (np.int8, np.float16, np.float32):
        found = sample_patterns(network, x.astype(dtype)).layers[-1].prefix.ids
        assert np.array_equal(found, expected)


def test_networks_without_units() -> None:
    found = sample_patterns(mlp(([[1.0, 1.0]], [0.0])), np.zeros((4, 2)))
    assert found.layers == ()
    assert found.n_units == 0


def test_refuses_what_does_not_fit() -> None:
    network = random_network(np.random.default_rng(0), 3, [2])
    for bad in (np.zeros((4, 2)), np.zeros(3), np.zeros((2, 3, 1)), np.zeros((0, 3))):
        with pytest.raises(DataError):
            sample_patterns(network, bad)
    with pytest.raises(DataError, match="domain"):
        sample_patterns(network, np.zeros((4, 3)), Box.uniform(0, 1, 2))


@pytest.mark.parametrize(("units", "prefix"), [(20, 7), (20, 8), (20, 9), (20, 20), (8, 8), (5, 0)])
def test_prefix_of_packed_patterns(units: int, prefix: int) -> None:
    bits = np.random.default_rng(units).random((50, units)) < 0.5
    assert np.array_equal(prefix_of(pack(bits), units, prefix), pack(bits[:, :prefix]))
