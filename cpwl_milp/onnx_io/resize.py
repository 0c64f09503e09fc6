"""Resize and Upsample: a matrix along each axis, nearest, linear or cubic."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import helper
from onnx.reference import ReferenceEvaluator

from cpwl_milp.onnx_io.linear import along_axis
from cpwl_milp.onnx_io.node import Node
from cpwl_milp.onnx_io.values import (
    MAX_COEFFICIENTS,
    MAX_ELEMENTS,
    Tensor,
    Trace,
    check_size,
    n_elements,
)

# Interpolation is separable; each axis is resized on its own, by onnx's reference evaluator.
_MODES = ("nearest", "linear", "cubic")


def _resize(node: Node, trace: Trace) -> list[Tensor]:
    x = node.tensor(0)
    mode = str(node.attributes.get("mode", "nearest"))
    transform = node.attributes.get("coordinate_transformation_mode", "half_pixel")
    if mode not in _MODES or transform == "tf_crop_and_resize":
        raise node.refusal(
            f"mode {mode} with {transform} coordinates", f"{', '.join(_MODES)} without a crop"
        )
    check_size(node.where, "a tensor", n_elements(node.shape), MAX_ELEMENTS)
    rank = len(x.shape)
    axes = [int(a) % rank for a in node.attributes.get("axes") or range(rank)]
    scales = [float(v) for v in np.ravel(node.constant(2))] if node.has(2) else []
    for axis, size in enumerate(node.shape):
        scale = scales[axes.index(axis)] if scales and axis in axes else size / x.shape[axis]
        if size == x.shape[axis] and scale == 1.0:
            continue
        if transform == "align_corners" and scales and scale * x.shape[axis] != size:
            raise node.refusal(
                f"align_corners with scale {scale:g} of {x.shape[axis]} entries, on which onnx "
                "and onnxruntime disagree",
                "sizes, or scales that give whole numbers",
            )
        check_size(node.where, "a matrix", x.shape[axis] * size, MAX_COEFFICIENTS)
        check_size(node.where, "a matrix", size * x.size, MAX_COEFFICIENTS)
        x = along_axis(trace, x, axis, _resizing(node, x.shape[axis], size, scale if scales else 0))
    return [x]


def _resizing(node: Node, n_in: int, n_out: int, scale: float) -> NDArray[np.float64]:
    """The matrix, shape (n_out, n_in), of resizing one axis."""
    kept = {
        name: value
        for name, value in node.attributes.items()
        if name not in ("axes", "keep_aspect_ratio_policy")
    }
    names = ["x", "", "scales", ""] if scale else ["x", "", "", "sizes"]
    proto = helper.make_node("Resize", names, ["y"], **kept)
    evaluator = ReferenceEvaluator(proto, opsets={"": node.opset})
    feeds = {"scales": np.array([scale], np.float32)} if scale else {"sizes": np.array([n_out])}
    matrix = np.empty((n_out, n_in))
    for k in range(n_in):
        unit = np.zeros(n_in)
        unit[k] = 1.0
        try:
            (matrix[:, k],) = evaluator.run(None, {"x": unit, **feeds})
        except Exception as error:  # the evaluator raises whatever numpy or it met
            raise node.misfit(f"cannot be resized: {error}") from error
    return matrix


RESIZE: dict[str, Callable[[Node, Trace], Sequence[Tensor]]] = {"Resize": _resize}
