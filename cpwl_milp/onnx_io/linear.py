"""Affine operators except those with sliding windows: all arithmetic in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Matrix
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


def contract(
    node: Node,
    trace: Trace,
    x: Tensor,
    x_labels: Sequence[str],
    c: NDArray[np.float64],
    c_labels: Sequence[str],
    out_labels: Sequence[str],
) -> Tensor:
    """Einstein summation of a tensor with a constant: labels name the axes.

    An axis of length 1 broadcasts against a longer one of the same label.
    """
    length: dict[str, int] = {}
    for labels, shape in ((x_labels, x.shape), (c_labels, c.shape)):
        for label, n in zip(labels, shape, strict=True):
            known = length.get(label, 1)
            if n != known and 1 not in (n, known):
                raise node.misfit(
                    f"shapes {list(x.shape)} and {list(c.shape)} do not fit", f"{known}, not {n}"
                )
            length[label] = n if known == 1 else known
    shape = tuple(length[label] for label in out_labels)
    summed = [label for label in length if label not in out_labels]
    grid = [*out_labels, *summed]
    full = tuple(length[label] for label in grid)
    check_size(node.where, "a tensor", n_elements(shape), MAX_ELEMENTS)
    check_size(node.where, "a matrix", n_elements(full), MAX_COEFFICIENTS)

    def laid_out(array: NDArray[np.generic], labels: Sequence[str]) -> NDArray[np.generic]:
        order = sorted(range(len(labels)), key=lambda i: grid.index(labels[i]))
        axes = {labels[i]: array.shape[i] for i in order}
        return array.transpose(order).reshape([axes.get(label, 1) for label in grid])

    values = np.broadcast_to(laid_out(c, c_labels), full).reshape(n_elements(shape), -1)
    positions = laid_out(np.arange(x.size).reshape(x.shape), x_labels)
    matrix: Matrix
    if positions.shape == (*[1] * len(out_labels), *full[len(out_labels) :]) and bool(
        (positions.ravel() == np.arange(x.size)).all()
    ):
        # Every output reads the whole input, in order: the constant itself is the matrix.
        matrix = np.ascontiguousarray(values, dtype=np.float64)
    else:
        matrix = sp.csr_array(
            (
                np.array(values, dtype=np.float64).ravel(),
                np.array(np.broadcast_to(positions, full)).ravel(),
                np.arange(values.shape[0] + 1) * values.shape[1],
            ),
            shape=(values.shape[0], x.size),
        )
        matrix.sum_duplicates()
    return trace.mapped(matrix, x, 0.0, shape)


def _product(
    node: Node,
    trace: Trace,
    i: int,
    j: int,
    labels: tuple[Sequence[str], Sequence[str]],
    out: Sequence[str],
    factor: float = 1.0,
) -> Tensor:
    """The product of inputs i and j, one of which must be constant."""
    if node.varies(i) and node.varies(j):
        raise node.refusal(
            "a product of two values that both depend on the input",
            "one constant factor",
            "such a network is quadratic, not piecewise linear",
        )
    if node.varies(i):
        return contract(
            node, trace, node.tensor(i), labels[0], factor * node.reals(j), labels[1], out
        )
    return contract(node, trace, node.tensor(j), labels[1], factor * node.reals(i), labels[0], out)


def _matmul(node: Node, trace: Trace) -> list[Tensor]:
    ranks = [len(node.tensor(i).shape) for i in (0, 1)]
    if 0 in ranks:
        raise node.misfit("a scalar operand", "vectors or matrices")
    batch = max(max(ranks) - 2, 0)
    names = [f"batch{k}" for k in range(batch)]
    left = ["k"] if ranks[0] == 1 else [*names[batch - (ranks[0] - 2) :], "i", "k"]
    right = ["k"] if ranks[1] == 1 else [*names[batch - (ranks[1] - 2) :], "k", "j"]
    out = [*names, *(["i"] if ranks[0] > 1 else []), *(["j"] if ranks[1] > 1 else [])]
    return [_product(node, trace, 0, 1, (left, right), out)]


def _gemm(node: Node, trace: Trace) -> list[Tensor]:
    left = ["k", "i"] if node.attributes.get("transA", 0) else ["i", "k"]
    right = ["j", "k"] if node.attributes.get("transB", 0) else ["k", "j"]
    y = _product(node, trace, 0, 1, (left, right), ["i", "j"], factor=node.number("alpha", 1.0))
    if node.has(2):
        y = y.plus(broadcast(node, node.tensor(2).scaled(node.number("beta", 1.0)), y.shape))
    return [y]


def _einsum(node: Node, trace: Trace) -> list[Tensor]:
    equation = str(node.attributes["equation"]).replace(" ", "")
    left, arrow, out = equation.partition("->")
    terms = left.split(",")
    if (
        "." in equation
        or len(terms) != len(node.inputs)
        or len(terms) > 2
        or any(len(set(t)) != len(t) for t in terms)
    ):
        raise node.refusal(
            f"equation '{equation}'", "one or two operands, no repeated letter, no ellipsis"
        )
    if not arrow:
        letters = "".join(terms)
        out = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    if len(terms) == 1:
        return [contract(node, trace, node.tensor(0), list(terms[0]), np.array(1.0), [], list(out))]
    return [_product(node, trace, 0, 1, (list(terms[0]), list(terms[1])), list(out))]


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


def _linear_regressor(node: Node, trace: Trace) -> list[Tensor]:
    """ai.onnx.ml LinearRegressor without a post transform."""
    x = node.tensor(0)
    if node.attributes.get("post_transform", "NONE") != "NONE":
        raise node.refusal(
            f"post_transform {node.attributes['post_transform']}", "post_transform NONE"
        )
    targets = int(node.attributes.get("targets", 1))
    w = np.asarray(node.attributes.get("coefficients", []), dtype=np.float64)
    if len(x.shape) != 2 or w.size != targets * x.shape[1]:
        raise node.misfit(f"{w.size} coefficients for an input of shape {list(x.shape)}")
    node.finite(w, "coefficients")
    y = contract(node, trace, x, ["i", "k"], w.reshape(targets, -1), ["j", "k"], ["i", "j"])
    b = np.asarray(node.attributes.get("intercepts", [0.0]), dtype=np.float64)
    return [y.shifted(np.broadcast_to(node.finite(b, "intercepts"), y.shape).ravel()).typed(1)]


LINEAR: dict[str, Handler] = {
    **dict.fromkeys(("Add", "Sub", "Sum", "Mean"), _add),
    **dict.fromkeys(("ReduceSum", "ReduceMean"), _reduce),
    "BatchNormalization": _batch_normalization,
    "CumSum": _cumsum,
    "Div": _div,
    "Einsum": _einsum,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Mul": _mul,
    "Neg": _neg,
    "ai.onnx.ml.LinearRegressor": _linear_regressor,
    "ai.onnx.ml.Scaler": _scaler,
}
