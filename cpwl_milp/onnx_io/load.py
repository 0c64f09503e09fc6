"""The door: from an ONNX file to a network that onnxruntime can check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import ModelError
from cpwl_milp.core.network import Network
from cpwl_milp.onnx_io.chain import Probe, chain
from cpwl_milp.onnx_io.interface import (
    TensorInfo,
    chosen_outputs,
    input_shapes,
    real_inputs,
    split_inputs,
)
from cpwl_milp.onnx_io.interpret import Interpreter
from cpwl_milp.onnx_io.movement import dtype_name, is_float
from cpwl_milp.onnx_io.normalise import converted, inlined, pruned, refuse_foreign_nodes
from cpwl_milp.onnx_io.read import read_model
from cpwl_milp.onnx_io.referee import referees
from cpwl_milp.onnx_io.runtime import Runtime
from cpwl_milp.onnx_io.strip import head_sources, stripped
from cpwl_milp.onnx_io.values import Constant, Shape, Tensor, Trace, Value, lifted, stacked

# HiGHS drops matrix entries below the first, and reports trouble above the second.
_SMALL, _LARGE = 1e-9, 1e9

_NOTHING: Mapping[str, Constant] = MappingProxyType({})
_NO_DIMS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class ImportedModel:
    """A network and the file it comes from.

    Attributes
    ----------
    network : Network
    path, sha256 : str
        See `read.ModelFile` for what is hashed.
    inputs, outputs : tuple of TensorInfo
        Joined in this order, row-major, into the input and the output vector.
    operators : dict
        Number of nodes of each type in the part of the graph that is used.
    notices : tuple of str
        What a reader of the answer should know.
    double : bool
        Whether the import is checked in float64.
    probes : tuple of Probe
        Units whose pre-activations can be compared with the file's own.
    runtime, referee : Runtime
        The file as others compute it, and what the import is compared with, see `referee`.
    """

    network: Network
    path: str
    sha256: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    operators: dict[str, int]
    notices: tuple[str, ...]
    double: bool
    probes: tuple[Probe, ...] = field(repr=False)
    runtime: Runtime = field(repr=False)
    referee: Runtime = field(repr=False)

    def run(self, x: Dense) -> Dense:
        """Outputs through onnxruntime, shape (n, n_outputs), of inputs (n, n_inputs)."""
        return self.runtime(x)


def load_model(
    path: str | Path,
    *,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    dims: Mapping[str, int] = _NO_DIMS,
    fixed_inputs: Mapping[str, Constant] = _NOTHING,
    strip_output: bool = False,
) -> ImportedModel:
    """Import a piecewise-linear ONNX network.

    Parameters
    ----------
    path : str or Path
    inputs : sequence of str
        Inputs that vary; all that are not fixed by default.
    outputs : sequence of str
        Outputs, or any other tensors of the graph; all outputs by default.
    dims : mapping
        Sizes of free dimensions, by name or as ``input:axis``. A free first dimension of an
        input of rank 2 or more is a batch, and 1 by default.
    fixed_inputs : mapping
        Arrays for the inputs that do not vary.
    strip_output : bool
        Cut off a final Softmax, LogSoftmax, Sigmoid or ArgMax.

    Raises
    ------
    ModelError
        If the file is broken or hostile.
    UnsupportedOperatorError
        If the network is not (provably) continuous piecewise linear.
    InputError
        If an option names something that is not there.
    """
    file = read_model(path)
    where, notices = file.path, list(file.notices)
    model = inlined(file.proto, where)
    wanted = chosen_outputs(model.graph, outputs, where)
    heads = head_sources(model.graph, where)
    if strip_output:
        wanted, cut = stripped(wanted, heads)
        notices += cut or ["--strip-output: no output ends in a head that could be cut off"]
    used = pruned(model, wanted, where)
    refuse_foreign_nodes(used.graph, where)
    real = real_inputs(used.graph)
    shapes = input_shapes(real, dims, fixed_inputs.keys(), where)
    varying, fixed = split_inputs(real, shapes, inputs, fixed_inputs, where)
    ready = converted(_with_shapes(used, shapes), where)
    hint = "--strip-output cuts it off" if heads and not strip_output else ""
    trace = Trace()
    opsets = {e.domain: e.version for e in ready.opset_import}
    # The conversion may add initializers; the large ones it never saw.
    constants = {**_constants(used.graph), **_constants(ready.graph)}
    known = {**constants, **fixed, **_variables(trace, varying)}
    found = Interpreter(ready.graph, opsets, known, trace, where, hint).run()
    parts = [_output(found[o.name], o, where) for o in wanted]
    network, probes = chain(trace.blocks, stacked(parts))
    notices += _coefficient_notices(network, where)
    made = {name for node in used.graph.node for name in node.output}
    probes = tuple(probe for probe in probes if probe.tensor in made)
    check = referees(used, varying, fixed, probes, where)
    return ImportedModel(
        network=network,
        path=where,
        sha256=file.sha256,
        inputs=tuple(varying),
        outputs=tuple(
            TensorInfo(o.name, p.shape, dtype_name(p.dtype))
            for o, p in zip(wanted, parts, strict=True)
        ),
        operators=dict(sorted(Counter(n.op_type for n in used.graph.node).items())),
        notices=(*notices, *check.notices),
        double=check.double,
        probes=probes,
        runtime=check.runtime,
        referee=check.referee,
    )


def _with_shapes(model: onnx.ModelProto, shapes: Mapping[str, Shape]) -> onnx.ModelProto:
    """The model with concrete input shapes."""
    fixed = onnx.ModelProto()
    fixed.ir_version = model.ir_version
    fixed.opset_import.extend(model.opset_import)
    fixed.graph.name = model.graph.name
    fixed.graph.node.extend(model.graph.node)
    fixed.graph.initializer.extend(model.graph.initializer)
    fixed.graph.output.extend(model.graph.output)
    for entry in model.graph.input:
        dtype = entry.type.tensor_type.elem_type
        fixed.graph.input.append(
            onnx.helper.make_tensor_value_info(entry.name, dtype, shapes[entry.name])
        )
    return fixed


def _constants(graph: onnx.GraphProto) -> dict[str, Value]:
    return {t.name: np.asarray(numpy_helper.to_array(t)) for t in graph.initializer}


def _variables(trace: Trace, varying: Sequence[TensorInfo]) -> dict[str, Value]:
    """The input vector, cut into the inputs."""
    types = {"float16": 10, "bfloat16": 16, "float32": 1, "float64": 11}
    whole = trace.inputs(sum(info.size for info in varying), TensorProto.FLOAT)
    values: dict[str, Value] = {}
    start = 0
    for info in varying:
        part = whole.take(np.arange(start, start + info.size), info.shape)
        values[info.name] = part.typed(types[info.dtype])
        start += info.size
    return values


def _output(value: Value, info: onnx.ValueInfoProto, where: str) -> Tensor:
    """An output as a tensor of real numbers."""
    place = f"{where}: output '{info.name}'"
    tensor = value
    if not isinstance(tensor, Tensor):
        array = np.asarray(tensor)
        dtype = int(onnx.helper.np_dtype_to_tensor_dtype(array.dtype))
        if is_float(dtype) and not np.isfinite(np.asarray(array, dtype=np.float64)).all():
            raise ModelError(place, "a constant with NaN or infinity", "finite numbers")
        tensor = lifted(array if is_float(dtype) else np.zeros(array.shape), dtype)
    if not is_float(tensor.dtype):
        raise ModelError(
            place,
            f"element type {dtype_name(tensor.dtype)}",
            "a floating type",
            "choose another --output",
        )
    declared = info.type.tensor_type.elem_type
    if declared not in (0, tensor.dtype):
        raise ModelError(
            place,
            f"declared as {dtype_name(declared)}, but its values are {dtype_name(tensor.dtype)}",
        )
    return tensor


def _coefficient_notices(network: Network, where: str) -> list[str]:
    """A notice where coefficients are beyond what solvers handle well.

    Raises
    ------
    ModelError
        If composing weights has overflowed.
    """
    smallest, largest = np.inf, 0.0
    for affine in (*(layer.affine for layer in network.layers), network.output):
        weight = affine.weight if isinstance(affine.weight, np.ndarray) else affine.weight.data
        for values in (weight, affine.bias):
            if not np.isfinite(values).all():
                raise ModelError(where, "products of weights overflow", "finite numbers")
            size = np.abs(values[values != 0])
            smallest = min(smallest, float(size.min(initial=np.inf)))
            largest = max(largest, float(size.max(initial=0.0)))
    if smallest >= _SMALL and largest <= _LARGE:
        return []
    return [
        f"coefficients from {smallest:.1g} to {largest:.1g} in magnitude: a MILP solver ignores or "
        "misjudges those at the ends"
    ]
