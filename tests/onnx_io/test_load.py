"""Inputs, outputs, precision, stripping, and what the chain looks like."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import (
    CheckFailedError,
    InputError,
    ModelError,
    UnsupportedOperatorError,
)
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.onnx_io import ImportedModel, check_agreement, load_model
from tests.onnx_io.graphs import mlp, model, node, save, value

RNG = np.random.default_rng(5)


def test_an_mlp_becomes_the_chain_one_would_write(tmp_path: Path) -> None:
    built = mlp()
    imported = load_model(save(built, tmp_path))
    weights = {t.name: numpy_helper.to_array(t) for t in built.graph.initializer}
    network = imported.network
    assert network.widths == (8, 5)
    for k, layer in enumerate(network.layers):
        np.testing.assert_array_equal(layer.affine.dense(), weights[f"w{k}"].T)
        np.testing.assert_array_equal(layer.affine.bias, weights[f"b{k}"])
        assert not layer.slope.any()
    np.testing.assert_array_equal(network.output.dense(), weights["w2"].T)
    assert imported.inputs[0].shape == (1, 3)
    assert imported.operators == {"Gemm": 3, "Relu": 2}
    assert imported.notices == ()
    x = RNG.uniform(-1, 1, (7, 3))
    assert imported.run(x).shape == (7, 2)
    np.testing.assert_allclose(imported.run(x), network(x), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, "bfloat16"])
def test_precisions(dtype: Any, tmp_path: Path) -> None:
    if dtype == "bfloat16":
        import ml_dtypes

        dtype = ml_dtypes.bfloat16
    imported = load_model(save(mlp(dtype=dtype), tmp_path))
    half = np.dtype(dtype).itemsize == 2
    agreement = check_agreement(imported, Box.uniform(-2.0, 2.0, 3))
    assert agreement.max_relative < (1e-9 if dtype == np.float64 else 1e-5)
    assert any("half-precision" in n for n in imported.notices) == half
    x = RNG.uniform(-1, 1, (5, 3))
    np.testing.assert_allclose(imported.run(x), imported.network(x), atol=2e-2 if half else 1e-6)


def test_float64_without_a_kernel_is_checked_in_float32(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.normal(size=(3, 2, 2, 2)),
        "v": rng.normal(size=(3, 2)),
        "b": rng.normal(size=2),
    }
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("HardSigmoid", ["c"], ["h"], alpha=0.5),
        node("GlobalMaxPool", ["h"], ["g"]),
        node("Flatten", ["g"], ["f"]),
        node("Gemm", ["f", "v", "b"], ["z"]),
        node("LeakyRelu", ["z"], ["y"], alpha=0.25),
    ]
    double = TensorProto.DOUBLE
    built = model(
        nodes, [value("x", [1, 2, 4, 4], double)], [value("y", [1, 2], double)], constants
    )
    imported = load_model(save(built, tmp_path))
    assert any("in float64" in notice and "float32" in notice for notice in imported.notices)
    assert not imported.double
    assert 0 < check_agreement(imported, Box.uniform(-2.0, 2.0, 32)).max_relative < 1e-6
    # The weights are those of the file, not their float32 neighbours.
    assert np.isin(0.5 * constants["w"], imported.network.layers[0].affine.dense()).all()
    with pytest.raises(CheckFailedError):
        check_agreement(perturbed(imported, 0), None)
    constants["b"] = np.array([1e200, 1.0])
    built = model(
        nodes, [value("x", [1, 2, 4, 4], double)], [value("y", [1, 2], double)], constants
    )
    with pytest.raises(ModelError, match="'b': numbers beyond the range of float32"):
        load_model(save(built, tmp_path))


def test_an_old_opset_without_kernels_is_checked_by_the_reference(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.normal(size=(3, 4)).astype(np.float32),
        "b": rng.normal(size=4).astype(np.float32),
        "s": rng.uniform(0, 1, 4).astype(np.float32),
    }
    nodes = [
        node("Gemm", ["x", "w", "b"], ["z"], broadcast=1),
        node("PRelu", ["z", "s"], ["a"]),
        node("Add", ["a", "b"], ["y"], broadcast=1),
    ]
    imported = load_model(save(model(nodes, constants=constants, opset=6), tmp_path))
    assert any("reference evaluator" in notice for notice in imported.notices)
    assert check_agreement(imported, None).max_relative < 1e-6
    x = RNG.uniform(-1, 1, (5, 3))
    np.testing.assert_allclose(imported.run(x), imported.network(x), atol=1e-6)
    with pytest.raises(CheckFailedError, match="differs from onnx's reference evaluator"):
        check_agreement(perturbed(imported, 0), None)
    # How `axis` aligned shapes then, the reference does not know: nothing could be checked.
    nodes[2] = node("Add", ["a", "b"], ["y"], broadcast=1, axis=1)
    with pytest.raises(ModelError, match="onnxruntime refuses it"):
        load_model(save(model(nodes, constants=constants, opset=6), tmp_path))


def test_float32_inside_float64_is_judged_as_float32(tmp_path: Path) -> None:
    built = mlp()
    built.graph.node[0].input[0] = "x32"
    built.graph.node.insert(0, node("Cast", ["x"], ["x32"], to=TensorProto.FLOAT))
    built.graph.node[-1].output[0] = "y32"
    built.graph.node.append(node("Cast", ["y32"], ["y"], to=TensorProto.DOUBLE))
    for info in (built.graph.input[0], built.graph.output[0]):
        info.type.tensor_type.elem_type = TensorProto.DOUBLE
    imported = load_model(save(built, tmp_path))
    assert not imported.double
    assert 1e-9 < check_agreement(imported, None).max_relative < 1e-5


def perturbed(imported: ImportedModel, layer: int) -> ImportedModel:
    """The import with one weight of one map wrong by one per cent: the one that matters most."""
    maps = [layer_.affine for layer_ in imported.network.layers] + [imported.network.output]
    weight = maps[layer].dense().copy()
    x = np.random.default_rng(1).uniform(-1, 1, (32, imported.network.n_inputs))
    reads = np.abs(imported.network.truncated(layer)(x)).mean(axis=0)
    k = np.unravel_index((np.abs(weight) * reads).argmax(), weight.shape)
    weight[k] *= 1.01
    maps[layer] = Affine(weight, maps[layer].bias)
    layers = tuple(
        Layer(m, old.slope) for m, old in zip(maps[:-1], imported.network.layers, strict=True)
    )
    fields = {f: getattr(imported, f) for f in imported.__dataclass_fields__}
    return ImportedModel(**(fields | {"network": Network(layers, maps[-1])}))


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("sizes", [(3, 8, 5, 2), (20, 64, 64, 10)])
def test_a_wrong_import_is_caught(layer: int, sizes: tuple[int, ...], tmp_path: Path) -> None:
    imported = load_model(save(mlp(sizes=sizes), tmp_path))
    check_agreement(imported, None)
    with pytest.raises(CheckFailedError, match="differs from onnxruntime"):
        check_agreement(perturbed(imported, layer), None)


def test_a_wrong_import_of_a_public_network_is_caught(shared_models: Path) -> None:
    imported = load_model(shared_models / "medium/mnist_fc/mnist-net_256x2.onnx")
    for layer in range(3):
        with pytest.raises(CheckFailedError):
            check_agreement(perturbed(imported, layer), None)


def test_rounding_of_earlier_layers_is_no_disagreement(tmp_path: Path) -> None:
    # Terms of 500 cancel to 0.1 in the first layer: rounding there is 1e-3 of what the second
    # one reads, however exactly that one computes.
    constants = {
        "w": np.array([[997.3, 3.1], [-997.1, 2.7]], np.float32),
        "b": np.array([-0.1, -0.3], np.float32),
        "v": np.array([[1.3], [0.001]], np.float32),
    }
    nodes = [
        node("Gemm", ["x", "w", "b"], ["z"]),
        node("Relu", ["z"], ["a"]),
        node("MatMul", ["a", "v"], ["y"]),
    ]
    imported = load_model(save(model(nodes, [value("x", [1, 2])], constants=constants), tmp_path))
    narrow = Box.uniform(0.5, 0.5001, 2)
    x = imported.referee.rounded(narrow.sample(64, np.random.default_rng(0)))
    output = imported.network(x)
    assert np.abs(imported.run(x) - output).max() > 2e-5 * np.abs(output).max()
    assert check_agreement(imported, narrow).max_relative < 1e-6
    for layer in range(2):
        with pytest.raises(CheckFailedError):
            check_agreement(perturbed(imported, layer), narrow)


def test_inactive_public_layers_agree_within_rounding(shared_models: Path) -> None:
    # On [0, 1]^784 nearly all units of this network's first layer are off.
    imported = load_model(shared_models / "medium/mnist_fc/mnist-net_256x2.onnx")
    domain = Box.uniform(0.0, 1.0, 784)
    assert check_agreement(imported, domain).max_relative < 1e-5


def residual() -> onnx.ModelProto:
    """y = relu(relu(x A) B + x) C + x, and |x| beside it."""
    w = {k: RNG.normal(0, 1, (3, 3)).astype(np.float32) for k in "abc"}
    nodes = [
        node("MatMul", ["x", "a"], ["t0"]),
        node("Relu", ["t0"], ["t1"]),
        node("MatMul", ["t1", "b"], ["t2"]),
        node("Add", ["t2", "x"], ["t3"]),
        node("Relu", ["t3"], ["t4"]),
        node("MatMul", ["t4", "c"], ["t5"]),
        node("Add", ["t5", "x"], ["y"]),
        node("Slice", ["x", "from", "to", "axis"], ["part"]),
        node("Abs", ["part"], ["v"]),
    ]
    limits = {"from": [1], "to": [3], "axis": [1]}
    return model(nodes, outputs=[value("y", [1, 3]), value("v", [1, 2])], constants=w | limits)


def test_residuals_pass_on_only_what_is_needed(tmp_path: Path) -> None:
    imported = load_model(save(residual(), tmp_path))
    first, second = imported.network.layers
    # Relu (3), then Abs (2), then x itself, which both later sums need.
    assert list(first.slope) == [0, 0, 0, -1, -1, 1, 1, 1]
    # Relu, then x for the last sum and |x| for the output.
    assert sorted(second.slope) == [0, 0, 0, 1, 1, 1, 1, 1]
    assert imported.network.widths == (5, 3)
    assert imported.network.n_outputs == 5
    check_agreement(imported, Box.uniform(-3.0, 3.0, 3))


def test_outputs_can_be_chosen(tmp_path: Path) -> None:
    path = save(residual(), tmp_path)
    both = load_model(path)
    only = load_model(path, outputs=["v"])
    x = RNG.normal(0, 1, (4, 3))
    np.testing.assert_array_equal(only.network(x), both.network(x)[:, 3:])
    assert only.operators == {"Abs": 1, "Slice": 1}
    inner = load_model(path, outputs=["t4", "t2"])
    assert [o.name for o in inner.outputs] == ["t2", "t4"]
    check_agreement(inner, None)
    with pytest.raises(InputError, match="one of: y, v"):
        load_model(path, outputs=["z"])


def two_inputs() -> onnx.ModelProto:
    nodes = [node("Concat", ["p", "q"], ["t"], axis=1), node("Relu", ["t"], ["y"])]
    return model(nodes, [value("p", ["N", 2]), value("q", ["N", "k"])])


def test_inputs_are_joined_or_fixed(tmp_path: Path) -> None:
    path = save(two_inputs(), tmp_path)
    with pytest.raises(ModelError, match="--dim k=SIZE"):
        load_model(path)
    both = load_model(path, dims={"k": 3})
    assert [(i.name, i.shape) for i in both.inputs] == [("p", (1, 2)), ("q", (1, 3))]
    check_agreement(both, None)
    fixed = load_model(path, dims={"k": 3}, fixed_inputs={"q": np.array([1.0, -2.0, 3.0])})
    assert fixed.network.n_inputs == 2
    np.testing.assert_array_equal(fixed.network(np.array([[-1.0, 2.0]])), [[0, 2, 1, 0, 3]])
    check_agreement(fixed, None)
    batch = load_model(path, dims={"k": 3, "N": 2})
    assert batch.network.n_inputs == 10
    check_agreement(batch, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dims": {"k": 3, "zz": 1}}, "--dim zz"),
        ({"dims": {"k": 0}}, "positive"),
        ({"dims": {"k": 3}, "inputs": ["p"]}, "neither chosen nor fixed"),
        ({"dims": {"k": 3}, "inputs": ["zz"]}, "one of: p, q"),
        ({"dims": {"k": 3}, "fixed_inputs": {"q": np.ones(2)}}, "shape"),
        ({"dims": {"k": 3}, "fixed_inputs": {"q": np.full(3, np.nan)}}, "NaN"),
        ({"dims": {"k": 3}, "fixed_inputs": {"q": np.ones(3)}, "inputs": ["p", "q"]}, "both"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        load_model(save(two_inputs(), tmp_path), **options)


@pytest.mark.parametrize("head", ["Softmax", "LogSoftmax", "Sigmoid", "ArgMax"])
def test_final_heads(head: str, tmp_path: Path) -> None:
    built = mlp()
    built.graph.node.append(node(head, ["y"], ["p"]))
    dtype = TensorProto.INT64 if head == "ArgMax" else TensorProto.FLOAT
    built.graph.output[0].CopyFrom(value("p", None, dtype))
    path = save(built, tmp_path)
    with pytest.raises(UnsupportedOperatorError, match=f"{head}.*--strip-output"):
        load_model(path)
    imported = load_model(path, strip_output=True)
    assert imported.network.n_outputs == 2
    assert f"cut off {head}" in imported.notices[0]
    check_agreement(imported, None)


def test_a_label_head_is_cut_as_a_whole(tmp_path: Path) -> None:
    """What skl2onnx writes for a binary classifier: labels and both probabilities."""
    built = mlp(sizes=(3, 8, 1))
    one = numpy_helper.from_array(np.ones(1, np.float32), "one")
    classes = numpy_helper.from_array(np.array([0, 1]), "classes")
    built.graph.initializer.extend([one, classes])
    built.graph.node.extend(
        [
            node("Sigmoid", ["y"], ["p"]),
            node("Sub", ["one", "p"], ["q"]),
            node("Concat", ["q", "p"], ["probabilities"], axis=1),
            node("ArgMax", ["probabilities"], ["best"], axis=1),
            node("ArrayFeatureExtractor", ["classes", "best"], ["label"], domain="ai.onnx.ml"),
        ]
    )
    built.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    del built.graph.output[:]
    built.graph.output.extend(
        [value("label", None, TensorProto.INT64), value("probabilities", None)]
    )
    path = save(built, tmp_path)
    with pytest.raises(UnsupportedOperatorError, match="--strip-output"):
        load_model(path)
    imported = load_model(path, strip_output=True)
    assert [o.name for o in imported.outputs] == ["y"]
    assert len(imported.notices) == 2
    check_agreement(imported, None)


def test_a_sigmoid_inside_is_not_cut(tmp_path: Path) -> None:
    nodes = [node("Sigmoid", ["x"], ["t"]), node("Relu", ["t"], ["y"])]
    with pytest.raises(UnsupportedOperatorError, match="Sigmoid") as caught:
        load_model(save(model(nodes), tmp_path), strip_output=True)
    assert "strip" not in str(caught.value)


def loaded(nodes: list[Any], shape: list[int], folder: Path, **constants: Any) -> ImportedModel:
    imported = load_model(save(model(nodes, [value("x", shape)], constants=constants), folder))
    check_agreement(imported, Box.uniform(-3.0, 3.0, int(np.prod(shape))))
    return imported


def single(op: str, folder: Path, shape: list[int] | None = None, **attributes: Any) -> Network:
    return loaded([node(op, ["x"], ["y"], **attributes)], shape or [1, 3], folder).network


def test_slopes_and_units(tmp_path: Path) -> None:
    assert list(single("Abs", tmp_path).layers[0].slope) == [-1, -1, -1]
    assert list(single("LeakyRelu", tmp_path, alpha=2.0).layers[0].slope) == [2, 2, 2]
    assert single("LeakyRelu", tmp_path, alpha=1.0).widths == ()
    assert single("ThresholdedRelu", tmp_path, alpha=0.0).widths == (3,)
    assert single("Shrink", tmp_path, bias=0.5, lambd=0.5).widths == (6,)
    assert single("HardSigmoid", tmp_path).widths == (6,)
    slopes = np.array([0.5, 1.0, -2.0], np.float32)
    prelu = loaded([node("PRelu", ["x", "s"], ["y"])], [1, 3], tmp_path, s=slopes).network
    assert prelu.widths == (2,)
    # A max pool of k entries takes k - 1 units, in rounds.
    assert single("GlobalMaxPool", tmp_path, [1, 1, 5]).widths == (2, 1, 1)


@pytest.mark.parametrize("op", ["Max", "Min"])
def test_bits_of_a_comparison_with_a_constant(op: str, tmp_path: Path) -> None:
    c = np.array([0.5, -1.0, 0.0], np.float32)
    network = loaded([node(op, ["x", "c"], ["y"])], [1, 3], tmp_path, c=c).network
    x = RNG.uniform(-2, 2, (50, 3))
    above = x > c if op == "Max" else x < c
    np.testing.assert_array_equal(network.bits(x), above)


@pytest.mark.parametrize(
    ("low", "high", "units"),
    [(0.0, 6.0, 6), (-1.0, None, 3), (None, 1.0, 3), (2.0, 1.0, 0), (None, 3.4028235e38, 0),
     (-np.inf, np.inf, 0)],
)  # fmt: skip
def test_clip(low: float | None, high: float | None, units: int, tmp_path: Path) -> None:
    names = ["x", "lo" if low is not None else "", "hi" if high is not None else ""]
    limits = {"lo": low, "hi": high}
    constants = {k: np.float32(v) for k, v in limits.items() if v is not None}
    network = loaded([node("Clip", names, ["y"])], [1, 3], tmp_path, **constants).network
    assert network.n_units == units


def test_constant_branches_fold(tmp_path: Path) -> None:
    """A convolution of constants is a constant, and may scale the input."""
    image, kernel = RNG.normal(0, 1, (1, 1, 3, 3)), RNG.normal(0, 1, (1, 1, 3, 3))
    nodes = [node("Conv", ["i", "k"], ["c"]), node("Mul", ["x", "c"], ["y"])]
    constants = {"i": image.astype(np.float32), "k": kernel.astype(np.float32)}
    network = loaded(nodes, [1, 1, 1, 2], tmp_path, **constants).network
    np.testing.assert_allclose(
        network.output.dense(), np.eye(2) * (image * kernel).sum(), rtol=1e-5
    )


def test_extreme_coefficients_are_noticed(tmp_path: Path) -> None:
    for factor, noticed in ((1e-12, True), (1e30, True), (0.5, False)):
        c = np.full(3, factor, np.float32)
        imported = loaded([node("Mul", ["x", "c"], ["y"])], [1, 3], tmp_path, c=c)
        assert any("coefficients from" in n for n in imported.notices) == noticed
    big = np.full(3, 1e200)
    nodes = [node("Mul", ["x", "c"], ["t"]), node("Mul", ["t", "c"], ["y"])]
    path = save(model(nodes, [value("x", [1, 3], TensorProto.DOUBLE)],
                      [value("y", None, TensorProto.DOUBLE)], {"c": big}), tmp_path)  # fmt: skip
    with pytest.raises(ModelError, match="overflow"):
        load_model(path)


@pytest.mark.parametrize("op", ["Max", "Min", "Add"])
def test_zero_weights_read_nothing(op: str, tmp_path: Path) -> None:
    # The branch of zeros is read two layers on, but nothing is carried there for it.
    built = model(
        [
            node("Gemm", ["x", "zeros", "b"], ["z"]),
            node("Gemm", ["x", "w", "b"], ["u"]),
            node("Relu", ["u"], ["v"]),
            node(op, ["z", "v"], ["a"]),
            node("Relu", ["a"], ["c"]),
            node(op, ["z", "c"], ["y"]),
        ],
        constants={
            "zeros": np.zeros((3, 4), np.float32),
            "w": RNG.normal(size=(3, 4)).astype(np.float32),
            "b": np.array([-1.0, -0.5, 0.25, 1.0], np.float32),
        },
    )
    check_agreement(load_model(save(built, tmp_path)), Box.uniform(-2.0, 2.0, 3))


def test_the_larger_of_a_constant_and_an_input(tmp_path: Path) -> None:
    # As pruning leaves it: one of the two pooled units has no weights any more.
    built = model(
        [
            node("Gemm", ["x", "w", "b"], ["z"]),
            node("ReduceMax", ["z"], ["y"], axes=[1], keepdims=1),
        ],
        constants={
            "w": np.array([[0, 1.5], [0, 0], [0, 2]], np.float32),
            "b": np.array([-1.0, -1.5], np.float32),
        },
    )
    imported = load_model(save(built, tmp_path))
    assert imported.network.widths == (1,)
    check_agreement(imported, Box.uniform(-2.0, 2.0, 3))


def test_max_of_equal_tensors_needs_no_unit(tmp_path: Path) -> None:
    nodes = [node("Neg", ["x"], ["m"]), node("Neg", ["m"], ["n"]), node("Max", ["x", "n"], ["y"])]
    assert loaded(nodes, [1, 3], tmp_path).network.n_units == 0


def test_long_affine_products_are_kept_apart(tmp_path: Path) -> None:
    """A bottleneck between wide maps stays one: pass-on units instead of a dense product."""
    wide = RNG.normal(0, 1, (4000, 4)).astype(np.float32)
    back = RNG.normal(0, 1, (4, 4000)).astype(np.float32)
    nodes = [node("MatMul", ["x", "a"], ["t"]), node("MatMul", ["t", "b"], ["y"])]
    network = loaded(nodes, [1, 4000], tmp_path, a=wide, b=back).network
    assert network.n_units == 0
    assert sum(layer.affine.weight.size for layer in network.layers) <= 4 * 4000


@st.composite
def geometries(draw: st.DrawFn) -> tuple[str, list[int], dict[str, Any]]:
    op = draw(st.sampled_from(["Conv", "ConvTranspose", "MaxPool", "AveragePool"]))
    rank = draw(st.integers(1, 3))
    group = draw(st.integers(1, 2)) if op.startswith("Conv") else 1
    size = [draw(st.integers(4, 6)) for _ in range(rank)]
    pads = [draw(st.integers(0, 1)) for _ in range(2 * rank)]
    attributes: dict[str, Any] = {
        "kernel_shape": [draw(st.integers(2, 3)) for _ in range(rank)],
        "strides": [draw(st.integers(1, 2)) for _ in range(rank)],
        "dilations": [draw(st.integers(1, 2)) for _ in range(rank)],
    }
    auto = draw(st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if auto == "NOTSET":
        attributes["pads"] = pads
    elif (op != "ConvTranspose" and max(attributes["dilations"]) == 1) or op == "MaxPool":
        attributes["auto_pad"] = auto
    if op.startswith("Conv"):
        attributes["group"] = group
    else:
        attributes["ceil_mode"] = draw(st.integers(0, 1))
    if op == "AveragePool":
        del attributes["dilations"]  # came with opset 19
        attributes["count_include_pad"] = draw(st.integers(0, 1))
    return op, [draw(st.integers(1, 2)), 2 * group, *size], attributes


@settings(max_examples=80, deadline=None, derandomize=True)
@given(geometries())
def test_windows_agree_with_onnxruntime(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[str, list[int], dict[str, Any]]
) -> None:
    op, shape, attributes = case
    folder = tmp_path_factory.mktemp("windows")
    constants = {}
    if op.startswith("Conv"):
        per_group = shape[1] // attributes["group"]
        channels = (2 * attributes["group"], per_group) if op == "Conv" else (shape[1], 3)
        w = RNG.normal(0, 1, (*channels, *attributes["kernel_shape"])).astype(np.float32)
        n_out = channels[0] if op == "Conv" else 3 * attributes["group"]
        constants = {"w": w, "b": RNG.normal(0, 1, n_out).astype(np.float32)}
    try:
        loaded([node(op, ["x", *constants], ["y"], **attributes)], shape, folder, **constants)
    except ModelError as error:
        # A kernel beyond the padded input, which onnxruntime refuses or fills with nonsense.
        if "kernel" not in str(error) and "padding" not in str(error):
            raise


def test_stderr_stays_quiet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    built = mlp()
    built.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 9
    load_model(save(built, tmp_path)).run(np.zeros((1, 3)))
    captured = capfd.readouterr()
    assert captured.err == ""
    assert captured.out == ""


def test_thousands_of_layers_are_read_in_seconds(tmp_path: Path) -> None:
    names = ["x", *(f"a{k}" for k in range(2999)), "y"]
    nodes = [node("Relu", [a], [b]) for a, b in itertools.pairwise(names)]
    path = save(model(nodes), tmp_path)
    start = time.process_time()
    assert load_model(path).network.widths == (3,) * 3000
    assert time.process_time() - start < 10
