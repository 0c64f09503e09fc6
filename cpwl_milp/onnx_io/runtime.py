"""onnxruntime, the independent referee: one thread, silent, in the model's own precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper, version_converter

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import ModelError
from cpwl_milp.onnx_io.external import tensors
from cpwl_milp.onnx_io.interface import TensorInfo
from cpwl_milp.onnx_io.normalise import first_line
from cpwl_milp.onnx_io.values import Constant

# The newest versions that current onnxruntime releases read; newer files are stamped down,
# which changes nothing for the operators that the import accepts.
_OPSET = 26
_IR_VERSION = 10
HALVES = (TensorProto.FLOAT16, TensorProto.BFLOAT16)


class Runtime:
    """A model in onnxruntime, as a function of one flat input vector.

    Parameters
    ----------
    model : onnx.ModelProto
    inputs : sequence of TensorInfo
        The inputs that the vector is split into.
    fixed : mapping
        Arrays of the other inputs.
    probes : sequence of str
        Inner tensors to be read too, see `probed`.

    Raises
    ------
    ModelError
        If onnxruntime refuses the model.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        inputs: Sequence[TensorInfo],
        fixed: Mapping[str, Constant],
        probes: Sequence[str],
        where: str,
    ) -> None:
        self._inputs = tuple(inputs)
        self._where = where
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # The file as it is: no fusion, no folding.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._outputs = [o.name for o in model.graph.output]
        self._probes = list(probes)
        readable = _stamped(model)
        readable.graph.output.extend(
            onnx.ValueInfoProto(name=name)
            for name in dict.fromkeys(probes)
            if name not in self._outputs
        )
        try:
            self._session = onnxruntime.InferenceSession(
                readable.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own exceptions, and protobuf's above 2 GB
            raise ModelError(
                where,
                f"onnxruntime refuses it: {_reason(error)}",
                hint="without it an import cannot be checked",
            ) from error
        types = {i.name: _NUMPY[i.type] for i in self._session.get_inputs() if i.type in _NUMPY}
        self._types = types
        self._fixed = {k: v.astype(types.get(k, v.dtype)) for k, v in fixed.items()}
        self._fixed = {k: v for k, v in self._fixed.items() if k in types}

    def rounded(self, x: Dense) -> Dense:
        """The rows of x as the model receives them, in its own precision, shape kept."""
        parts: list[Dense] = [
            part.astype(self._types.get(info.name, np.float64)).astype(np.float64)
            for info, part in zip(self._inputs, self._split(x), strict=True)
        ]
        return np.concatenate(parts, axis=1)

    def __call__(self, x: Dense) -> Dense:
        """Outputs, shape (n, n_outputs), of inputs of shape (n, n_inputs), row by row."""
        return np.array([_joined(row) for row in self._rows(x, self._outputs)])

    def probed(self, x: Dense) -> tuple[Dense, list[Dense]]:
        """Outputs, and one array (n, size) for each probe."""
        rows = self._rows(x, self._outputs + self._probes)
        n = len(self._outputs)
        found = [
            np.array([_joined([row[n + k]]) for row in rows]) for k in range(len(self._probes))
        ]
        return np.array([_joined(row[:n]) for row in rows]), found

    def _rows(self, x: Dense, names: list[str]) -> list[list[NDArray[Any]]]:
        """The named tensors for each input row."""
        parts: list[tuple[str, NDArray[Any]]] = [
            (info.name, part.astype(self._types[info.name]).reshape(-1, *info.shape))
            for info, part in zip(self._inputs, self._split(x), strict=True)
            if info.name in self._types
        ]
        rows = []
        for k in range(len(x)):
            feeds = {name: np.asarray(part[k]) for name, part in parts} | self._fixed
            try:
                rows.append(self._session.run(names, feeds))
            except Exception as error:  # onnxruntime's own exceptions
                raise ModelError(
                    self._where, f"onnxruntime fails on it: {_reason(error)}"
                ) from error
        return rows

    def _split(self, x: Dense) -> list[NDArray[np.float64]]:
        ends = np.cumsum([info.size for info in self._inputs])
        return np.split(x, ends[:-1], axis=1)


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    return np.concatenate([np.ravel(part).astype(np.float64) for part in parts])


_NUMPY = {
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
}


def _reason(error: Exception) -> str:
    """The message of onnxruntime without its prefixes and source paths."""
    text = first_line(error)
    return text.split(" : ", 3)[-1] if text.startswith("[ONNXRuntimeError]") else text


def _stamped(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that onnxruntime reads: known versions, no node names (they may repeat)."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    version = next((e.version for e in copy.opset_import if e.domain == ""), 0)
    if version > _OPSET:
        try:
            copy = version_converter.convert_version(copy, _OPSET)
        except Exception:  # the stamp alone: the operators read here have not changed since 21
            for entry in copy.opset_import:
                entry.version = _OPSET if entry.domain == "" else entry.version
    copy.ir_version = min(max(copy.ir_version, 4), _IR_VERSION)
    for k, node in enumerate(copy.graph.node):
        node.name = f"{node.op_type}:{k}"
    return copy


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


def widened(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with float32 in place of float16 and bfloat16: no rounding to halves."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in tensors(copy):
        if tensor.data_type in HALVES:
            wide = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))
    for entry in [*copy.graph.input, *copy.graph.output]:
        if entry.type.tensor_type.elem_type in HALVES:
            entry.type.tensor_type.elem_type = TensorProto.FLOAT
    for node in copy.graph.node:
        for attribute in node.attribute:
            if attribute.name in ("to", "dtype") and attribute.i in HALVES:
                attribute.i = TensorProto.FLOAT
    return copy
