"""Sliding windows: which input entries each output position reads.

One table of positions serves Conv, ConvTranspose (its transpose) and every pool.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import compact
from cpwl_milp.onnx_io.linear import per_channel
from cpwl_milp.onnx_io.node import Node
from cpwl_milp.onnx_io.values import (
    MAX_COEFFICIENTS,
    MAX_ELEMENTS,
    Index,
    Shape,
    Tensor,
    Trace,
    check_size,
    n_elements,
)

_AUTO_PADS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


@dataclass(frozen=True)
class Geometry:
    """Windows over a spatial grid, axis by axis.

    Attributes
    ----------
    size : tuple of int
        Extent of the grid the windows slide over.
    kernel, strides, dilations, begin, end : tuple of int
    count : tuple of int
        Number of windows along each axis.
    """

    size: Shape
    kernel: Shape
    strides: Shape
    dilations: Shape
    begin: Shape
    end: Shape
    count: Shape

    def table(self) -> Index:
        """Flat position read by window o at kernel cell k, -1 in the padding: (n_o, n_k)."""
        coordinates, inside = self._coordinates(0, self.size)
        flat = np.ravel_multi_index(
            tuple(np.where(inside, c, 0) for c in np.broadcast_arrays(*coordinates)), self.size
        )
        table: Index = np.where(inside, flat, -1)
        return table.reshape(n_elements(self.count), -1)

    def cells(self) -> NDArray[np.int64]:
        """How many cells of each window lie on the grid or its padding, shape (n_o,)."""
        padded = tuple(s + e for s, e in zip(self.size, self.end, strict=True))
        _, inside = self._coordinates(-1, padded)
        rows: NDArray[np.int64] = inside.reshape(n_elements(self.count), -1).sum(axis=1)
        return rows

    def _coordinates(
        self, low: int, high: Shape
    ) -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:
        """Coordinates by axis and whether all lie in range (low -1: begin pads included)."""
        rank = len(self.size)
        coordinates = []
        inside = np.ones((*self.count, *self.kernel), dtype=np.bool_)
        for axis in range(rank):
            at = (
                np.arange(self.count[axis])[:, None] * self.strides[axis]
                - self.begin[axis]
                + np.arange(self.kernel[axis]) * self.dilations[axis]
            )
            shape = [1] * (2 * rank)
            shape[axis], shape[rank + axis] = at.shape
            c = at.reshape(shape)
            coordinates.append(c)
            inside &= (c >= (0 if low == 0 else -self.begin[axis])) & (c < high[axis])
        return coordinates, inside


def _vector(node: Node, name: str, rank: int, default: int, least: int) -> Shape:
    given = node.attributes.get(name)
    values = tuple(int(v) for v in given) if given else (default,) * rank
    if len(values) != rank:
        raise node.misfit(f"{name} {list(values)} for {rank} spatial axes", f"{rank} numbers")
    if any(v < least for v in values):
        raise node.misfit(f"{name} {list(values)}", f"each at least {least}")
    return values


def _auto_pad(node: Node) -> str:
    auto = str(node.attributes.get("auto_pad", "NOTSET"))
    if auto not in _AUTO_PADS:
        raise node.misfit(f"auto_pad '{auto}'", f"one of {', '.join(_AUTO_PADS)}")
    if auto != "NOTSET" and any(node.attributes.get("pads", [])):
        raise node.misfit(f"auto_pad {auto} together with pads", "one of the two")
    return auto


def geometry(node: Node, size: Shape, kernel: Shape | None = None) -> Geometry:
    """The windows of a convolution or a pool over a grid of extent `size`.

    Raises
    ------
    ModelError
        If the attributes contradict each other or the kernel exceeds the padded input.
    """
    rank = len(size)
    if kernel is None and not node.attributes.get("kernel_shape"):
        raise node.misfit("kernel_shape is missing")
    shape = _vector(node, "kernel_shape", rank, 1, 1) if kernel is None else kernel
    if kernel is not None and tuple(node.attributes.get("kernel_shape") or kernel) != kernel:
        raise node.misfit(
            f"kernel_shape {list(node.attributes['kernel_shape'])} but weights of {list(kernel)}"
        )
    strides = _vector(node, "strides", rank, 1, 1)
    dilations = _vector(node, "dilations", rank, 1, 1)
    auto = _auto_pad(node)
    pads = _vector(node, "pads", 2 * rank, 0, 0)
    begin, end = list(pads[:rank]), list(pads[rank:])
    extent = [d * (k - 1) + 1 for k, d in zip(shape, dilations, strict=True)]
    count = []
    for a in range(rank):
        if auto.startswith("SAME"):
            n = -(-size[a] // strides[a])
            total = max((n - 1) * strides[a] + extent[a] - size[a], 0)
            begin[a] = total // 2 if auto == "SAME_UPPER" else total - total // 2
            end[a] = total - begin[a]
        else:
            room = size[a] + begin[a] + end[a] - extent[a]
            if room < 0:
                raise node.misfit(
                    f"kernel of extent {extent[a]} on an input of extent "
                    f"{size[a] + begin[a] + end[a]} (axis {a + 2}, padding included)",
                    "a kernel no larger than the padded input",
                )
            n = room // strides[a] + 1
            if node.attributes.get("ceil_mode", 0):
                n = -(-room // strides[a]) + 1
                # A window that would start beyond the input and its begin pad is dropped.
                if (n - 1) * strides[a] >= size[a] + begin[a]:
                    n -= 1
        count.append(n)
    check_size(
        node.where, "a window table", n_elements(count) * n_elements(shape), MAX_COEFFICIENTS
    )
    return Geometry(size, shape, strides, dilations, tuple(begin), tuple(end), tuple(count))


def _convolution(
    node: Node, w: NDArray[np.float64], windows: Geometry, groups: int
) -> sp.csr_array:
    """The matrix of one sample's convolution, weights (n_out, n_in / groups, *kernel)."""
    n_out, per_group = w.shape[:2]
    table = windows.table()
    where, cell = np.nonzero(table >= 0)
    spatial = table[where, cell]
    grid = n_elements(windows.size)
    check_size(node.where, "a matrix", n_out * per_group * spatial.size, MAX_COEFFICIENTS)
    kernels = w.reshape(n_out, per_group, -1).transpose(0, 2, 1)[:, cell, :]
    first = (np.arange(n_out) // (n_out // groups)) * per_group
    channels = first[:, None] + np.arange(per_group)
    # Sizes stay below MAX_ELEMENTS, so 32 bits hold every position.
    starts_at = (channels * grid).astype(np.int32)
    columns = starts_at[:, None, :] + spatial.astype(np.int32)[None, :, None]
    per_row = np.bincount(where, minlength=len(table)) * per_group
    starts = np.concatenate([[0], np.cumsum(np.tile(per_row, n_out))])
    matrix = sp.csr_array(
        (kernels.ravel(), columns.ravel(), starts),
        shape=(n_out * len(table), per_group * groups * grid),
    )
    matrix.sort_indices()
    return matrix


def _repeated(matrix: sp.csr_array, n: int) -> sp.csr_array:
    return matrix if n == 1 else sp.csr_array(sp.kron(sp.eye_array(n), matrix, format="csr"))


def _operands(node: Node) -> tuple[Tensor, NDArray[np.float64], int]:
    """Input, weights and groups of a convolution, checked against each other."""
    x, w = node.tensor(0), node.reals(1)
    if len(x.shape) < 3 or w.ndim != len(x.shape):
        raise node.misfit(
            f"input of shape {list(x.shape)} and weights of shape {list(w.shape)}",
            "(batch, channels, spatial axes ...) and weights of the same rank",
        )
    groups = int(node.attributes.get("group", 1))
    channels = x.shape[1]
    transposed = node.op == "ConvTranspose"
    fits = (
        groups > 0
        and channels % groups == 0
        and (
            w.shape[0] == channels
            if transposed
            else w.shape[0] % groups == 0 and w.shape[1] * groups == channels
        )
    )
    if not fits or 0 in w.shape:
        raise node.misfit(
            f"group {groups} with {channels} channels and weights of shape {list(w.shape)}",
            "groups that divide the channels",
        )
    return x, w, groups


def _bias(node: Node, y: Tensor) -> Tensor:
    return y.shifted(per_channel(node, y, node.reals(2))) if node.has(2) else y


def _conv(node: Node, trace: Trace) -> list[Tensor]:
    x, w, groups = _operands(node)
    windows = geometry(node, x.shape[2:], tuple(w.shape[2:]))
    shape = (x.shape[0], w.shape[0], *windows.count)
    check_size(node.where, "a tensor", n_elements(shape), MAX_ELEMENTS)
    matrix = _repeated(_convolution(node, w, windows, groups), x.shape[0])
    return [_bias(node, trace.mapped(matrix, x, 0.0, shape))]


def _transposed_geometry(node: Node, size: Shape, kernel: Shape) -> Geometry:
    """The windows whose transpose is a ConvTranspose: they slide over its output."""
    rank = len(size)
    if tuple(node.attributes.get("kernel_shape") or kernel) != kernel:
        raise node.misfit(f"kernel_shape differs from weights of {list(kernel)}")
    strides = _vector(node, "strides", rank, 1, 1)
    dilations = _vector(node, "dilations", rank, 1, 1)
    extra = _vector(node, "output_padding", rank, 0, 0)
    auto = _auto_pad(node)
    pads = list(_vector(node, "pads", 2 * rank, 0, 0))
    full = [
        strides[a] * (size[a] - 1) + extra[a] + (kernel[a] - 1) * dilations[a] + 1
        for a in range(rank)
    ]
    out = [full[a] - pads[a] - pads[rank + a] for a in range(rank)]
    wanted = node.attributes.get("output_shape")
    if wanted is not None or auto.startswith("SAME"):
        out = [int(v) for v in wanted or []][-rank:] or [
            n * s for n, s in zip(size, strides, strict=True)
        ]
        if len(out) != rank:
            raise node.misfit(f"output_shape {list(wanted or [])} for {rank} spatial axes")
        for a in range(rank):
            total = max(full[a] - out[a], 0)
            pads[a] = total // 2 if auto == "SAME_UPPER" else total - total // 2
            pads[rank + a] = total - pads[a]
    if any(v < 1 for v in out):
        raise node.misfit(f"an output of extent {out}", "positive extents")
    return Geometry(
        tuple(out), kernel, strides, dilations, tuple(pads[:rank]), tuple(pads[rank:]), size
    )


def _conv_transpose(node: Node, trace: Trace) -> list[Tensor]:
    x, w, groups = _operands(node)
    windows = _transposed_geometry(node, x.shape[2:], tuple(w.shape[2:]))
    shape = (x.shape[0], w.shape[1] * groups, *windows.size)
    check_size(node.where, "a tensor", n_elements(shape), MAX_ELEMENTS)
    forward = _convolution(node, w, windows, groups)
    matrix = _repeated(sp.csr_array(forward.T.tocsr()), x.shape[0])
    return [_bias(node, trace.mapped(matrix, x, 0.0, shape))]


def pool_windows(node: Node, x: Tensor) -> tuple[Index, Geometry]:
    """Positions read by each output of a pool over all samples and channels."""
    if len(x.shape) < 3:
        raise node.misfit(f"input of shape {list(x.shape)}", "(batch, channels, spatial axes ...)")
    windows = geometry(node, x.shape[2:])
    table = windows.table()
    planes = x.shape[0] * x.shape[1]
    check_size(node.where, "a window table", planes * table.size, MAX_COEFFICIENTS)
    offset = np.arange(planes)[:, None, None] * n_elements(x.shape[2:])
    return np.where(table >= 0, table + offset, -1).reshape(-1, table.shape[1]), windows


def _average_pool(node: Node, trace: Trace) -> list[Tensor]:
    x = node.tensor(0)
    windows, grid = pool_windows(node, x)
    used = windows >= 0
    if node.attributes.get("count_include_pad", 0):
        count = np.tile(grid.cells(), x.shape[0] * x.shape[1])
    else:
        count = used.sum(axis=1)
    if not np.all(count):
        raise node.misfit("a window that lies wholly in the padding", "pads below the kernel")
    row, cell = np.nonzero(used)
    matrix = sp.csr_array(
        (1.0 / count[row], (row, windows[row, cell])), shape=(len(windows), x.size)
    )
    return [trace.mapped(matrix, x, 0.0, (*x.shape[:2], *grid.count))]


def _global_average_pool(node: Node, trace: Trace) -> list[Tensor]:
    x = node.tensor(0)
    if len(x.shape) < 3:
        raise node.misfit(f"input of shape {list(x.shape)}", "(batch, channels, spatial axes ...)")
    planes, count = x.shape[0] * x.shape[1], n_elements(x.shape[2:])
    matrix = sp.kron(sp.eye_array(planes), np.full((1, count), 1.0 / count), format="csr")
    shape = (*x.shape[:2], *[1] * (len(x.shape) - 2))
    return [trace.mapped(compact(sp.csr_array(matrix)), x, 0.0, shape)]


WINDOWED: dict[str, Callable[[Node, Trace], Sequence[Tensor]]] = {
    "AveragePool": _average_pool,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "GlobalAveragePool": _global_average_pool,
}
