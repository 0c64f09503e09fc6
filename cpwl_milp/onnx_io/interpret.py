"""Walk through the sorted graph: constants are folded, the rest goes to the operators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from cpwl_milp.core.errors import ModelError
from cpwl_milp.onnx_io.linear import LINEAR
from cpwl_milp.onnx_io.movement import MOVEMENT
from cpwl_milp.onnx_io.node import Node
from cpwl_milp.onnx_io.normalise import first_line, node_name
from cpwl_milp.onnx_io.piecewise import PIECEWISE
from cpwl_milp.onnx_io.products import PRODUCTS
from cpwl_milp.onnx_io.refusals import unsupported
from cpwl_milp.onnx_io.resize import RESIZE
from cpwl_milp.onnx_io.values import (
    Constant,
    Shape,
    Tensor,
    Trace,
    Value,
    check_size,
    n_elements,
)
from cpwl_milp.onnx_io.windows import WINDOWED

OPERATORS: dict[str, Callable[[Node, Trace], Sequence[Tensor]]] = {
    **MOVEMENT,
    **RESIZE,
    **LINEAR,
    **PRODUCTS,
    **WINDOWED,
    **PIECEWISE,
}

_MAX_FOLDED = 1 << 24
# Constants up to this size can shape an output (axes, pads, repeats, scales).
_MAX_SHAPING = 4096
# Outputs of unknown size that cannot exceed their inputs.
_BOUNDED = frozenset(("NonZero", "Compress", "Unique", "Slice"))
# Folding these in onnx's reference evaluator is slow: they go through this package's own path.
_OWN_PATH = frozenset(("Conv", "ConvTranspose", "MaxPool", "AveragePool", "Resize"))


class Interpreter:
    """Evaluates a sorted graph symbolically.

    Parameters
    ----------
    graph : onnx.GraphProto
        Sorted; every input of a node is known before it.
    opsets : mapping of domain to version
    known : mapping of name to value
        Inputs and initializers.
    where : str
        The file, for messages.
    hint : str
        Advice to add where an unsupported operator ends the import.
    """

    def __init__(
        self,
        graph: onnx.GraphProto,
        opsets: Mapping[str, int],
        known: Mapping[str, Value],
        trace: Trace,
        where: str,
        hint: str = "",
    ) -> None:
        self._graph = graph
        self._opsets = dict(opsets)
        self._values = dict(known)
        self._trace = trace
        self._where = where
        self._hint = hint
        self._opset_ids = [onnx.helper.make_opsetid(d, v) for d, v in self._opsets.items()]

    def run(self) -> dict[str, Value]:
        """Values of the graph's outputs.

        Raises
        ------
        ModelError
        """
        uses = Counter(name for node in self._graph.node for name in node.input)
        uses.update(o.name for o in self._graph.output)
        for proto in self._graph.node:
            place = f"{self._where}, {node_name(proto)}"
            for name, value in zip(proto.output, self._apply(proto, place), strict=False):
                if name and uses[name]:
                    self._values[name] = value
            for name in proto.input:
                uses[name] -= 1
                if name and uses[name] == 0:
                    self._values.pop(name, None)
        found = {}
        for output in self._graph.output:
            if output.name not in self._values:
                raise ModelError(
                    f"{self._where}: output '{output.name}'",
                    "an auxiliary output (indices, mask) is not supported",
                )
            found[output.name] = self._values[output.name]
        return found

    def _apply(self, proto: onnx.NodeProto, place: str) -> Sequence[Value]:
        inputs = tuple(self._value(name, place) for name in proto.input)
        op = proto.op_type if not proto.domain else f"{proto.domain}.{proto.op_type}"
        symbolic = [v for v in inputs if isinstance(v, Tensor)]
        if op in ("Shape", "Size") and symbolic:
            return [_shape_of(proto, symbolic[0].shape)]
        if not symbolic and op not in _OWN_PATH:
            return self._folded(proto, inputs, place)
        operator = OPERATORS.get(op)
        if operator is None:
            raise unsupported(proto.op_type, place, self._hint)
        types = self._inferred(proto, inputs, place)
        node = Node(
            op,
            place,
            inputs,
            tuple(proto.input),
            tuple(_shape(types.get(name)) for name in proto.output),
            tuple(_dtype(types.get(name)) for name in proto.output),
            {a.name: _attribute(a) for a in proto.attribute},
            proto,
            self._opsets.get("", 0),
        )
        # What overflows here is found in the finished network, and refused there.
        with np.errstate(over="ignore", invalid="ignore"):
            results = operator(node, self._trace)
        if not symbolic:
            kind = onnx.helper.tensor_dtype_to_np_dtype(node.dtype)
            return [r.const.reshape(r.shape).astype(kind) for r in results]
        return [
            r if r.dtype == node.dtype or not node.dtype else r.typed(node.dtype) for r in results
        ]

    def _value(self, name: str, place: str) -> Value | None:
        if not name:
            return None
        if name not in self._values:
            raise ModelError(
                place, f"its input '{name}' is an auxiliary output (indices, mask)", "a data output"
            )
        return self._values[name]

    def _inferred(
        self, proto: onnx.NodeProto, inputs: Sequence[Value | None], place: str
    ) -> dict[str, onnx.TypeProto]:
        """Element types and shapes of a node's outputs, by onnx's own inference."""
        types: dict[str, onnx.TypeProto] = {}
        data: dict[str, onnx.TensorProto] = {}
        for name, value in zip(proto.input, inputs, strict=True):
            if value is None:
                continue
            if isinstance(value, Tensor):
                types[name] = onnx.helper.make_tensor_type_proto(value.dtype, value.shape)
                continue
            dtype = onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
            types[name] = onnx.helper.make_tensor_type_proto(dtype, value.shape)
            if value.size <= _MAX_SHAPING:
                data[name] = numpy_helper.from_array(value, name)
        try:
            schema = onnx.defs.get_schema(
                proto.op_type, self._opsets.get(proto.domain, 0), proto.domain
            )
            return dict(
                shape_inference.infer_node_outputs(
                    schema, proto, types, data, opset_imports=self._opset_ids
                )
            )
        except Exception as error:  # SchemaError, ValidationError, InferenceError, RuntimeError
            raise ModelError(place, f"does not fit its inputs: {first_line(error)}") from error

    def _folded(
        self, proto: onnx.NodeProto, inputs: Sequence[Value | None], place: str
    ) -> Sequence[Constant]:
        """A node without variable inputs, evaluated by onnx's reference evaluator."""
        if proto.op_type == "Constant" and not proto.domain:
            return [_constant(proto, place)]
        types = self._inferred(proto, inputs, place)
        for name in proto.output:
            kind = types.get(name)
            if kind is not None and _known(kind):
                check_size(place, "a constant", n_elements(_shape(kind) or ()), _MAX_FOLDED)
            elif name and proto.op_type not in _BOUNDED:
                raise ModelError(place, "the size of its constant result cannot be known before")
        feeds = {n: v for n, v in zip(proto.input, inputs, strict=True) if n}
        try:
            with np.errstate(all="ignore"):
                results = ReferenceEvaluator(proto, opsets=self._opsets).run(None, feeds)
        except Exception as error:  # the evaluator raises whatever numpy or it met
            raise ModelError(place, f"cannot be evaluated: {first_line(error)}") from error
        return [np.asarray(r) for r in results]


def _shape_of(proto: onnx.NodeProto, shape: Shape) -> Constant:
    if proto.op_type == "Size":
        return np.array(n_elements(shape), dtype=np.int64)
    limits = {a.name: int(a.i) for a in proto.attribute}
    return np.array(shape[limits.get("start", 0) : limits.get("end", len(shape))], dtype=np.int64)


def _constant(proto: onnx.NodeProto, place: str) -> Constant:
    attribute = proto.attribute[0]
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return np.asarray(numpy_helper.to_array(value))
    if attribute.name in ("value_float", "value_floats"):
        return np.array(value, dtype=np.float32)
    if attribute.name in ("value_int", "value_ints"):
        return np.array(value, dtype=np.int64)
    raise ModelError(place, f"a constant given as {attribute.name}", "a dense numeric tensor")


def _attribute(attribute: onnx.AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return list(value) if attribute.type in _LISTS else value


_LISTS = (onnx.AttributeProto.FLOATS, onnx.AttributeProto.INTS, onnx.AttributeProto.STRINGS)


def _known(kind: onnx.TypeProto) -> bool:
    return kind.tensor_type.HasField("shape") and all(
        d.HasField("dim_value") for d in kind.tensor_type.shape.dim
    )


def _shape(kind: onnx.TypeProto | None) -> Shape:
    if kind is None or not _known(kind):
        return ()
    return tuple(d.dim_value for d in kind.tensor_type.shape.dim)


def _dtype(kind: onnx.TypeProto | None) -> int:
    return 0 if kind is None else int(kind.tensor_type.elem_type)
