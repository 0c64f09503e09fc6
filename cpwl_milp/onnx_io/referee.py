"""Which evaluator checks an import: onnxruntime as it is, else the nearest thing to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto

from cpwl_milp.core.errors import ModelError
from cpwl_milp.onnx_io.chain import Probe
from cpwl_milp.onnx_io.evaluators import Evaluator, MissingKernelError, Onnxruntime, Reference
from cpwl_milp.onnx_io.interface import TensorInfo
from cpwl_milp.onnx_io.precision import HALVES, float_types, in_float32
from cpwl_milp.onnx_io.runtime import Runtime
from cpwl_milp.onnx_io.values import Constant

# Before it, `axis` aligned the shapes of these; the reference evaluator does not know that.
_BROADCASTING = 7
_ALIGNED = ("Add", "Sub", "Mul", "Div", "Pow")

_Opened = Callable[[onnx.ModelProto, str], Evaluator]


@dataclass(frozen=True, eq=False)
class Referees:
    """Who runs the file, and who checks the import.

    Attributes
    ----------
    runtime : Runtime
        The file in its own precision, or in float32 where no evaluator has that precision.
    referee : Runtime
        What the import is compared with.
    double : bool
        Whether the referee computes in float64 throughout.
    notices : tuple of str
    """

    runtime: Runtime = field(repr=False)
    referee: Runtime = field(repr=False)
    double: bool
    notices: tuple[str, ...]


def referees(
    model: onnx.ModelProto,
    inputs: Sequence[TensorInfo],
    fixed: Mapping[str, Constant],
    probes: Sequence[Probe],
    where: str,
) -> Referees:
    """Find evaluators for a model.

    onnxruntime runs the file as it is. Halves are checked in float32, since their rounding is
    not modelled. Where onnxruntime lacks a kernel in float64 the check is in float32, too, to
    the accuracy of any float32 file; where it lacks one in an old opset, onnx's reference
    evaluator stands in, in the file's own precision.

    Raises
    ------
    ModelError
        If nobody can run the model.
    """
    outputs = [o.name for o in model.graph.output]
    names = [probe.tensor for probe in probes]

    def runtime(
        evaluator: Callable[[onnx.ModelProto, str], Evaluator], graph: onnx.ModelProto
    ) -> Runtime:
        read = _reading(graph, names)
        return Runtime(evaluator(read, where), inputs, outputs, fixed, names, where)

    kinds = float_types(model)
    if kinds & HALVES:
        notices = ["half-precision weights: their values are exact here, their rounding is not"]
        referee = runtime(Onnxruntime, in_float32(model, HALVES, where))
        try:
            return Referees(runtime(Onnxruntime, model), referee, False, tuple(notices))
        except ModelError:
            notices.append("onnxruntime has no kernels for this precision: it runs in float32")
            return Referees(referee, referee, False, tuple(notices))
    double = kinds == {TensorProto.DOUBLE}
    try:
        plain = runtime(Onnxruntime, model)
        return Referees(plain, plain, double, ())
    except MissingKernelError as error:
        lacking = error
    if TensorProto.DOUBLE in kinds:
        try:
            single = runtime(Onnxruntime, in_float32(model, {TensorProto.DOUBLE}, where))
        except MissingKernelError:
            pass
        else:
            notice = (
                "onnxruntime cannot run it in float64: the import, whose weights are exact, is "
                "checked in float32"
            )
            return Referees(single, single, False, (notice,))
    if _aligns_by_axis(model):
        raise lacking
    try:
        stand_in = runtime(Reference, model)
        stand_in(stand_in.rounded(np.zeros((1, sum(info.size for info in inputs)))))
    except ModelError:
        raise lacking from None
    notice = "onnxruntime cannot run it: the import is checked against onnx's reference evaluator"
    return Referees(stand_in, stand_in, double, (notice,))


def _reading(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """A copy whose outputs include the named tensors."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    present = {o.name for o in model.graph.output}
    copy.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in dict.fromkeys(names) if name not in present
    )
    return copy


def _aligns_by_axis(model: onnx.ModelProto) -> bool:
    """Whether an old operator says by `axis` how shapes meet."""
    version = next((e.version for e in model.opset_import if e.domain == ""), _BROADCASTING)
    return version < _BROADCASTING and any(
        node.op_type in _ALIGNED and any(a.name == "axis" for a in node.attribute)
        for node in model.graph.node
    )
