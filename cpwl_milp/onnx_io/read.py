"""From bytes on disk to a checked ``ModelProto``: all about the file, nothing about maths."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import onnx

from cpwl_milp.core.errors import ModelError
from cpwl_milp.onnx_io.external import load_external_data, tensor_bytes, tensors

# A protobuf message cannot be larger.
_MAX_BYTES = (1 << 31) - 1
_OLDEST_OPSET = 6

_FOREIGN = (
    (b"version https://git-lfs", "a Git-LFS pointer, not the model", "run 'git lfs pull'"),
    (b"\x1f\x8b", "gzip-compressed", "unpack it with gunzip"),
    (b"PK\x03\x04", "a zip archive (a PyTorch .pt/.pth file?)", "export it to ONNX first"),
    (b"\x89HDF", "an HDF5 file (Keras?)", "export it to ONNX first"),
    (b"<", "HTML or XML, not a model", "download the raw file"),
    (b"{", "JSON, not a model", "save it in ONNX's binary format"),
)


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A model as read, external data included.

    Attributes
    ----------
    path : str
    sha256 : str
        Of the file; with external data, of the file followed by the data files in order of
        their names.
    proto : onnx.ModelProto
    notices : tuple of str
    """

    path: str
    sha256: str
    proto: onnx.ModelProto
    notices: tuple[str, ...]


def read_model(path: str | Path) -> ModelFile:
    """Read an ONNX file.

    Raises
    ------
    ModelError
        If the file is missing, not ONNX, truncated, of an unknown version, or if a tensor or
        its external data does not fit its shape.
    """
    file = Path(path)
    where = str(path)
    content = _content(file, where)
    head = content[:64].lstrip()
    for magic, found, hint in _FOREIGN:
        if head.startswith(magic):
            raise ModelError(where, found, "an ONNX model", hint)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:  # protobuf's DecodeError, which onnx does not re-export
        raise ModelError(
            where,
            "not an ONNX model, or a truncated one",
            "a binary protobuf as written by torch.onnx, tf2onnx or skl2onnx",
            "download or export it again",
        ) from error
    _check_names(model, where)
    _check_versions(model, where)
    digest = hashlib.sha256(content)
    external = load_external_data(model, file)
    for extra in external:
        digest.update(extra.read_bytes())
    _check_tensors(model, where)
    notices = (f"weights read from {', '.join(f.name for f in external)}",) if external else ()
    return ModelFile(where, digest.hexdigest(), model, notices)


def _content(file: Path, where: str) -> bytes:
    try:
        if not file.exists():
            raise ModelError(where, "no such file")
        if not file.is_file():
            raise ModelError(where, "not a regular file", "an ONNX model")
        size = file.stat().st_size
        if size == 0:
            raise ModelError(where, "an empty file", "an ONNX model", "download it again")
        if size > _MAX_BYTES:
            raise ModelError(where, f"a file of {size:,} bytes", "less than 2 GB")
        return file.read_bytes()
    except OSError as error:
        raise ModelError(where, f"cannot be read: {error.strerror}") from error


def _check_names(model: onnx.ModelProto, where: str) -> None:
    """Names are text: protobuf hands over bytes where they are not UTF-8."""
    graph = model.graph
    texts = [(f"node {k}", t) for k, n in enumerate(graph.node) for t in _texts_of(n)]
    texts += [("tensor", tensor.name) for tensor in graph.initializer]
    texts += [("value", v.name) for v in (*graph.input, *graph.output, *graph.value_info)]
    for what, text in texts:
        if isinstance(text, bytes):
            raise ModelError(
                where, f"{what} has a name that is not UTF-8: {text!r}", "text", "export it again"
            )


def _texts_of(node: onnx.NodeProto) -> list[str]:
    return [node.name, node.op_type, node.domain, *node.input, *node.output]


def _check_versions(model: onnx.ModelProto, where: str) -> None:
    graph = model.graph
    if not model.HasField("graph") or not (graph.node or graph.output or graph.input):
        raise ModelError(where, "no graph inside", "an ONNX model", "download or export it again")
    if not 3 <= model.ir_version <= onnx.IR_VERSION:
        raise ModelError(where, f"ONNX IR version {model.ir_version}", f"3 to {onnx.IR_VERSION}")
    # 'ai.onnx' is another spelling of the default domain.
    for node in graph.node:
        if node.domain == "ai.onnx":
            node.domain = ""
    versions: dict[str, set[int]] = {}
    for entry in model.opset_import:
        if entry.domain == "ai.onnx":
            entry.domain = ""
        versions.setdefault(entry.domain, set()).add(entry.version)
    for domain, found in versions.items():
        if len(found) > 1:
            raise ModelError(
                where, f"opset versions {sorted(found)} of domain '{domain}'", "one version"
            )
    newest = onnx.defs.onnx_opset_version()
    found = versions.get("", set())
    nodes = [*graph.node, *(node for f in model.functions for node in f.node)]
    if not any(node.domain == "" for node in nodes):
        return  # nothing that the version would matter to
    if not found:
        raise ModelError(where, "no opset version", f"{_OLDEST_OPSET} to {newest}")
    if not _OLDEST_OPSET <= min(found) <= newest:
        raise ModelError(
            where,
            f"opset {min(found)}",
            f"{_OLDEST_OPSET} to {newest}",
            "re-export the model with a current opset",
        )


def _check_tensors(model: onnx.ModelProto, where: str) -> None:
    if model.graph.sparse_initializer:
        raise ModelError(
            where, "sparse initializers", "dense ones", "re-export the model with dense weights"
        )
    for tensor in tensors(model):
        place = f"{where}: tensor '{tensor.name}'"
        needed = tensor_bytes(tensor, place)
        if tensor.HasField("raw_data") and len(tensor.raw_data) != needed:
            raise ModelError(
                place,
                f"{len(tensor.raw_data)} bytes of data for shape {list(tensor.dims)}",
                f"{needed} bytes",
                "the file is damaged",
            )
        held = sum(
            len(values)
            for values in (
                tensor.float_data,
                tensor.double_data,
                tensor.int32_data,
                tensor.int64_data,
                tensor.uint64_data,
                tensor.string_data,
            )
        )
        if not tensor.HasField("raw_data") and held == 0 and needed > 0:
            raise ModelError(
                place, f"no data for shape {list(tensor.dims)}", hint="the file is damaged"
            )
