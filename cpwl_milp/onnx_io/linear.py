"""Affine operators but for matrix products and sliding windows: all arithmetic in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.onnx_io.node import Node
from cpwl_milp.onnx_io.values import (
    MAX_COEFFICIENTS,
    MAX_ELEMENTS,
    Shape,
    Tensor,
    Trace,
    check_size,
    n_elements,
)

Handler = Callable[[Node, Trace], "list[Tensor]"]


def broadcast(node: Node, x: Tensor, shape: Shape) -> Tensor:
    """`x` repeated to `shape` by ONNX's (numpy's) broadcasting."""
    if x.shape == shape:
        return x
    check_size(node.where, "a tensor", n_elements(shape), MAX_ELEMENTS)
    try:
        index = np.broadcast_to(np.arange(x.size).reshape(x.shape), shape)
    except ValueError as error:
        raise node.misfit(f"shape {list(x.shape)} does not broadcast to {list(shape)}") from error
    return x.take(index, shape)


def common_shape(node: Node, operands: Sequence[Tensor]) -> Shape:
    """The shape that all operands broadcast to."""
    try:
        return tuple(int(d) for d in np.broadcast_shapes(*(x.shape for x in operands)))
    except ValueError as error:
        shapes = ", ".join(str(list(x.shape)) for x in operands)
        raise node.misfit(
            f"shapes {shapes} do not fit together", "shapes that broadcast"
        ) from error


def _add(node: Node, trace: Trace) -> list[Tensor]:
    operands = [node.tensor(i) for i in range(len(node.inputs))]
    if node.op == "Sub":
        operands[1] = operands[1].scaled(-1.0)
    shape = common_shape(node, operands)
    total = broadcast(node, operands[0], shape)
    for x in operands[1:]:
        total = total.plus(broadcast(node, x, shape))
    return [total.scaled(1.0 / len(operands)) if node.op == "Mean" else total]


def _mul(node: Node, trace: Trace) -> list[Tensor]:
    if node.varies(0) and node.varies(1):
        raise node.refusal(
            "a product of two values that both depend on the input",
            "one constant factor",
            "such a network is quadratic, not piecewise linear",
        )
    i, j = (0, 1) if node.varies(0) else (1, 0)
    x, factor = node.tensor(i), node.tensor(j)
    shape = common_shape(node, (x, factor))
    return [broadcast(node, x, shape).scaled(broadcast(node, factor, shape).const)]


def _div(node: Node, trace: Trace) -> list[Tensor]:
    if node.varies(1):
        raise node.refusal("divides by a value that depends on the input", "a constant divisor")
    x, divisor = node.tensor(0), node.tensor(1)
    if not np.all(divisor.const):
        raise node.misfit("divides by a constant zero", "a non-zero divisor")
    shape = common_shape(node, (x, divisor))
    return [broadcast(node, x, shape).scaled(1.0 / broadcast(node, divisor, shape).const)]


def _neg(node: Node, trace: Trace) -> list[Tensor]:
    return [node.tensor(0).scaled(-1.0)]


def per_channel(node: Node, x: Tensor, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """One value a channel (axis 1), repeated for every entry of `x`."""
    if len(x.shape) < 2 or values.shape != (x.shape[1],):
        raise node.misfit(
            f"{values.size} channel values for an input of shape {list(x.shape)}",
            "one value for each entry of axis 1",
        )
    column = values.reshape(1, -1, *[1] * (len(x.shape) - 2))
    return np.broadcast_to(column, x.shape).ravel()


def _batch_normalization(node: Node, trace: Trace) -> list[Tensor]:
    if node.attributes.get("training_mode", 0) or len([s for s in node.proto.output if s]) > 1:
        raise node.refusal("training mode", "inference mode", "export in evaluation mode")
    x = node.tensor(0)
    scale, shift, mean, variance = (node.reals(i) for i in (1, 2, 3, 4))
    spread = variance + node.number("epsilon", 1e-5)
    if not np.all(spread > 0):
        raise node.misfit(
            f"variance + epsilon is {spread.min():g}", "a positive variance", "the file is damaged"
        )
    factor = scale / np.sqrt(spread)
    y = x.scaled(per_channel(node, x, factor))
    return [y.shifted(per_channel(node, x, shift - mean * factor))]


def reduced_axes(node: Node, x: Tensor) -> tuple[int, ...] | None:
    """The axes of a Reduce operator; None where it changes nothing."""
    rank = len(x.shape)
    axes = node.integers(1, "axes")
    if not axes:
        return None if node.attributes.get("noop_with_empty_axes", 0) else tuple(range(rank))
    if any(not -rank <= a < rank for a in axes):
        raise node.misfit(f"axes {axes} for an input of rank {rank}")
    return tuple(sorted({a % rank for a in axes}))


def reduced_shape(node: Node, x: Tensor, axes: tuple[int, ...]) -> Shape:
    """Shape after reducing `axes`."""
    if node.attributes.get("keepdims", 1):
        return tuple(1 if a in axes else d for a, d in enumerate(x.shape))
    return tuple(d for a, d in enumerate(x.shape) if a not in axes)


def reduction_windows(x: Tensor, axes: tuple[int, ...]) -> NDArray[np.int64]:
    """Positions that each output of a reduction reads, shape (n_out, n_reduced)."""
    index = np.arange(x.size).reshape(x.shape)
    kept = [a for a in range(len(x.shape)) if a not in axes]
    count = n_elements([x.shape[a] for a in axes])
    return index.transpose([*kept, *axes]).reshape(-1, count)


def _reduce(node: Node, trace: Trace) -> list[Tensor]:
    x = node.tensor(0)
    axes = reduced_axes(node, x)
    if axes is None:
        return [x]
    windows = reduction_windows(x, axes)
    n_out, count = windows.shape
    value = 1.0 / count if node.op == "ReduceMean" else 1.0
    matrix = sp.csr_array(
        (np.full(windows.size, value), windows.ravel(), np.arange(n_out + 1) * count),
        shape=(n_out, x.size),
    )
    return [trace.mapped(matrix, x, 0.0, reduced_shape(node, x, axes))]


def along_axis(trace: Trace, x: Tensor, axis: int, matrix: NDArray[np.float64]) -> Tensor:
    """Apply one matrix, shape (n_out, n_in), along an axis."""
    before, after = n_elements(x.shape[:axis]), n_elements(x.shape[axis + 1 :])
    whole = sp.kron(
        sp.eye_array(before), sp.kron(sp.csr_array(matrix), sp.eye_array(after)), format="csr"
    )
    shape = (*x.shape[:axis], matrix.shape[0], *x.shape[axis + 1 :])
    return trace.mapped(sp.csr_array(whole), x, 0.0, shape)


def _cumsum(node: Node, trace: Trace) -> list[Tensor]:
    x = node.tensor(0)
    axis = int(np.ravel(node.constant(1))[0])
    if not -len(x.shape) <= axis < len(x.shape):
        raise node.misfit(f"axis {axis} for an input of rank {len(x.shape)}")
    axis %= len(x.shape)
    n = x.shape[axis]
    check_size(node.where, "a matrix", x.size * n, MAX_COEFFICIENTS)
    lower = np.tri(n, k=-1 if node.attributes.get("exclusive", 0) else 0)
    return [along_axis(trace, x, axis, lower.T if node.attributes.get("reverse", 0) else lower)]


def _scaler(node: Node, trace: Trace) -> list[Tensor]:
    """ai.onnx.ml Scaler: (x - offset) * scale by feature."""
    x = node.tensor(0)
    features = x.shape[-1] if x.shape else 1
    given = [np.asarray(node.attributes.get(k, d)) for k, d in (("offset", [0]), ("scale", [1]))]
    if any(v.size not in (1, features) for v in given):
        raise node.misfit(f"{[v.size for v in given]} values for {features} features")
    offset, scale = (
        np.broadcast_to(node.finite(v.astype(np.float64), "attribute"), x.shape).ravel()
        for v in given
    )
    return [x.shifted(-offset).scaled(scale).typed(1)]


LINEAR: dict[str, Handler] = {
    **dict.fromkeys(("Add", "Sub", "Sum", "Mean"), _add),
    **dict.fromkeys(("ReduceSum", "ReduceMean"), _reduce),
    "BatchNormalization": _batch_normalization,
    "CumSum": _cumsum,
    "Div": _div,
    "Mul": _mul,
    "Neg": _neg,
    "ai.onnx.ml.Scaler": _scaler,
}
