"""Products with a constant: MatMul, Gemm, Einsum, LinearRegressor, as one contraction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Matrix
from cpwl_milp.onnx_io.linear import Handler, broadcast
from cpwl_milp.onnx_io.node import Node
from cpwl_milp.onnx_io.values import (
    MAX_COEFFICIENTS,
    MAX_ELEMENTS,
    Tensor,
    Trace,
    check_size,
    n_elements,
)


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


PRODUCTS: dict[str, Handler] = {
    "Einsum": _einsum,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "ai.onnx.ml.LinearRegressor": _linear_regressor,
}
