"""Linear terms against maps composed forward, finite differences and onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.errors import CheckFailedError, DataError
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import unpack
from cpwl_milp.onnx_io import load_model
from cpwl_milp.terms import linear
from cpwl_milp.terms.checks import TOLERANCE, Check, linear_deviation
from cpwl_milp.terms.linear import linear_term_blocks, linear_terms
from tests.models.manifest import MODELS
from tests.networks import degenerate_network, mlp
from tests.terms.networks import made_dense, map_of_pattern, mixed_network

PUBLIC = (
    "conv/maxpool/Convnet_maxpool.onnx",
    "conv/maxpool/conv_mp1.onnx",
    "conv/maxpool/qonnx_mnist-conv.onnx",
    "conv/verivital/Convnet_avgpool.onnx",
    "conv/oval21/cifar_base_kw.onnx",
    "conv/oval21/cifar_deep_kw.onnx",
    "conv/marabou/cifar10_small.onnx",
    "conv/collins/NN_rul_small_window_20.onnx",
    "residual/cifar10_resnet/resnet_2b.onnx",
    "medium/mnist_fc/mnist-net_256x2.onnx",
    "medium/mnist_fc/mnist-net_256x4.onnx",
    "medium/dnnv/mnist_relu_3_50.onnx",
    "medium/nn4sys/pensieve_small_simple.onnx",
    "medium/linearizenn/AllInOne_10_10.onnx",
    "medium/tll/tllBench_n=2_N=M=16_m=1_instance_1_0.onnx",
    "small/acasxu/ACASXU_run2a_1_1_batch_2000.onnx",
    "small/marabou/traffic-classifier64.onnx",
    "layer_zoo/maxpool.onnx",
    "layer_zoo/leakyRelu.onnx",
    "layer_zoo/transpose.onnx",
)
SHIPPED = (
    "digits/digits_dense_epoch_0100.onnx",
    "digits/digits_conv_epoch_0100.onnx",
    "moons/moons_torch_epoch_0100.onnx",
    "szt/szt_relu_epoch_0400.onnx",
    "public/traffic-classifier64.onnx",
    "public/mnist2x10.onnx",
    "public/convx1_gemmx1.onnx",
)


@given(st.integers(0, 10**6), st.booleans(), st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_terms_are_the_maps_composed_forward(seed: int, sparse: bool, depth: int) -> None:
    rng = np.random.default_rng(seed)
    widths = rng.integers(1, 9, depth).tolist()
    network = mixed_network(rng, int(rng.integers(1, 6)), widths, 3, sparse=sparse)
    points = rng.normal(size=(7, network.n_inputs))
    found = linear_terms(network, points)
    for k, x in enumerate(points):
        weight, bias = map_of_pattern(network, x)
        np.testing.assert_allclose(found.coefficients[k], weight, rtol=1e-10, atol=1e-11)
        np.testing.assert_allclose(found.bias[k], bias, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(found.outputs, network(points), rtol=1e-10, atol=1e-11)
    np.testing.assert_array_equal(
        unpack(found.patterns, network.n_units)[:, : network.n_units], network.bits(points)
    )
    assert linear_deviation(found, points).max() < 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_sparse_and_dense_maps_give_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = mixed_network(rng, 6, [20, 15, 15, 10], 4, sparse=True)
    points = rng.normal(size=(30, 6))
    found, expected = linear_terms(network, points), linear_terms(made_dense(network), points)
    np.testing.assert_allclose(found.coefficients, expected.coefficients, atol=1e-12)
    np.testing.assert_allclose(found.bias, expected.bias, atol=1e-12)


def test_blocks_do_not_change_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    network = mixed_network(rng, 5, [12, 12, 12], 3, sparse=True)
    points = rng.normal(size=(50, 5))
    whole = linear_terms(network, points)
    monkeypatch.setattr(linear, "_BLOCK_ENTRIES", 12 * 3 * 7)
    rows = [rows for rows, _ in linear_term_blocks(network, points)]
    assert [row.stop - row.start for row in rows] == [7] * 7 + [1]
    pieces = linear_terms(network, points)
    # Another block is another matrix product, which may round otherwise.
    np.testing.assert_allclose(pieces.coefficients, whole.coefficients, atol=1e-13)
    np.testing.assert_array_equal(pieces.patterns, whole.patterns)


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_finite_differences_inside_a_cell(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = degenerate_network(rng, 3, [6, 5], 2)
    points = rng.normal(size=(4, 3))
    terms = linear_terms(network, points)
    step = 1e-4
    for axis in range(3):
        moved = points + step * np.eye(3)[axis]
        same = (network.bits(moved) == network.bits(points)).all(axis=1)
        slope = (network(moved) - network(points)) / step
        np.testing.assert_allclose(terms.coefficients[same][:, :, axis], slope[same], atol=1e-8)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks_against_onnxruntime(name: str) -> None:
    _against_onnxruntime(MODELS / name)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_networks_against_onnxruntime(name: str, shared_models: Path) -> None:
    _against_onnxruntime(shared_models / name)


def _against_onnxruntime(path: Path) -> None:
    """Slopes between two points of one cell, by onnxruntime; and the term's own value."""
    model = load_model(path)
    network, run = model.network, model.referee
    rng = np.random.default_rng(0)
    points = rng.random((4, network.n_inputs)).astype(np.float32).astype(np.float64)
    terms = linear_terms(network, points)
    assert linear_deviation(terms, points).max() < TOLERANCE
    directions = rng.normal(size=points.shape)
    checked = 0
    for k, (x, v) in enumerate(zip(points, directions, strict=True)):
        bits = network.bits(x[None])
        for step in 2.0 ** -np.arange(4, 16):
            ends = np.stack([x, x + step * v]).astype(np.float32).astype(np.float64)
            if np.array_equal(network.bits(ends[1:]), bits):
                change = run(ends)[1] - run(ends)[0]
                expected = terms.coefficients[k] @ (ends[1] - ends[0])
                noise = 2e-6 * max(1.0, float(np.abs(run(ends)).max()))
                np.testing.assert_allclose(expected, change, rtol=1e-3, atol=10 * noise)
                checked += 1
                break
    assert checked


def test_a_point_on_a_boundary_is_off() -> None:
    # |x| as two units and max(x, 0) - all zero at x = 0, so all off there.
    network = mlp(([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.5]))
    terms = linear_terms(network, np.array([[0.0], [1.0], [-2.0]]))
    np.testing.assert_array_equal(terms.coefficients.ravel(), [0.0, 1.0, -1.0])
    np.testing.assert_array_equal(terms.bias.ravel(), [0.5, 0.5, 0.5])
    np.testing.assert_array_equal(terms.on_boundary, [True, False, False])
    leaky = mlp(([[1.0]], [0.0]), ([[2.0]], [0.0]), slope=0.25)
    assert linear_terms(leaky, np.zeros((1, 1))).coefficients.item() == 0.5


def test_no_hidden_layer_and_a_constant_network() -> None:
    affine = Network((), Affine(np.array([[1.0, 2.0]]), np.array([3.0])))
    terms = linear_terms(affine, np.ones((2, 2)))
    np.testing.assert_array_equal(terms.coefficients, [[[1.0, 2.0]]] * 2)
    constant = Network(
        (Layer(Affine(np.zeros((3, 2)), np.full(3, -1.0)), np.zeros(3)),),
        Affine(np.ones((2, 3)), np.array([1.0, 1.0])),
    )
    terms = linear_terms(constant, np.ones((4, 2)))
    assert not terms.coefficients.any()
    # Equal outputs: the first is the class.
    np.testing.assert_array_equal(terms.labels, 0)
    assert linear_deviation(terms, np.ones((4, 2))).max() == 0


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((3, 4)), "shape (3, 4); expected (n, 2)"),
        (np.zeros(2), "shape (2,)"),
        (np.zeros((0, 2)), "no rows"),
        (np.array([[0.0, 1.0], [np.nan, 0.0]]), "row 1: NaN"),
        (np.array([[np.inf, 1.0]]), "row 0: NaN or infinite"),
    ],
)
def test_points_that_cannot_be_used(points: np.ndarray, message: str) -> None:
    network = mlp(([[1.0, 0.0]], [0.0]), ([[1.0]], [0.0]))
    with pytest.raises(DataError) as error:
        linear_terms(network, points)
    assert message in str(error.value)


def test_a_failing_check_says_where() -> None:
    check = Check("linear term = f", 1e-9)
    check.take(np.array([1e-12, 0.0]))
    with pytest.raises(CheckFailedError, match=r"point 12: a deviation of 0\.5"):
        check.take(np.array([0.0, 0.0, 0.5]), first_row=10)
    with pytest.raises(CheckFailedError, match="nan"):
        check.take(np.array([np.nan, 0.0]))


def test_a_wrong_term_does_not_pass() -> None:
    rng = np.random.default_rng(0)
    network = degenerate_network(rng, 3, [6, 5], 2)
    points = rng.normal(size=(4, 3))
    terms = linear_terms(network, points)
    terms.coefficients[2, 1, 0] += 1e-6
    assert np.flatnonzero(linear_deviation(terms, points) > TOLERANCE).tolist() == [2]
