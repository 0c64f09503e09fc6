"""Networks to ONNX: a chain of Gemm and Relu, LeakyRelu or PRelu."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from cpwl_milp.core.affine import Affine, Vector
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.network import Network
from cpwl_milp.onnx_io.interface import TensorInfo

# Gemm is dense: so many weights are 400 MB in float32. An ONNX file ends at 2 GB.
MOST_WEIGHTS = 100_000_000
_OPSET = 13
_IR_VERSION = 8


def n_weights(network: Network) -> int:
    """Weights and biases of a network as a dense chain."""
    maps = [*(layer.affine for layer in network.layers), network.output]
    return sum((affine.n_in + 1) * affine.n_out for affine in maps)


def write_network(
    path: Path,
    network: Network,
    inputs: Sequence[TensorInfo],
    outputs: Sequence[TensorInfo],
    *,
    double: bool = False,
) -> None:
    """Write a network as an ONNX file.

    Parameters
    ----------
    path : Path
    network : Network
    inputs, outputs : sequence of TensorInfo
        Tensors that are joined, row-major and in this order, into its input and output vectors.
        Where all have a first dimension of 1 before others, it becomes a free batch. An output
        of the same name as an input gets another one.
    double : bool
        In float64 instead of float32, to which weights are rounded.

    Raises
    ------
    InputError
        If it is too large, or the file cannot be written.
    """
    size = n_weights(network)
    if size > MOST_WEIGHTS:
        raise InputError(
            str(path),
            f"{size:,} weights as a dense chain",
            f"at most {MOST_WEIGHTS:,}",
            "convolutions have no smaller form here; `units` says what could be left out",
        )
    taken = {tensor.name for tensor in inputs}
    outputs = [
        replace(tensor, name=f"{tensor.name}_output") if tensor.name in taken else tensor
        for tensor in outputs
    ]
    graph = _Graph(double, batched=_are_batched([*inputs, *outputs]))
    values = graph.joined(inputs)
    for number, layer in enumerate(network.layers, start=1):
        values = graph.affine(values, layer.affine, f"layer_{number}")
        values = graph.activation(values, layer.slope, f"layer_{number}")
    values = graph.affine(values, network.output, "output")
    graph.split(values, outputs)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "network",
            [graph.info(tensor) for tensor in inputs],
            [graph.info(tensor) for tensor in outputs],
            graph.initializers,
        ),
        producer_name="cpwl-milp",
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    try:
        path.write_bytes(model.SerializeToString())
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "a file to write") from None


def _are_batched(tensors: Sequence[TensorInfo]) -> bool:
    return all(len(tensor.shape) > 1 and tensor.shape[0] == 1 for tensor in tensors)


class _Graph:
    """Nodes and initializers as they come."""

    def __init__(self, double: bool, *, batched: bool) -> None:
        self._type = np.float64 if double else np.float32
        self._onnx_type = TensorProto.DOUBLE if double else TensorProto.FLOAT
        self._batched = batched
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def info(self, tensor: TensorInfo) -> onnx.ValueInfoProto:
        """The declaration of an input or output."""
        shape: list[int | str] = list(tensor.shape)
        if self._batched:
            shape[0] = "batch"
        return helper.make_tensor_value_info(tensor.name, self._onnx_type, shape)

    def joined(self, inputs: Sequence[TensorInfo]) -> str:
        """All inputs as one matrix, a sample a row."""
        flat = [self._reshaped(t.name, (t.size,), f"{t.name}/flat") for t in inputs]
        if len(flat) == 1:
            return flat[0]
        return self._node("Concat", flat, "joined", axis=1)

    def split(self, values: str, outputs: Sequence[TensorInfo]) -> None:
        """Split a matrix into the outputs."""
        parts = [values]
        if len(outputs) > 1:
            parts = [f"{tensor.name}/flat" for tensor in outputs]
            sizes = self._constant("sizes", np.array([t.size for t in outputs], dtype=np.int64))
            self.nodes.append(helper.make_node("Split", [values, sizes], parts, axis=1))
        for part, tensor in zip(parts, outputs, strict=True):
            shape = tensor.shape[1:] if self._batched else tensor.shape
            self._reshaped(part, shape, tensor.name, leading=self._batched)

    def affine(self, values: str, affine: Affine, name: str) -> str:
        """``W a + b``."""
        weight = self._constant(f"{name}/weight", affine.dense().astype(self._type))
        bias = self._constant(f"{name}/bias", affine.bias.astype(self._type))
        return self._node("Gemm", [values, weight, bias], f"{name}/z", transB=1)

    def activation(self, values: str, slope: Vector, name: str) -> str:
        """The units, with the plainest operator that has their slopes."""
        if np.all(slope == 1.0):
            return values
        if np.all(slope == 0.0):
            return self._node("Relu", [values], f"{name}/a")
        if self._type is np.float32 and np.all(slope == slope[0]):
            # An attribute is a float32.
            return self._node("LeakyRelu", [values], f"{name}/a", alpha=float(slope[0]))
        slopes = self._constant(f"{name}/slope", slope.astype(self._type))
        if self._type is np.float64 and np.all(slope <= 1.0):
            # onnxruntime knows PRelu in float32 alone.
            below = self._node("Mul", [values, slopes], f"{name}/below")
            return self._node("Max", [values, below], f"{name}/a")
        return self._node("PRelu", [values, slopes], f"{name}/a")

    def _reshaped(
        self, values: str, shape: tuple[int, ...], name: str, *, leading: bool = True
    ) -> str:
        """A tensor in another shape, behind a first dimension for samples where `leading`."""
        whole = (-1, *shape) if leading else shape
        constant = self._constant(f"{name}/shape", np.array(whole, dtype=np.int64))
        return self._node("Reshape", [values, constant], name)

    def _constant(self, name: str, values: NDArray[np.generic]) -> str:
        self.initializers.append(numpy_helper.from_array(values, name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output
