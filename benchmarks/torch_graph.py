"""An ONNX file as a PyTorch function in float64, for the operators of the benchmark's networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch.nn import functional


def as_function(path: Path) -> Callable[[torch.Tensor], torch.Tensor]:
    """The graph as a function of flat rows, shape (n, n_inputs), to rows (n, n_outputs).

    Raises
    ------
    KeyError
        If an operator is not known here.
    """
    graph = onnx.load(path).graph
    constants = {t.name: _tensor(t) for t in graph.initializer}
    # Weights that the graph reshapes or multiplies first are constants as well.
    (given,) = [value for value in graph.input if value.name not in constants]
    shape = [d.dim_value for d in given.type.tensor_type.shape.dim][1:]
    value_of = onnx.helper.get_attribute_value
    nodes = [(node, {a.name: value_of(a) for a in node.attribute}) for node in graph.node]

    def function(rows: torch.Tensor) -> torch.Tensor:
        values = {**constants, given.name: rows.reshape(-1, *shape)}
        for node, attributes in nodes:
            inputs = [values[name] for name in node.input if name]
            values[node.output[0]] = _OPERATORS[node.op_type](inputs, attributes)
        return values[graph.output[0].name].flatten(1)

    return function


def _tensor(value: onnx.TensorProto) -> torch.Tensor:
    array = torch.from_numpy(numpy_helper.to_array(value).copy())
    return array.double() if array.is_floating_point() else array


def _constant(_: list[torch.Tensor], attributes: dict[str, Any]) -> torch.Tensor:
    return _tensor(attributes["value"])


def _gemm(inputs: list[torch.Tensor], attributes: dict[str, Any]) -> torch.Tensor:
    weight = inputs[1] if attributes.get("transB") else inputs[1].T
    return functional.linear(inputs[0], weight, inputs[2])


def _reshape(inputs: list[torch.Tensor], _: dict[str, Any]) -> torch.Tensor:
    sizes = inputs[1].tolist()
    if -1 not in sizes and inputs[0].numel() == math.prod(sizes):
        return inputs[0].reshape(sizes)
    # The file is of a batch of one, or leaves it free.
    return inputs[0].reshape(len(inputs[0]), *sizes[1:])


def _padding(inputs: torch.Tensor, attributes: dict[str, Any]) -> torch.Tensor:
    """Pad as the node says, zeros."""
    if attributes.get("auto_pad", b"NOTSET") == b"SAME_UPPER":
        # Stride 1 only: as much on both sides of an odd kernel.
        pads = [k // 2 for k in attributes["kernel_shape"]] * 2
    else:
        pads = attributes.get("pads", [0, 0, 0, 0])
    top, left, bottom, right = pads
    return functional.pad(inputs, (left, right, top, bottom)) if any(pads) else inputs


def _conv(inputs: list[torch.Tensor], attributes: dict[str, Any]) -> torch.Tensor:
    bias = inputs[2] if len(inputs) > 2 else None
    strides = attributes.get("strides", [1, 1])
    return functional.conv2d(_padding(inputs[0], attributes), inputs[1], bias, strides)


def _pad(inputs: list[torch.Tensor], attributes: dict[str, Any]) -> torch.Tensor:
    pads = attributes["pads"]
    assert not any(pads[:2] + pads[4:6]), "only rows and columns are padded"
    return functional.pad(inputs[0], (pads[3], pads[7], pads[2], pads[6]))


_OPERATORS: dict[str, Callable[[list[torch.Tensor], dict[str, Any]], torch.Tensor]] = {
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "AveragePool": lambda inputs, a: functional.avg_pool2d(
        _padding(inputs[0], a), a["kernel_shape"], a["strides"]
    ),
    "Constant": _constant,
    "Conv": _conv,
    "Flatten": lambda inputs, _: inputs[0].flatten(1),
    "Gemm": _gemm,
    "MatMul": lambda inputs, _: inputs[0] @ inputs[1],
    "MaxPool": lambda inputs, a: functional.max_pool2d(inputs[0], a["kernel_shape"], a["strides"]),
    "Pad": _pad,
    "Relu": lambda inputs, _: inputs[0].relu(),
    "Reshape": _reshape,
}
