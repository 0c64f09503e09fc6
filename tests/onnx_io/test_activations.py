"""Values of layers through onnxruntime, for networks of any activation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cpwl_milp.core.errors import DataError, InputError, ModelError
from cpwl_milp.onnx_io import load_model
from cpwl_milp.onnx_io.activations import load_activations
from tests.cli.command import two_inputs
from tests.models.manifest import MODELS
from tests.onnx_io.graphs import model, node, save, value

SZT = MODELS / "szt"


def test_a_tanh_network() -> None:
    loaded = load_activations(SZT / "szt_tanh_epoch_0400.onnx")
    assert [layer.operator for layer in loaded.layers] == ["Tanh"] * 5 + ["output"]
    x = np.load(SZT / "szt_x.npy")
    values = loaded.values(x)
    assert [part.shape for part in values] == [(4096, k) for k in (10, 7, 5, 4, 3, 2)]
    current = x.astype(np.float64)
    for stage, expected in zip(loaded.stages(x), values, strict=True):
        current = stage(current)
        assert np.allclose(current, expected, atol=1e-6)


def test_a_relu_network_agrees_with_its_import() -> None:
    path = SZT / "szt_relu_epoch_0400.onnx"
    x = np.load(SZT / "szt_x.npy")[::50].astype(np.float64)
    values = load_activations(path).values(x)
    network = load_model(path).network
    for part, z in zip(values, network.pre_activations(x), strict=False):
        assert np.allclose(part, np.maximum(z, 0), atol=1e-5)
    assert np.allclose(values[-1], network(x), atol=1e-4)


def test_convolutions_and_a_batch_of_one(shared_models: Path) -> None:
    path = MODELS / "digits" / "digits_conv_epoch_0010.onnx"
    x = np.load(MODELS / "digits" / "digits_test_x.npy")[:20]
    loaded = load_activations(path)
    x = x.reshape(len(x), -1)
    values = loaded.values(x)
    assert all(len(part) == 20 for part in values)
    current = x.astype(np.float64)
    for stage, expected in zip(loaded.stages(x), values, strict=True):
        current = stage(current)
        assert np.allclose(current, expected, atol=1e-5)


def skipping(folder: Path) -> Path:
    weights = np.random.default_rng(0).normal(size=(2, 2)).astype(np.float32)
    graph = model(
        [
            node("MatMul", ["x", "w"], ["a"]),
            node("Sigmoid", ["a"], ["b"]),
            node("Add", ["b", "x"], ["c"]),
            node("Tanh", ["c"], ["y"]),
        ],
        [value("x", ["batch", 2])],
        [value("y", None)],
        {"w": weights},
    )
    return save(graph, folder, "skipping.onnx")


def test_a_skip_connection_has_values_but_no_stages(tmp_path: Path) -> None:
    loaded = load_activations(skipping(tmp_path))
    # The output is written by Tanh: it is not counted twice.
    assert [layer.operator for layer in loaded.layers] == ["Sigmoid", "Tanh"]
    x = np.array([[0.5, -1.0], [2.0, 0.0]])
    assert loaded.values(x)[1].shape == (2, 2)
    with pytest.raises(ModelError, match="more than b"):
        loaded.stages(x)
    with pytest.raises(DataError, match="shape"):
        loaded.values(np.zeros((3, 5)))


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        load_activations(tmp_path / "absent.onnx")


def test_options_choose_what_is_read(tmp_path: Path) -> None:
    """An input fixed, an output cut: the same layers as the import with the same options has."""
    path = two_inputs(tmp_path)
    with pytest.raises(ModelError, match="2 inputs that vary: a, b"):
        load_activations(path)
    options = {"fixed_inputs": {"b": np.array([[0.7]])}, "outputs": ("p",), "strip_output": True}
    loaded = load_activations(path, **options)
    assert loaded.input_shape == (2,)
    assert [layer.name for layer in loaded.layers] == ["h", "y"]
    x = np.random.default_rng(1).normal(size=(7, 2))
    hidden, outputs = loaded.values(x)
    network = load_model(path, **options).network
    assert np.allclose(hidden, np.maximum(network.pre_activations(x)[0], 0), atol=1e-5)
    assert np.allclose(outputs, network(x), atol=1e-5)
    # What does not lead to the output is no layer.
    assert [
        k.name
        for k in load_activations(path, fixed_inputs=options["fixed_inputs"], outputs=("h",)).layers
    ] == ["h"]
    whole = load_activations(path, fixed_inputs=options["fixed_inputs"], outputs=("p",))
    assert whole.values(x)[-1].sum(axis=1) == pytest.approx(np.ones(7), abs=1e-5)
    with pytest.raises(InputError, match="no such input"):
        load_activations(path, inputs=("c",))
    with pytest.raises(InputError, match="no such free dimension"):
        load_activations(path, dims={"width": 3}, fixed_inputs=options["fixed_inputs"])


def test_a_free_dimension_is_given(tmp_path: Path) -> None:
    graph = model(
        [node("ReduceMean", ["x"], ["m"], axes=[2], keepdims=0), node("Tanh", ["m"], ["y"])],
        [value("x", ["batch", 3, "steps"])],
        [value("y", None)],
        {},
        opset=13,
    )
    path = save(graph, tmp_path)
    with pytest.raises(ModelError, match="steps"):
        load_activations(path)
    loaded = load_activations(path, dims={"steps": 4})
    assert loaded.n_inputs == 12
    x = np.random.default_rng(0).normal(size=(5, 12))
    expected = np.tanh(x.reshape(5, 3, 4).mean(axis=2))
    assert np.allclose(loaded.values(x)[0], expected, atol=1e-6)
