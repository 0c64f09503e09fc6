"""The steps that make a network smaller without changing its outputs on the domain.

Each takes a draft and says whether it changed anything. They are exact in real arithmetic; sums of
weights are rounded to float64.
"""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import scipy.sparse as sp

from cpwl_milp.core.affine import Matrix, Vector
from cpwl_milp.simplification.draft import (
    Draft,
    DraftLayer,
    Reason,
    column_of,
    is_zero_column,
    is_zero_row,
    product,
)

# Rows are grouped by their directions to so many digits before they are compared exactly.
_DIGITS = 9
# A folded layer may have more weights than the two it is made of, up to so many.
_FREE_ENTRIES = 1 << 16
_MOST_ENTRIES = 1 << 24


def drop_constant_rows(draft: Draft) -> bool:
    """Take out rows that nothing feeds: their value joins the biases behind."""
    changed = False
    for index, layer in enumerate(draft.layers):
        gone = is_zero_row(layer.weight)
        if not gone.any():
            continue
        value = np.where(layer.linear | (layer.bias > 0), layer.bias, layer.slope * layer.bias)
        weight, bias = draft.after(index)
        rows = np.flatnonzero(gone)
        draft.set_after(index, weight, bias + np.asarray(weight[:, rows] @ value[rows]).ravel())
        draft.drop(index, gone, Reason.CONSTANT)
        changed = True
    return changed


def drop_unused_rows(draft: Draft) -> bool:
    """Take out rows on which nothing depends, from the last layer to the first."""
    changed = False
    for index in reversed(range(len(draft.layers))):
        gone = is_zero_column(draft.after(index)[0])
        if gone.any():
            draft.drop(index, gone, Reason.UNUSED)
            changed = True
    return changed


def merge_duplicates(draft: Draft) -> bool:
    """Let one row stand for all its multiples: ``f(c z) = c f(z)`` for c > 0.

    Linear rows also for c < 0 and with another bias; so units of slope -1, but for the bias.
    """
    changed = False
    for index, layer in enumerate(draft.layers):
        gone = np.zeros(layer.n_rows, dtype=np.bool_)
        for kept, row, factor in _multiples(layer):
            weight, bias = draft.after(index)
            column = column_of(weight, row)
            if layer.linear[row]:
                bias = bias + column * (layer.bias[row] - factor * layer.bias[kept])
            draft.set_after(index, _added(weight, kept, column * abs_if(factor, layer, row)), bias)
            gone[row] = True
        if gone.any():
            draft.drop(index, gone, Reason.DUPLICATE)
            changed = True
    return changed


def abs_if(factor: float, layer: DraftLayer, row: int) -> float:
    """The factor between the values of two rows, given that between their z."""
    return factor if layer.linear[row] else abs(factor)


def _multiples(layer: DraftLayer) -> list[tuple[int, int, float]]:
    """Rows that are multiples of earlier ones: (that row, this row, factor of z)."""
    rows = sp.csr_array(layer.weight)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for k in range(layer.n_rows):
        span = slice(rows.indptr[k], rows.indptr[k + 1])
        data = rows.data[span]
        if not data.size:
            continue
        linear = bool(layer.linear[k])
        signed = linear or layer.slope[k] == -1.0
        unit = data[0] if signed else abs(data[0])
        with np.errstate(over="ignore", under="ignore"):
            direction = np.round(data / unit, _DIGITS) + 0.0
            offset = 0.0 if linear else float(np.round(layer.bias[k] / unit, _DIGITS) + 0.0)
        kind = "linear" if linear else float(layer.slope[k])
        groups[kind, rows.indices[span].tobytes(), direction.tobytes(), offset].append(k)
    found = []
    for members in groups.values():
        leaders: list[int] = []
        for k in members:
            for leader in leaders:
                factor = _exact_factor(layer, rows, leader, k)
                if factor is not None:
                    found.append((leader, k, factor))
                    break
            else:
                leaders.append(k)
    return found


def _exact_factor(layer: DraftLayer, rows: sp.csr_array, first: int, second: int) -> float | None:
    """C with ``row second = c * row first``, exactly; None if there is none."""
    a, b = (
        [Fraction(float(v)) for v in rows.data[rows.indptr[k] : rows.indptr[k + 1]]]
        for k in (first, second)
    )
    if not layer.linear[first]:
        a.append(Fraction(float(layer.bias[first])))
        b.append(Fraction(float(layer.bias[second])))
    factor = b[0] / a[0]
    if any(factor * u != v for u, v in zip(a, b, strict=True)):
        return None
    value = float(factor)
    return value if math.isfinite(value) and value else None


def _added(weight: Matrix, column: int, values: Vector) -> Matrix:
    """A matrix with values added to one column."""
    if isinstance(weight, np.ndarray):
        changed = weight.copy()
        changed[:, column] += values
        return changed
    more = sp.csr_array(
        (values, (np.arange(len(values)), np.full(len(values), column))), shape=weight.shape
    )
    return sp.csr_array(weight + more)


def fold_linear_layers(draft: Draft) -> bool:
    """Compose layers without a kink with what follows them."""
    for index, layer in enumerate(draft.layers):
        if not layer.linear.all():
            continue
        weight, bias = draft.after(index)
        if not layer.n_rows:
            folded: Matrix = sp.csr_array((weight.shape[0], layer.weight.shape[1]))
        elif _is_large(weight, layer.weight):
            continue
        else:
            folded = product(weight, layer.weight)
            entries = sum(_entries(matrix) for matrix in (weight, layer.weight))
            if _entries(folded) > max(entries, _FREE_ENTRIES):
                continue
        draft.set_after(index, folded, bias + np.asarray(weight @ layer.bias).ravel())
        draft.note_all(layer, np.arange(layer.n_rows), Reason.LINEAR)
        del draft.layers[index]
        return True
    return False


def fold_linear_rows(draft: Draft) -> bool:
    """Carry the linear rows of a layer by fewer: by its inputs, or by what they add behind it."""
    changed = False
    for index, layer in enumerate(draft.layers):
        rows = np.flatnonzero(layer.linear)
        weight, bias = draft.after(index)
        n_before, n_after = layer.weight.shape[1], weight.shape[0]
        if min(n_before, n_after) >= rows.size or _is_large(weight, layer.weight):
            continue
        through = product(weight[:, rows], layer.weight[rows])
        shift = np.asarray(weight[:, rows] @ layer.bias[rows]).ravel()
        others = np.flatnonzero(~layer.linear)
        kept = layer.kept(others)
        if n_before <= n_after:
            nonnegative = (
                draft.layers[index - 1].values_nonnegative
                if index
                else np.zeros(n_before, dtype=np.bool_)
            )
            carried: Matrix = _identity(layer.weight, n_before)
            offset, behind, bias = np.zeros(n_before), through, bias + shift
        else:
            nonnegative = np.zeros(n_after, dtype=np.bool_)
            carried, offset, behind = through, shift, _identity(weight, n_after)
        n = len(offset)
        draft.note_all(layer, rows, Reason.LINEAR)
        draft.added += n
        draft.layers[index] = DraftLayer(
            _stacked(kept.weight, carried),
            np.concatenate([kept.bias, offset]),
            np.concatenate([kept.slope, np.where(nonnegative, 0.0, 1.0)]),
            np.concatenate([kept.linear, np.ones(n, dtype=np.bool_)]),
            np.concatenate([kept.nonnegative, nonnegative]),
            [*kept.origin, *([None] * n)],
        )
        draft.set_after(index, _beside(weight[:, others], behind), bias)
        changed = True
    return changed


def _is_large(left: Matrix, right: Matrix) -> bool:
    """Whether a product is too large to try."""
    return bool(left.shape[0] * right.shape[1] > _MOST_ENTRIES)


def _entries(matrix: Matrix) -> int:
    return int(matrix.size)


def _identity(like: Matrix, n: int) -> Matrix:
    return np.eye(n) if isinstance(like, np.ndarray) else sp.eye_array(n, format="csr")


def _stacked(above: Matrix, below: Matrix) -> Matrix:
    if isinstance(above, np.ndarray) and isinstance(below, np.ndarray):
        return np.concatenate([above, below])
    return sp.csr_array(sp.vstack([sp.csr_array(above), sp.csr_array(below)]))


def _beside(left: Matrix, right: Matrix) -> Matrix:
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return np.concatenate([left, right], axis=1)
    return sp.csr_array(sp.hstack([sp.csr_array(left), sp.csr_array(right)]))
