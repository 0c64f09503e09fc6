"""The shipped networks import, agree with onnxruntime, and have the listed sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cpwl_milp.core.errors import UnsupportedOperatorError
from cpwl_milp.onnx_io import check_agreement, load_model
from tests.models.manifest import MODELS, load, piecewise_linear_models, smooth_models


@pytest.mark.parametrize("entry", piecewise_linear_models(), ids=lambda entry: entry["file"])
def test_imports_and_agrees_with_onnxruntime(entry: dict[str, Any]) -> None:
    model = load(entry)
    check_agreement(model, None)
    assert model.sha256 == entry["sha256"]
    assert model.network.n_inputs == entry["inputs"]
    assert model.network.n_outputs == entry["outputs"]
    assert list(model.network.widths) == entry["hidden_units"]


@pytest.mark.parametrize(
    "entry",
    [*smooth_models(), *(e for e in piecewise_linear_models() if "strip_output" in e)],
    ids=lambda entry: entry["file"],
)
def test_what_is_not_piecewise_linear_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedOperatorError, match=r"Tanh|Sigmoid"):
        load_model(MODELS / entry["file"])


@pytest.mark.parametrize(
    "entry",
    [e for e in piecewise_linear_models() if "data" in e],
    ids=lambda entry: entry["file"],
)
def test_agrees_with_onnxruntime_on_its_data(entry: dict[str, Any]) -> None:
    model = load(entry)
    x = np.load(MODELS / entry["data"]).astype(np.float64)
    outputs = model.run(x)
    np.testing.assert_allclose(model.network(x), outputs, rtol=0, atol=1e-5 * np.abs(outputs).max())


@pytest.mark.parametrize(
    ("file", "accuracy"),
    [
        ("moons/moons_torch_epoch_0100.onnx", 0.97),
        ("digits/digits_dense_epoch_0100.onnx", 0.97),
        ("digits/digits_conv_epoch_0100.onnx", 0.97),
        ("szt/szt_relu_epoch_0400.onnx", 0.96),
    ],
)
def test_trained_networks_know_their_labels(file: str, accuracy: float) -> None:
    entry = next(entry for entry in piecewise_linear_models() if entry["file"] == file)
    x = np.load(MODELS / entry["data"]).astype(np.float64)
    labels = np.load(MODELS / entry["labels"])
    outputs = load(entry).network(x)
    assert (outputs.argmax(axis=1) == labels).mean() >= accuracy
