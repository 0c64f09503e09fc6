"""Which tensors are the inputs and outputs, and how large they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from cpwl_milp.core.errors import InputError, ModelError
from cpwl_milp.onnx_io.movement import dtype_name, is_float
from cpwl_milp.onnx_io.values import MAX_ELEMENTS, Constant, Shape, check_size, n_elements


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of the network.

    Attributes
    ----------
    name : str
    shape : tuple of int
    dtype : str
        Element type in the file.
    """

    name: str
    shape: Shape
    dtype: str = "float32"

    @property
    def size(self) -> int:
        """Number of elements."""
        return n_elements(self.shape)


def real_inputs(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """The graph inputs that are not just repeated initializers."""
    initializers = {t.name for t in graph.initializer}
    return [i for i in graph.input if i.name not in initializers]


def input_shapes(
    inputs: Sequence[onnx.ValueInfoProto],
    dims: Mapping[str, int],
    fixed: Collection[str],
    where: str,
) -> dict[str, Shape]:
    """A concrete shape for each input.

    A free first dimension of an input of rank 2 or more is a batch and becomes 1; every other
    free dimension must be given in `dims`, by its name or as ``input:axis``. Only an input in
    `fixed` may be empty.

    Raises
    ------
    ModelError
        If a shape is unknown, absurd, or free where no value was given.
    InputError
        If `dims` names a dimension that does not exist, or gives a value below 1.
    """
    for name, value in dims.items():
        if value < 1:
            raise InputError(f"--dim {name}", f"{value}", "a positive number")
    free: dict[str, None] = {}
    chosen = dict(dims)
    for entry in inputs:
        place = f"{where}: input '{entry.name}'"
        if entry.type.WhichOneof("value") != "tensor_type":
            kind = (entry.type.WhichOneof("value") or "no type").removesuffix("_type")
            raise ModelError(place, f"{kind}", "a tensor")
        if not entry.type.tensor_type.HasField("shape"):
            raise ModelError(place, "its shape is unknown", hint="export with a fixed input shape")
        for axis, dim in enumerate(entry.type.tensor_type.shape.dim):
            symbol = _symbol(entry.name, axis, dim)
            if symbol is None:
                continue
            free[symbol] = None
            free.setdefault(f"{entry.name}:{axis}")
            if axis == 0 and len(entry.type.tensor_type.shape.dim) > 1:
                chosen.setdefault(symbol, 1)
    unknown = [name for name in dims if name not in free]
    if unknown:
        known = ", ".join(free) or "none"
        raise InputError(f"--dim {unknown[0]}", "no such free dimension", f"one of: {known}")
    shapes = {}
    for entry in inputs:
        place = f"{where}: input '{entry.name}'"
        shape = []
        for axis, dim in enumerate(entry.type.tensor_type.shape.dim):
            symbol = _symbol(entry.name, axis, dim)
            size = (
                dim.dim_value
                if symbol is None
                else chosen.get(f"{entry.name}:{axis}", chosen.get(symbol))
            )
            if size is None:
                raise ModelError(
                    place,
                    f"dimension {axis} ('{symbol}') is free",
                    hint=f"give --dim {symbol}=SIZE",
                )
            if size < (0 if entry.name in fixed else 1):
                raise ModelError(place, f"dimension {axis} is {size}", "a positive size")
            shape.append(int(size))
        check_size(place, "a tensor", n_elements(shape), MAX_ELEMENTS)
        shapes[entry.name] = tuple(shape)
    return shapes


def _symbol(name: str, axis: int, dim: onnx.TensorShapeProto.Dimension) -> str | None:
    if dim.HasField("dim_value"):
        return None
    return str(dim.dim_param) or f"{name}:{axis}"


def split_inputs(
    inputs: Sequence[onnx.ValueInfoProto],
    shapes: Mapping[str, Shape],
    chosen: Sequence[str],
    fixed: Mapping[str, Constant],
    where: str,
) -> tuple[list[TensorInfo], dict[str, Constant]]:
    """The inputs that vary, in graph order, and the arrays of the others.

    Raises
    ------
    InputError
        If a name is unknown, an input is neither chosen nor fixed, or an array does not fit.
    ModelError
        If there is nothing to vary, or an input is not of a floating type.
    """
    names = [i.name for i in inputs]
    known = ", ".join(names) or "none"
    for option, given in (("--input", chosen), ("fixed inputs", fixed)):
        for name in given:
            if name not in names:
                raise InputError(f"{option} {name}", "no such input", f"one of: {known}")
    arrays, varying = {}, []
    for entry in inputs:
        name, dtype = entry.name, entry.type.tensor_type.elem_type
        if name in fixed:
            if name in chosen:
                raise InputError(f"--input {name}", "both chosen and fixed", "one of the two")
            arrays[name] = _fitted(name, fixed[name], shapes[name], dtype)
        elif chosen and name not in chosen:
            raise InputError(
                f"--input {', '.join(chosen)}",
                f"input '{name}' is neither chosen nor fixed",
                hint=f"give --fix {name}=FILE.npy",
            )
        elif not is_float(dtype):
            raise ModelError(
                f"{where}: input '{name}'",
                f"element type {dtype_name(dtype)}",
                "a floating type",
                "fix it to an array, or export the model with float inputs",
            )
        else:
            varying.append(TensorInfo(name, shapes[name], dtype_name(dtype)))
    if not varying:
        raise ModelError(
            where, "the network has no input to vary", hint="regions are regions of an input space"
        )
    total = sum(info.size for info in varying)
    check_size(where, "an input vector", total, MAX_ELEMENTS)
    return varying, arrays


def _fitted(name: str, array: Constant, shape: Shape, dtype: int) -> Constant:
    given = np.asarray(array)
    if given.size != n_elements(shape):
        raise InputError(
            f"fixed input '{name}'", f"an array of shape {list(given.shape)}", f"{list(shape)}"
        )
    # bfloat16 and its like are of numpy's kind "V".
    if given.dtype.kind not in "buifV" or given.dtype.names is not None:
        raise InputError(f"fixed input '{name}'", f"values of type {given.dtype}", "real numbers")
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        raise InputError(f"fixed input '{name}'", "NaN or infinity", "finite numbers")
    return given.reshape(shape).astype(onnx.helper.tensor_dtype_to_np_dtype(dtype))


def chosen_outputs(
    graph: onnx.GraphProto, chosen: Sequence[str], where: str
) -> list[onnx.ValueInfoProto]:
    """The outputs of the network: the graph's, or any named tensors of the graph, in graph order.

    Raises
    ------
    InputError
        If a name is unknown.
    ModelError
        If the graph has no output.
    """
    if not graph.output:
        raise ModelError(where, "the graph has no output", hint="the file is incomplete")
    if not chosen:
        return list(graph.output)
    made = [*(o.name for o in graph.output), *(n for node in graph.node for n in node.output if n)]
    order = {name: k for k, name in reversed(list(enumerate(made)))}
    for name in chosen:
        if name not in order:
            known = ", ".join(o.name for o in graph.output)
            raise InputError(f"--output {name}", "no such tensor", f"one of: {known}")
    declared = {o.name: o for o in graph.output}
    return [
        declared.get(name, onnx.ValueInfoProto(name=name))
        for name in sorted(set(chosen), key=order.__getitem__)
    ]
