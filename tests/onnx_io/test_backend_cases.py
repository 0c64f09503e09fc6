"""The single-operator cases of onnx itself: each imports and agrees, or is refused for a reason."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cpwl_milp.core.errors import ModelError
from cpwl_milp.onnx_io import check_agreement, load_model

# The operators of the accepted list, and what they bring with them.
_OPERATORS = """
    Abs Add AveragePool BatchNormalization Cast CastLike Clip Concat Conv ConvTranspose CumSum
    DepthToSpace Div Dropout Einsum Expand Flatten Gather GatherElements GatherND Gemm
    GlobalAveragePool GlobalMaxPool HardSigmoid Identity LeakyRelu MatMul Max MaxPool Mean Min
    Mul Neg PRelu Pad ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape Resize Shrink Slice
    SpaceToDepth Split Squeeze Sub Sum ThresholdedRelu Tile Transpose Unsqueeze Upsample Where
"""
OPERATORS = _OPERATORS.split()
FLOATS = (
    onnx.TensorProto.FLOAT,
    onnx.TensorProto.FLOAT16,
    onnx.TensorProto.DOUBLE,
    onnx.TensorProto.BFLOAT16,
)

# Why a case may be refused: what the message says, and what must be so of the case.
Case = dict[str, Any]
REASONS = {
    "training mode": lambda case: "training" in case["name"],
    "training_mode is true": lambda case: "training" in case["name"],
    "is 0; expected a positive size": lambda case: any(0 in a.shape for a in case["arrays"]),
    "; expected a tensor": lambda case: not isinstance(case["arrays"][0], np.ndarray),
    "casts to": lambda case: case["op"] in ("Cast", "CastLike"),
    "make it jump": lambda case: case["op"] == "Shrink",
    "makes it jump": lambda case: case["op"] == "ThresholdedRelu",
    "without a crop": lambda case: "tf_crop" in case["name"],
    "onnx and onnxruntime disagree": lambda case: "align_corners" in case["name"],
    "no ellipsis": lambda case: "diagonal" in case["name"],
    # onnxruntime cannot run it, so nothing could be checked.
    "onnxruntime refuses it": lambda case: case["name"] == "test_spacetodepth_crd_mode_example",
    # What must be constant: weights, slopes, limits, divisors, a second factor.
    "depends on the network's input": lambda case: case["varying"] != case["first"],
    "weights that depend on the input": lambda case: case["varying"] != case["first"],
    "divides by a value that depends": lambda case: case["varying"] != case["first"],
    "a product of two values": lambda case: len(case["varying"]) > 1,
}


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Any]]:
    """The cases by operator; those that onnx spells out in other operators left aside."""
    from onnx.backend.test.case.node import collect_testcases

    found: dict[str, dict[str, Any]] = defaultdict(dict)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in collect_testcases(None):
            if len(case.model.graph.node) == 1 and "_expanded" not in case.name:
                found[case.model.graph.node[0].op_type].setdefault(case.name, case)
    return {op: list(named.values()) for op, named in found.items()}


def arrays(case: Any) -> dict[str, Any]:
    inputs = case.data_sets[0][0]
    return {
        info.name: numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
        for info, value in zip(case.model.graph.input, inputs, strict=True)
    }


def variants(case: Any) -> Iterator[tuple[str, ...]]:
    """Which inputs vary: each float input in turn, then all of them."""
    floats = [i.name for i in case.model.graph.input if i.type.tensor_type.elem_type in FLOATS]
    yield from ((name,) for name in floats)
    if len(floats) > 1:
        yield tuple(floats)


@pytest.mark.parametrize("operator", OPERATORS)
def test_each_case_agrees_or_is_refused_for_a_reason(
    operator: str, cases: dict[str, list[Any]], tmp_path: Path
) -> None:
    path = tmp_path / "case.onnx"
    agreed, unexplained = 0, []
    for case in cases[operator]:
        values = arrays(case)
        path.write_bytes(case.model.SerializeToString())
        output = case.model.graph.node[0].output[0]
        choices = list(variants(case))
        for varying in choices:
            fixed = {k: v for k, v in values.items() if k not in varying}
            try:
                model = load_model(path, fixed_inputs=fixed, outputs=[output])
            except ModelError as error:
                facts = {
                    "name": case.name,
                    "op": operator,
                    "arrays": [values[name] for name in varying],
                    "varying": varying,
                    "first": choices[0],
                }
                if not any(text in str(error) and so(facts) for text, so in REASONS.items()):
                    unexplained.append(f"{case.name} {varying}: {error}")
                continue
            check_agreement(model, None, n_samples=8)
            expect_known_output(case, model, values, varying)
            agreed += 1
    assert not unexplained, "\n".join(unexplained)
    # onnx has no case of the one continuous ThresholdedRelu, alpha 0.
    assert agreed > 0 or operator == "ThresholdedRelu"


def expect_known_output(
    case: Any, model: Any, values: dict[str, Any], varying: tuple[str, ...]
) -> None:
    """The network gives the output that the case itself states, at its own input."""
    x = np.concatenate([np.asarray(values[n], dtype=np.float64).ravel() for n in varying])
    stated = case.data_sets[0][1][0]
    stated = numpy_helper.to_array(stated) if isinstance(stated, onnx.TensorProto) else stated
    expected = np.asarray(stated, dtype=np.float64).ravel()
    if not (np.isfinite(x).all() and np.isfinite(expected).all()):
        return
    # Some stated outputs are rounded to four decimals.
    half = any("16" in info.dtype for info in (*model.inputs, *model.outputs))
    scale = 1.0 + np.abs(expected).max(initial=0.0)
    tolerance = 2e-2 * scale if half else 1e-4 * scale
    assert np.abs(model.network(x[None, :])[0] - expected).max(initial=0.0) <= tolerance, case.name


@pytest.mark.parametrize(
    "operator", ["QuantizeLinear", "Sign", "Floor", "Sigmoid", "Softmax", "Elu"]
)
def test_operators_that_are_not_piecewise_linear_are_named(
    operator: str, cases: dict[str, list[Any]], tmp_path: Path
) -> None:
    path = tmp_path / "case.onnx"
    for case in cases[operator]:
        values = arrays(case)
        first = next(variants(case))
        path.write_bytes(case.model.SerializeToString())
        fixed = {k: v for k, v in values.items() if k not in first}
        with pytest.raises(ModelError, match=operator):
            load_model(path, fixed_inputs=fixed)
