"""Small ONNX files for tests."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def value(name: str, shape: Sequence[int | str | None] | None, dtype: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, dtype, shape)


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> Any:
    return helper.make_node(op, list(inputs), list(outputs), **attributes)


def model(
    nodes: Sequence[Any],
    inputs: Sequence[Any] = (value("x", [1, 3]),),
    outputs: Sequence[Any] = (value("y", None),),
    constants: Mapping[str, Any] | None = None,
    opset: int = 17,
    **more: Any,
) -> onnx.ModelProto:
    initializers = [
        numpy_helper.from_array(np.asarray(array), name)
        for name, array in (constants or {}).items()
    ]
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), initializers)
    imports = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9, **more)


def save(proto: onnx.ModelProto, folder: Path, name: str = "model.onnx") -> Path:
    path = folder / name
    path.write_bytes(proto.SerializeToString())
    return path


def mlp(seed: int = 0, sizes: Sequence[int] = (3, 8, 5, 2), dtype: Any = np.float32) -> Any:
    """A ReLU network of Gemm nodes with weights of the given type."""
    rng = np.random.default_rng(seed)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes, constants, last = [], {}, "x"
    for k, (m, n) in enumerate(itertools.pairwise(sizes)):
        constants[f"w{k}"] = rng.normal(0, 1 / np.sqrt(m), (m, n)).astype(dtype)
        constants[f"b{k}"] = rng.normal(0, 0.1, n).astype(dtype)
        final = k == len(sizes) - 2
        nodes.append(node("Gemm", [last, f"w{k}", f"b{k}"], ["y" if final else f"z{k}"]))
        if not final:
            nodes.append(node("Relu", [f"z{k}"], [f"a{k}"]))
            last = f"a{k}"
    return model(
        nodes, [value("x", [1, sizes[0]], kind)], [value("y", [1, sizes[-1]], kind)], constants
    )
