"""External data: weights in files beside the model, never outside its folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

import onnx
from onnx import external_data_helper

from cpwl_milp.core.errors import ModelError


def tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of a model: initializers and attributes, subgraphs and functions included."""
    graphs = [model.graph]
    nodes = [node for function in model.functions for node in function.node]
    while graphs:
        graph = graphs.pop()
        yield from graph.initializer
        nodes.extend(graph.node)
        while nodes:
            for attribute in nodes.pop().attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors
                if attribute.HasField("g"):
                    graphs.append(attribute.g)
                graphs.extend(attribute.graphs)


def load_external_data(model: onnx.ModelProto, path: Path) -> tuple[Path, ...]:
    """Read external tensors into the model; return the files read, sorted.

    Raises
    ------
    ModelError
        If a file is missing, lies outside the model's folder (``..``, absolute, symbolic
        link), or does not hold exactly the bytes a tensor needs.
    """
    folder = path.parent
    files: set[Path] = set()
    for tensor in tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            files.add(_checked(tensor, folder, f"{path}: tensor '{tensor.name}'"))
    if files:
        try:
            external_data_helper.load_external_data_for_model(model, str(folder))
        except Exception as error:  # onnx raises its own checker's and OS errors here
            raise ModelError(str(path), f"external data cannot be read: {error}") from error
    return tuple(sorted(files))


def _checked(tensor: onnx.TensorProto, folder: Path, where: str) -> Path:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    parts = (*PurePosixPath(location).parts, *PureWindowsPath(location).parts)
    if not location or ".." in parts or _is_absolute(location):
        raise ModelError(
            where, f"external data at '{location}'", "a file inside the model's folder"
        )
    file = folder / location
    if not file.resolve().is_relative_to(folder.resolve()):
        raise ModelError(
            where, f"external data '{location}' links out of the model's folder", "a file inside it"
        )
    if not file.is_file():
        raise ModelError(
            where,
            f"external data file '{location}' is missing",
            hint="copy it beside the model, under the name it was exported with",
        )
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", -1))
    except ValueError as error:
        raise ModelError(where, "external data with a malformed offset or length") from error
    available = file.stat().st_size
    if length < 0 and "length" not in entries:
        length = available - offset
    if offset < 0 or length < 0 or offset + length > available:
        raise ModelError(
            where,
            f"external data of {length} bytes at offset {offset} of '{location}', "
            f"which has {available} bytes",
            hint="the data file is truncated or belongs to another model",
        )
    needed = tensor_bytes(tensor, where)
    if length != needed:
        raise ModelError(where, f"external data of {length} bytes", f"{needed} bytes for its shape")
    return Path(file)


def _is_absolute(location: str) -> bool:
    return PurePosixPath(location).is_absolute() or PureWindowsPath(location).is_absolute()


def tensor_bytes(tensor: onnx.TensorProto, where: str) -> int:
    """Bytes that a tensor's shape and type call for.

    Raises
    ------
    ModelError
        If the type is unknown or a dimension negative.
    """
    if any(d < 0 for d in tensor.dims):
        raise ModelError(where, f"dimensions {list(tensor.dims)}", "none negative")
    count = 1
    for d in tensor.dims:
        count *= d
    try:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    except KeyError as error:
        raise ModelError(where, f"unknown element type {tensor.data_type}") from error
    bits = {onnx.TensorProto.UINT4: 4, onnx.TensorProto.INT4: 4, onnx.TensorProto.FLOAT4E2M1: 4}
    width = bits.get(tensor.data_type, 8 * dtype.itemsize)
    return int(count * width + 7) // 8
