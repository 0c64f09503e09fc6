"""Operators with kinks, lowered to two-piece units without any approximation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cpwl_milp.onnx_io.linear import (
    broadcast,
    common_shape,
    reduced_axes,
    reduced_shape,
    reduction_windows,
)
from cpwl_milp.onnx_io.node import Node
from cpwl_milp.onnx_io.values import (
    MAX_COEFFICIENTS,
    Index,
    Shape,
    Tensor,
    Trace,
    check_size,
    lifted,
    n_elements,
    stacked,
)
from cpwl_milp.onnx_io.windows import pool_windows

# A bound this large cannot be met by any float32 value: exporters write it for "no bound".
_UNBOUNDED = float(np.finfo(np.float32).max)


def _label(node: Node) -> str:
    return node.proto.name or f"{node.op}:{node.proto.output[0]}"


def _relu(node: Node, trace: Trace) -> list[Tensor]:
    return [trace.units(node.tensor(0), 0.0, _label(node), node.names[0])]


def _leaky_relu(node: Node, trace: Trace) -> list[Tensor]:
    slope = node.number("alpha", 0.01)
    return [trace.units(node.tensor(0), slope, _label(node), node.names[0])]


def _prelu(node: Node, trace: Trace) -> list[Tensor]:
    x, slope = node.tensor(0), node.reals(1)
    slopes = broadcast(node, lifted(slope, x.dtype), x.shape).const
    return [trace.units(x, slopes, _label(node), node.names[0])]


def _abs(node: Node, trace: Trace) -> list[Tensor]:
    return [trace.units(node.tensor(0), -1.0, _label(node), node.names[0])]


def _thresholded_relu(node: Node, trace: Trace) -> list[Tensor]:
    if node.number("alpha", 1.0) != 0.0:
        raise node.refusal(f"alpha {node.number('alpha', 1.0):g} makes it jump at alpha", "alpha 0")
    return _relu(node, trace)


def _shrink(node: Node, trace: Trace) -> list[Tensor]:
    """Soft shrinkage, continuous iff bias = lambd: relu(x - l) - relu(-x - l)."""
    bias, lambd = node.number("bias", 0.0), node.number("lambd", 0.5)
    if bias != lambd or lambd < 0:
        raise node.refusal(
            f"bias {bias:g} and lambd {lambd:g} make it jump at lambd", "bias equal to lambd"
        )
    x = node.tensor(0)
    above = trace.units(x.shifted(-lambd), 0.0, _label(node))
    below = trace.units(x.scaled(-1.0).shifted(-lambd), 0.0, _label(node))
    return [above.plus(below.scaled(-1.0))]


def clip(trace: Trace, x: Tensor, low: float, high: float, name: str) -> Tensor:
    """``min(max(x, low), high)``: lo + relu(x - lo) - relu(x - hi); all `high` if low > high."""
    if low >= high:
        return lifted(np.full(x.shape, high), x.dtype)
    if low <= -_UNBOUNDED and high >= _UNBOUNDED:
        return x
    if low <= -_UNBOUNDED:
        return trace.units(x.scaled(-1.0).shifted(high), 0.0, name).scaled(-1.0).shifted(high)
    above = trace.units(x.shifted(-low), 0.0, name).shifted(low)
    if high >= _UNBOUNDED:
        return above
    return above.plus(trace.units(x.shifted(-high), 0.0, name).scaled(-1.0))


def _clip(node: Node, trace: Trace) -> list[Tensor]:
    bounds: list[float] = []
    for i, attribute, default in ((1, "min", -np.inf), (2, "max", np.inf)):
        if node.has(i):
            given = np.ravel(node.constant(i, finite=False))
            bound = float(given[0]) if given.size == 1 else np.nan
        else:
            bound = float(node.attributes.get(attribute, default))
        if np.isnan(bound):
            raise node.misfit(f"{attribute} is not a number")
        bounds.append(bound)
    return [clip(trace, node.tensor(0), bounds[0], bounds[1], _label(node))]


def _hard_sigmoid(node: Node, trace: Trace) -> list[Tensor]:
    z = node.tensor(0).scaled(node.number("alpha", 0.2)).shifted(node.number("beta", 0.5))
    return [clip(trace, z, 0.0, 1.0, _label(node))]


def maximum(trace: Trace, a: Tensor, b: Tensor, name: str) -> Tensor:
    """``max(a, b) = a + relu(b - a)``, entry by entry; no unit where b - a is constant."""
    gap = b.plus(a.scaled(-1.0))
    moving = gap.varies()
    slopes = np.where(moving, 0.0, 1.0)
    settled = Tensor(
        gap.shape, gap.dtype, gap.terms, np.where(moving, gap.const, gap.const.clip(0))
    )
    return a.plus(trace.units(settled, slopes, name))


def _max(node: Node, trace: Trace) -> list[Tensor]:
    """Max and Min of any number of tensors and constants."""
    sign = 1.0 if node.op == "Max" else -1.0
    operands = [node.tensor(i).scaled(sign) for i in range(len(node.inputs))]
    shape = common_shape(node, operands)
    spread = [broadcast(node, x, shape) for x in operands]
    fixed = [x for x in spread if not x.terms]
    moving = [x for x in spread if x.terms]
    while len(moving) > 1:
        pairs = [
            maximum(trace, moving[k], moving[k + 1], _label(node))
            for k in range(0, len(moving) - 1, 2)
        ]
        moving = pairs + (moving[-1:] if len(moving) % 2 else [])
    result = moving[0]
    if fixed:
        constant = np.max([x.const for x in fixed], axis=0)
        # The constant is the base, so that the bit says whether the tensor exceeds it.
        base = Tensor(shape, result.dtype, {}, constant)
        result = maximum(trace, base, result, _label(node))
    return [result.scaled(sign)]


def tournament(node: Node, trace: Trace, x: Tensor, windows: Index, shape: Shape) -> Tensor:
    """The maximum of each window by balanced rounds of pairwise maxima.

    Parameters
    ----------
    windows : ndarray, shape (n_out, k)
        Positions in `x`; -1 where a cell lies in the padding (minus infinity).
    """
    check_size(node.where, "a window table", windows.size, MAX_COEFFICIENTS)
    # Present cells first, in their order, so that the rounds stay balanced.
    order = np.argsort(windows < 0, axis=1, kind="stable")
    table = np.take_along_axis(windows, order, axis=1)
    if table.shape[1] == 0 or (table[:, 0] < 0).any():
        raise node.misfit("a window that lies wholly in the padding", "pads below the kernel")
    table = table[:, : int((table >= 0).sum(axis=1).max())]
    pool = x.reshaped((x.size,))
    while table.shape[1] > 1:
        if table.shape[1] % 2:
            table = np.pad(table, ((0, 0), (0, 1)), constant_values=-1)
        left, right = table[:, 0::2], table[:, 1::2]
        both = right >= 0
        # Overlapping windows share pairs: each pair plays once.
        keys, played = np.unique(
            left[both] * np.int64(pool.size) + right[both], return_inverse=True
        )
        first, second = np.divmod(keys, pool.size)
        alone = np.unique(left[~both])
        alone = alone[alone >= 0]
        n = keys.size
        winners = maximum(trace, pool.take(first, (n,)), pool.take(second, (n,)), _label(node))
        new = np.where(left >= 0, alone.size + 0 * left, -1)
        new[~both] = np.where(left[~both] >= 0, np.searchsorted(alone, left[~both]), -1)
        new[both] = alone.size + played.ravel()
        pool = stacked([pool.take(alone, (alone.size,)), winners])
        table = new
    return pool.take(table[:, 0], shape)


def _max_pool(node: Node, trace: Trace) -> list[Tensor]:
    x = node.tensor(0)
    windows, grid = pool_windows(node, x)
    return [tournament(node, trace, x, windows, (*x.shape[:2], *grid.count))]


def _global_max_pool(node: Node, trace: Trace) -> list[Tensor]:
    x = node.tensor(0)
    if len(x.shape) < 3:
        raise node.misfit(f"input of shape {list(x.shape)}", "(batch, channels, spatial axes ...)")
    windows = np.arange(x.size).reshape(-1, n_elements(x.shape[2:]))
    shape = (*x.shape[:2], *[1] * (len(x.shape) - 2))
    return [tournament(node, trace, x, windows, shape)]


def _reduce_extreme(node: Node, trace: Trace) -> list[Tensor]:
    x = node.tensor(0)
    axes = reduced_axes(node, x)
    if axes is None:
        return [x]
    sign = 1.0 if node.op == "ReduceMax" else -1.0
    shape = reduced_shape(node, x, axes)
    windows = reduction_windows(x, axes)
    return [tournament(node, trace, x.scaled(sign), windows, shape).scaled(sign)]


PIECEWISE: dict[str, Callable[[Node, Trace], Sequence[Tensor]]] = {
    **dict.fromkeys(("Max", "Min"), _max),
    **dict.fromkeys(("ReduceMax", "ReduceMin"), _reduce_extreme),
    "Abs": _abs,
    "Clip": _clip,
    "GlobalMaxPool": _global_max_pool,
    "HardSigmoid": _hard_sigmoid,
    "LeakyRelu": _leaky_relu,
    "MaxPool": _max_pool,
    "PRelu": _prelu,
    "Relu": _relu,
    "Shrink": _shrink,
    "ThresholdedRelu": _thresholded_relu,
}
