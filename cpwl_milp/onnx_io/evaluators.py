"""Two independent evaluators of a graph: onnxruntime, and the reference of onnx itself."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import version_converter

from cpwl_milp.core.errors import ModelError
from cpwl_milp.onnx_io.normalise import first_line

Array = NDArray[Any]

# The newest versions that current onnxruntime releases read; newer files are stamped down,
# which changes nothing for the operators that the import accepts.
_OPSET = 26
_IR_VERSION = 10


class Evaluator(Protocol):
    """A graph as a function of named arrays."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    @property
    def types(self) -> Mapping[str, Any]:
        """The element type of each input."""
        ...

    def run(self, names: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
        """The tensors of these names; any exception says that the graph cannot be run."""
        ...


class MissingKernelError(ModelError):
    """onnxruntime knows the operator, but not in this precision or version."""


class Onnxruntime:
    """A graph in onnxruntime: one thread, silent, the file as it is.

    Parameters
    ----------
    model : onnx.ModelProto
        Every tensor to be read is an output.

    Raises
    ------
    MissingKernelError
        If it lacks an operator in the model's precision or opset.
    ModelError
        If it refuses the model.
    """

    name = "onnxruntime"

    def __init__(self, model: onnx.ModelProto, where: str) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # No fusion, no folding.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._session = onnxruntime.InferenceSession(
                _stamped(model).SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own exceptions, and protobuf's above 2 GB
            kind = MissingKernelError if _lacks_a_kernel(error) else ModelError
            raise kind(
                where,
                f"onnxruntime refuses it: {reason_of(error)}",
                hint="without it an import cannot be checked",
            ) from error
        self.types = {
            i.name: _NUMPY[i.type] for i in self._session.get_inputs() if i.type in _NUMPY
        }

    def run(self, names: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
        """The tensors of these names."""
        return list(self._session.run(list(names), dict(feeds)))


class Reference:
    """A graph in onnx's reference evaluator: plain numpy, slow, for all precisions.

    Parameters
    ----------
    model : onnx.ModelProto
        Every tensor to be read is an output.

    Raises
    ------
    ModelError
        If it has no implementation of an operator.
    """

    name = "onnx's reference evaluator"

    def __init__(self, model: onnx.ModelProto, where: str) -> None:
        from onnx.reference import ReferenceEvaluator

        try:
            self._evaluator = ReferenceEvaluator(model)
        except Exception as error:  # RuntimeError, NotImplementedError and others
            raise ModelError(where, f"{self.name} refuses it: {first_line(error)}") from error
        self.types = {
            i.name: onnx.helper.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type)
            for i in model.graph.input
        }

    def run(self, names: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
        """The tensors of these names."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return list(self._evaluator.run(list(names), dict(feeds)))


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


def _lacks_a_kernel(error: Exception) -> bool:
    return "NOT_IMPLEMENTED" in str(error) or "Could not find an implementation" in str(error)


def reason_of(error: Exception) -> str:
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
