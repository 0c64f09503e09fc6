"""Operators that only move data.

Each is run once, by onnx's own reference evaluator, on a tensor of positions; the result says
which entry goes where. Position 0 stands for a constant zero, so entries that an operator
fills in (a pad, the upper half of a Trilu) come out right too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from cpwl_milp.onnx_io.node import Node
from cpwl_milp.onnx_io.values import MAX_ELEMENTS, Tensor, Trace, check_size, n_elements, stacked

_FLOATS = {
    TensorProto.FLOAT16: "float16",
    TensorProto.BFLOAT16: "bfloat16",
    TensorProto.FLOAT: "float32",
    TensorProto.DOUBLE: "float64",
}


def dtype_name(dtype: int) -> str:
    """A readable name of an ONNX element type."""
    if dtype in _FLOATS:
        return _FLOATS[dtype]
    try:
        return str(TensorProto.DataType.Name(dtype)).lower()
    except ValueError:
        return f"element type {dtype}"


def is_float(dtype: int) -> bool:
    """Whether an element type is one of the floating types this package reads."""
    return dtype in _FLOATS


def _reshaped(node: Node, trace: Trace) -> list[Tensor]:
    """Reshape, Flatten, Squeeze, Unsqueeze, Identity: row-major order stays."""
    x = node.tensor(0)
    if n_elements(node.shape) != x.size:
        raise node.misfit(f"{x.size} entries do not fit shape {list(node.shape)}")
    return [x.reshaped(node.shape)]


def _dropout(node: Node, trace: Trace) -> list[Tensor]:
    if node.has(1):
        node.constant(1)
    if node.has(2) and bool(np.any(node.constant(2))):
        raise node.refusal(
            "training_mode is true, so the output is random", hint="export in evaluation mode"
        )
    return [node.tensor(0)]


def _cast(node: Node, trace: Trace) -> list[Tensor]:
    if not is_float(node.dtype):
        raise node.refusal(
            f"casts to {dtype_name(node.dtype)}, which is discontinuous",
            "a cast between floating types",
        )
    return [node.tensor(0).typed(node.dtype)]


def _moved(node: Node, data: Sequence[int], kind: type = np.int64) -> list[Tensor]:
    """Run the node on positions 1, 2, ... of its data inputs and gather accordingly."""
    unique = {node.names[i]: node.tensor(i) for i in data}
    feeds: dict[str, Any] = {}
    next_position = 1
    for name, x in unique.items():
        positions: NDArray[Any] = np.arange(next_position, next_position + x.size, dtype=kind)
        feeds[name] = positions.reshape(x.shape)
        next_position += x.size
    for i, name in enumerate(node.names):
        if name and name not in feeds:
            feeds[name] = node.constant(i)
    for shape in node.shapes:
        check_size(node.where, "a tensor", n_elements(shape), MAX_ELEMENTS)
    try:
        results = ReferenceEvaluator(node.proto, opsets={"": node.opset}).run(None, feeds)
    except Exception as error:  # the evaluator raises whatever numpy or it met
        raise node.misfit(f"cannot be evaluated: {error}", "indices and shapes that fit") from error
    source = stacked(list(unique.values()))
    moved = []
    for result in results:
        index = np.asarray(np.rint(result), dtype=np.int64)
        moved.append(source.take(index.ravel() - 1, index.shape).typed(node.dtype))
    return moved


def _mover(*data: int) -> Callable[[Node, Trace], list[Tensor]]:
    return lambda node, trace: _moved(node, data)


def _concat(node: Node, trace: Trace) -> list[Tensor]:
    return _moved(node, range(len(node.inputs)))


def _pad(node: Node, trace: Trace) -> list[Tensor]:
    """Pad, including negative pads, which crop."""
    x = node.tensor(0)
    rank = len(x.shape)
    pads = node.integers(1, "pads") or []
    axes = range(rank) if not node.has(3) else [int(a) % rank for a in node.constant(3)]
    if len(pads) != 2 * len(axes):
        raise node.misfit(f"{len(pads)} pads for {len(axes)} axes", f"{2 * len(axes)}")
    mode = node.attributes.get("mode", "constant")
    check_size(node.where, "a tensor", n_elements(node.shape), MAX_ELEMENTS)
    index = np.arange(1, x.size + 1).reshape(x.shape)
    width = [(0, 0)] * rank
    for k, axis in enumerate(axes):
        begin, end = pads[k], pads[k + len(axes)]
        stop = index.shape[axis] + min(end, 0)
        index = np.take(index, np.arange(max(-begin, 0), max(stop, 0)), axis=axis)
        width[axis] = (max(begin, 0), max(end, 0))
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise node.misfit(f"mode '{mode}'", "constant, reflect, edge or wrap")
    try:
        index = np.pad(index, width, mode=mode)
    except ValueError as error:
        raise node.misfit(f"pads {pads} do not fit: {error}") from error
    value = float(node.reals(2).ravel()[0]) if node.has(2) else node.number("value", 0.0)
    moved = x.take(index.ravel() - 1, index.shape)
    return [moved.shifted(np.where(index.ravel() == 0, value, 0.0)) if value else moved]


def _where(node: Node, trace: Trace) -> list[Tensor]:
    if node.varies(0):
        raise node.refusal(
            "its condition depends on the input, so it may jump",
            "a continuous choice",
            "write it with Relu, LeakyRelu, Max, Min or Clip",
        )
    return _moved(node, (1, 2))


def _scatter(node: Node, trace: Trace) -> list[Tensor]:
    if node.attributes.get("reduction", "none") != "none":
        raise node.refusal("a reduction while scattering", "reduction 'none'")
    return _moved(node, (0, 2))


MOVEMENT: dict[str, Callable[[Node, Trace], list[Tensor]]] = {
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"), _reshaped),
    **dict.fromkeys(
        (
            "CenterCropPad",
            "Compress",
            "DepthToSpace",
            "Expand",
            "Gather",
            "GatherElements",
            "GatherND",
            "ReverseSequence",
            "Slice",
            "SpaceToDepth",
            "Split",
            "Tile",
            "Transpose",
            "Trilu",
        ),
        _mover(0),
    ),
    "Cast": _cast,
    "CastLike": _cast,
    "Concat": _concat,
    "Dropout": _dropout,
    "Pad": _pad,
    "ScatterElements": _scatter,
    "ScatterND": _scatter,
    "Where": _where,
}
