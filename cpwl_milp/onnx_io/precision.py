"""The floating types of a model, and the same network in another one."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from cpwl_milp.core.errors import ModelError
from cpwl_milp.onnx_io.external import tensors

HALVES = frozenset({TensorProto.FLOAT16, TensorProto.BFLOAT16})


def float_types(model: onnx.ModelProto) -> set[int]:
    """The floating element types that occur among inputs, constants and casts."""
    found = {t.data_type for t in tensors(model)}
    found |= {i.type.tensor_type.elem_type for i in model.graph.input}
    found |= {
        a.i
        for node in model.graph.node
        if node.op_type == "Cast"
        for a in node.attribute
        if a.name == "to"
    }
    return found & {TensorProto.FLOAT, TensorProto.DOUBLE, *HALVES}


def in_float32(model: onnx.ModelProto, kinds: Collection[int], where: str) -> onnx.ModelProto:
    """The same network with float32 in place of the given floating types.

    Raises
    ------
    ModelError
        If a number is beyond the range of float32.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in tensors(copy):
        if tensor.data_type in kinds:
            given = numpy_helper.to_array(tensor)
            with np.errstate(over="ignore"):
                changed = given.astype(np.float32)
            if not np.array_equal(np.isfinite(given.astype(np.float64)), np.isfinite(changed)):
                raise ModelError(f"{where}, '{tensor.name}'", "numbers beyond the range of float32")
            tensor.CopyFrom(numpy_helper.from_array(changed, tensor.name))
    for entry in [*copy.graph.input, *copy.graph.output]:
        if entry.type.tensor_type.elem_type in kinds:
            entry.type.tensor_type.elem_type = TensorProto.FLOAT
    for node in copy.graph.node:
        for attribute in node.attribute:
            if attribute.name in ("to", "dtype") and attribute.i in kinds:
                attribute.i = TensorProto.FLOAT
    return copy
