"""The values of a model's layers, whatever its activations: onnxruntime's intermediate outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import DataError, ModelError
from cpwl_milp.onnx_io.evaluators import Onnxruntime, reason_of
from cpwl_milp.onnx_io.interface import (
    chosen_outputs,
    input_shapes,
    real_inputs,
    split_inputs,
)
from cpwl_milp.onnx_io.normalise import inlined, pruned
from cpwl_milp.onnx_io.read import read_model
from cpwl_milp.onnx_io.strip import head_sources, stripped
from cpwl_milp.onnx_io.values import Constant

# What ends a layer.
_OPERATORS = frozenset(
    {
        *(
            "Relu",
            "LeakyRelu",
            "PRelu",
            "ThresholdedRelu",
            "Clip",
            "Abs",
            "HardSigmoid",
            "HardSwish",
        ),
        *("Tanh", "Sigmoid", "Elu", "Selu", "Celu", "Softplus", "Softsign", "Gelu", "Mish", "Erf"),
    }
)
_BLOCK = 4096
_OUTPUT = "output"


@dataclass(frozen=True)
class LayerTensor:
    """A tensor that holds a layer's values.

    Attributes
    ----------
    name : str
    operator : str
        Of the node that writes it; "output" for what is asked of the model.
    """

    name: str
    operator: str


@dataclass(frozen=True, eq=False)
class ActivationModel:
    """A model as a function from inputs to the values of its layers.

    Attributes
    ----------
    path, sha256 : str
    n_inputs : int
    input_shape : tuple of int
        Without the batch axis.
    layers : tuple of LayerTensor
        What each activation writes, in the order of the graph, and the first output.
    """

    path: str
    sha256: str
    n_inputs: int
    input_shape: tuple[int, ...]
    layers: tuple[LayerTensor, ...]
    _proto: onnx.ModelProto
    _input: str

    def values(self, x: NDArray[np.generic]) -> list[Dense]:
        """The values of every layer, one array (n, size) each, of inputs (n, n_inputs).

        Raises
        ------
        DataError
            If the inputs are of another size.
        ModelError
            If onnxruntime cannot run the model.
        """
        if x.ndim != 2 or x.shape[1] != self.n_inputs:
            raise DataError("samples", f"an array of shape {x.shape}", f"(n, {self.n_inputs})")
        names = [layer.name for layer in self.layers]
        session = _session(self._proto, self._input, self.input_shape, names, self.path)
        shaped = np.asarray(x).reshape(len(x), *self.input_shape)
        return [part.reshape(len(x), -1) for part in _run(session, self._input, shaped, names)]

    def stages(self, x: NDArray[np.generic]) -> tuple[Callable[[Dense], Dense], ...]:
        """The maps from inputs to the first layer's values, from these to the second's, and so on.

        Parameters
        ----------
        x : ndarray, shape (n, n_inputs)
            Some input: shapes of the layers are taken from it.

        Raises
        ------
        ModelError
            If a layer depends on more than the layer before it (a skip connection).
        """
        names = [layer.name for layer in self.layers]
        session = _session(self._proto, self._input, self.input_shape, names, self.path)
        first = np.asarray(x[:1]).reshape(1, *self.input_shape)
        shapes = [part.shape[1:] for part in _run(session, self._input, first, names)]
        before, shape, found = self._input, self.input_shape, []
        for name, after in zip(names, shapes, strict=True):
            found.append(self._stage(before, shape, name))
            before, shape = name, after
        return tuple(found)

    def _stage(self, before: str, shape: Sequence[int], after: str) -> Callable[[Dense], Dense]:
        part = _between(self._proto, before, after, self._input, self.path)
        session = _session(part, before, shape, [after], self.path)

        def stage(values: Dense) -> Dense:
            shaped = values.reshape(len(values), *shape)
            return _run(session, before, shaped, [after])[0].reshape(len(values), -1)

        return stage


def load_activations(
    path: str | Path,
    *,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    dims: Mapping[str, int] = MappingProxyType({}),
    fixed_inputs: Mapping[str, Constant] = MappingProxyType({}),
    strip_output: bool = False,
) -> ActivationModel:
    """Read a model for the values of its layers; it need not be piecewise linear.

    Parameters
    ----------
    path, inputs, outputs, dims, fixed_inputs, strip_output
        As `load_model` takes them; of several outputs the first is the last layer.

    Raises
    ------
    ModelError
        If it is not ONNX, has several inputs that vary, or no layers.
    InputError
        If an option names something that is not there.
    """
    file = read_model(path)
    where = file.path
    proto = inlined(file.proto, where)
    wanted = chosen_outputs(proto.graph, outputs, where)
    if strip_output:
        wanted, _ = stripped(wanted, head_sources(proto.graph, where))
    proto = pruned(proto, wanted, where)
    real = real_inputs(proto.graph)
    shapes = input_shapes(real, dims, fixed_inputs.keys(), where)
    varying, fixed = split_inputs(real, shapes, inputs, fixed_inputs, where)
    if len(varying) != 1:
        names = ", ".join(info.name for info in varying)
        raise ModelError(
            where,
            f"{len(varying)} inputs that vary: {names}",
            "one, to read its layers' values",
            "--fix the others",
        )
    (varies,) = varying
    if len(varies.shape) < 2:
        raise ModelError(
            where, f"input {varies.name} of shape {varies.shape}", "(batch, ...) with known sizes"
        )
    layers = [
        LayerTensor(node.output[0], node.op_type)
        for node in proto.graph.node
        if node.op_type in _OPERATORS
    ]
    written = {name for node in proto.graph.node for name in node.output}
    last = wanted[0].name
    if last in written and all(layer.name != last for layer in layers):
        layers.append(LayerTensor(last, _OUTPUT))
    if not layers:
        raise ModelError(where, "no activations and no output", "a network with layers")
    return ActivationModel(
        where,
        file.sha256,
        int(np.prod(varies.shape[1:])),
        varies.shape[1:],
        tuple(layers),
        _with_fixed(proto, fixed),
        varies.name,
    )


def _with_fixed(proto: onnx.ModelProto, fixed: Mapping[str, Constant]) -> onnx.ModelProto:
    """The model with arrays in place of inputs that do not vary."""
    if not fixed:
        return proto
    model = onnx.ModelProto()
    model.CopyFrom(proto)
    kept = [i for i in model.graph.input if i.name not in fixed]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in fixed.items()
    )
    return model


def _session(
    proto: onnx.ModelProto, start: str, shape: Sequence[int], names: Sequence[str], where: str
) -> Onnxruntime:
    """The graph from `start` on, for batches of any size, with the named tensors as outputs."""
    model = onnx.ModelProto()
    model.CopyFrom(proto)
    graph = model.graph
    kind = _element_type(proto)
    kept = [i for i in graph.input if i.name != start]
    del graph.input[:]
    # None is a free dimension.
    graph.input.append(onnx.helper.make_tensor_value_info(start, kind, ["batch", *shape]))
    initializers = {t.name for t in graph.initializer}
    graph.input.extend(i for i in kept if i.name in initializers)
    # Shapes written for one row would contradict a batch.
    del graph.value_info[:]
    del graph.output[:]
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return Onnxruntime(model, where)


def _element_type(proto: onnx.ModelProto) -> int:
    return int(real_inputs(proto.graph)[0].type.tensor_type.elem_type)


def _run(
    session: Onnxruntime, start: str, x: NDArray[Any], names: Sequence[str]
) -> list[NDArray[np.float64]]:
    """Outputs in float64, in blocks of rows; row by row where the graph is made for one."""
    kind = session.types[start]
    parts: list[list[NDArray[Any]]] = []
    step = _BLOCK
    k = 0
    while k < len(x):
        block: NDArray[Any] = np.ascontiguousarray(x[k : k + step], dtype=kind)
        try:
            found = session.run(names, {start: block})
            whole = all(len(part) == len(block) for part in found)
        except Exception as error:  # onnxruntime's own exceptions
            if step == 1:
                raise ModelError(
                    "layers", f"onnxruntime fails on a row: {reason_of(error)}"
                ) from error
            whole = False
        if not whole:
            if step == 1:
                raise ModelError("layers", "a value without a batch axis", "one row a sample")
            step = 1
            continue
        parts.append(found)
        k += len(block)
    return [np.concatenate(column).astype(np.float64) for column in zip(*parts, strict=True)]


def _between(
    proto: onnx.ModelProto, before: str, after: str, start: str, where: str
) -> onnx.ModelProto:
    """The nodes that `after` needs beyond `before`."""
    writers = {name: node for node in proto.graph.node for name in node.output}
    needed: dict[str, onnx.NodeProto] = {}
    waiting, seen = [after], {before}
    while waiting:
        name = waiting.pop()
        if name in seen or not name:
            continue
        seen.add(name)
        if name == start:
            raise ModelError(
                where,
                f"{after} depends on more than {before}, the layer before it",
                "a chain of layers, to inject noise at each",
                "inject it at the values alone",
            )
        node = writers.get(name)
        if node is not None:
            needed[node.output[0]] = node
            waiting += node.input
    model = onnx.ModelProto()
    model.CopyFrom(proto)
    del model.graph.node[:]
    model.graph.node.extend(n for n in proto.graph.node if n.output[0] in needed)
    return model
