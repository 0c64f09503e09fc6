"""One step of backward substitution over a batch of rows, with what its rounding can lose.

The account is that of `bounding.crown`, see there. Per step, for coefficients C of the values of a
layer with pre-activations z: ``P = C * lines`` and, for a row in whose node some units have decided
signs s (s z >= 0), ``P - beta s`` with any beta >= 0: what is subtracted is at least 0 where the
signs are as decided, so that the bound holds there (the Lagrangian of beta-CROWN: Wang, Zhang, Xu,
Lin, Jana, Hsieh, Kolter, NeurIPS 2021). Forming P errs by ``2 u (|C lines| + beta)`` more, against
|z|; the sizes charged grow by that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.bounding.interval import value_magnitudes
from cpwl_milp.bounding.relaxation import UnitLines
from cpwl_milp.bounding.rounding import UNDERFLOW, below, gamma
from cpwl_milp.core.affine import Dense, Matrix, Vector
from cpwl_milp.core.network import Layer

Layers: TypeAlias = "list[Dense]"


@dataclass(frozen=True, eq=False)
class Stage:
    """An affine map and the units on it; the outputs are units of slope 1.

    Attributes
    ----------
    layer : Layer
    weight : ndarray or csr_array, shape (n_out, n_in)
    transposed : csr_array or None
        The transposed weight where it is sparse.
    bias : ndarray, shape (n_out,)
    size : ndarray, shape (n_out,)
        At least ``|W| |a| + |b|`` for every value a of the layer before, in the root box.
    linear : bool
        Whether no unit has a kink.
    convex : bool
        Whether every unit's slope is at most 1.
    """

    layer: Layer
    weight: Matrix
    transposed: sp.csr_array | None
    bias: Vector
    size: Vector
    linear: bool
    convex: bool

    @staticmethod
    def of(layer: Layer, low: Vector, high: Vector) -> Stage:
        """The stage of a layer over values between `low` and `high`."""
        affine = layer.affine
        with np.errstate(over="ignore", invalid="ignore"):
            sizes = affine.magnitude() @ value_magnitudes(low, high) + np.abs(affine.bias)
            size = sizes * (1.0 + gamma(2.0 * affine.n_in + 4)) + UNDERFLOW * affine.n_in
        weight = affine.weight
        transposed = None if isinstance(weight, np.ndarray) else sp.csr_array(weight.T)
        return Stage(
            layer,
            weight,
            transposed,
            affine.bias,
            np.asarray(size),
            bool(np.all(layer.slope == 1.0)),
            bool(np.all(layer.slope <= 1.0)),
        )

    @property
    def width(self) -> int:
        """Number of units."""
        return self.bias.size

    def back(self, rows: Dense) -> Dense:
        """``rows @ W``."""
        if self.transposed is None:
            return np.asarray(rows @ self.weight)
        return np.asarray((self.transposed @ rows.T).T)

    def back_sizes(self, rows: Dense) -> Dense:
        """``rows @ |W|``."""
        if self.transposed is None:
            return np.asarray(rows @ np.abs(self.weight))
        return np.asarray((abs(self.transposed) @ rows.T).T)

    def forth(self, values: Dense) -> Dense:
        """``W a + b`` for rows a of values."""
        return np.asarray((self.weight @ values.T).T) + self.bias

    def interval(self, low: Dense, high: Dense) -> tuple[Dense, Dense]:
        """Bounds of the pre-activations over boxes of values, one a row, inside the root's."""
        centre, radius = 0.5 * (low + high), 0.5 * (high - low)
        middle = self.forth(centre)
        reach = np.asarray((abs(self.weight) @ radius.T).T)
        # Centre and radius are off by a rounding each, and every sum by its own; a value and its
        # radius together are at most twice as large as the largest value.
        margin = gamma(8.0 * self.weight.shape[1] + 32) * self.size
        margin = margin + UNDERFLOW * (4 * self.weight.shape[1] + 4)
        return below(middle - reach, margin), -below(-middle - reach, margin)


@dataclass(frozen=True, eq=False)
class RowLines:
    """The lines around the units of a layer, a row for each row of coefficients."""

    lower_slope: Dense
    lower_offset: Dense | None
    upper_slope: Dense
    upper_offset: Dense


def taken_lines(stage: Stage, lines: UnitLines, owner: NDArray[np.intp]) -> RowLines | None:
    """The lines of the nodes that own some rows; None for a stage without kinks."""
    if stage.linear:
        return None
    return RowLines(
        lines.lower_slope[owner],
        None if stage.convex else lines.lower_offset[owner],
        lines.upper_slope[owner],
        lines.upper_offset[owner],
    )


def through(
    stage: Stage,
    lines: RowLines | None,
    rows: Dense,
    values: Vector,
    decided: Dense | None = None,
) -> tuple[Dense, Vector, Vector]:
    """One step back: rows over a layer's values become rows over the values before it.

    Parameters
    ----------
    stage : Stage
    lines : RowLines or None
        None where the units are linear: slope 1.
    rows : ndarray, shape (n_rows, width)
    values : ndarray, shape (n_rows,)
        The constants.
    decided : ndarray, shape (n_rows, width), optional
        ``beta s`` of each unit, to be subtracted.

    Returns
    -------
    ndarray, ndarray
        New rows and constants.
    ndarray, shape (n_rows,)
        At most how far rounding has put them above what they stand for.
    """
    sizes = np.abs(values)
    slopes = rows
    if lines is not None:
        positive = rows > 0
        slopes = rows * np.where(positive, lines.lower_slope, lines.upper_slope)
        negative = np.minimum(rows, 0.0)
        shift = np.einsum("rn,rn->r", negative, lines.upper_offset)
        # Upper offsets of convex units are at least 0, and lower ones are 0.
        moved = np.abs(shift)
        if lines.lower_offset is not None:
            more = np.maximum(rows, 0.0) * lines.lower_offset
            moved = -np.einsum("rn,rn->r", negative, np.abs(lines.upper_offset))
            moved += np.abs(more).sum(axis=1)
            shift = shift + more.sum(axis=1)
        values = values + shift
        sizes = sizes + moved
    sizes = sizes + np.abs(slopes) @ stage.size
    if decided is not None:
        sizes = sizes + np.abs(decided) @ stage.size
        slopes = slopes - decided
    values = values + slopes @ stage.bias
    lost = gamma(4.0 * stage.width + 16) * sizes
    lost += UNDERFLOW * (stage.width + 1) * (4 + 2 * float(stage.size.sum()))
    return stage.back(slopes), values, lost
