"""Backward substitution of many rows at once, each through its own bounds of the units.

The bounds and the account of rounding are those of `bounding.crown` (DeepPoly, CROWN; see there),
over batches: `lower[l]` and `upper[l]` have a row for each *node* (a box of inputs, perhaps with
units whose signs are decided), and a row of coefficients names the node it belongs to. All boxes
lie in one, the root; how large values can get, and so what rounding can lose, is taken from there
once.

Per step, for coefficients C of the values of a layer with pre-activations z: ``P = C * lines`` and,
for a node in which some units have decided signs s (s z >= 0), ``P - beta s`` with any beta >= 0:
what is subtracted is at least 0 where the signs are as decided, so that the bound holds there
(the Lagrangian of beta-CROWN: Wang, Zhang, Xu, Lin, Jana, Hsieh, Kolter, NeurIPS 2021). Forming P
errs by ``2 u (|C lines| + beta)`` more, against |z|; the sizes charged grow by that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.bounding.interval import activation_bounds, value_magnitudes
from cpwl_milp.bounding.relaxation import UnitLines, unit_lines
from cpwl_milp.bounding.rounding import UNDERFLOW, below, gamma
from cpwl_milp.core.affine import Dense, Matrix, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Layer, Network

Indices = NDArray[np.intp]
Layers: TypeAlias = "list[Dense]"

# Numbers of one block of coefficients: what the caches hold.
_BLOCK = 1 << 18


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
class Nodes:
    """Boxes of inputs with bounds of all units, a row for each node.

    Attributes
    ----------
    lower, upper : ndarray, shape (n_nodes, n_inputs)
    low, high : list of ndarray, shape (n_nodes, width) each
        Bounds of the pre-activations.
    """

    lower: Dense
    upper: Dense
    low: Layers
    high: Layers

    def __len__(self) -> int:
        return len(self.lower)

    def taken(self, chosen: Indices | slice) -> Nodes:
        """Some of the nodes."""
        return Nodes(
            self.lower[chosen],
            self.upper[chosen],
            [each[chosen] for each in self.low],
            [each[chosen] for each in self.high],
        )


@dataclass(frozen=True, eq=False)
class InputRows:
    """Linear functions of the inputs below given rows.

    Attributes
    ----------
    minimum : ndarray, shape (n_rows,)
        At most the least value of each row on its node; errors of rounding are charged.
    coefficients : ndarray, shape (n_rows, n_inputs)
    """

    minimum: Vector
    coefficients: Dense


class Passes:
    """The network over a root box.

    Parameters
    ----------
    network : Network
    box : Box
        Contains the box of every node.
    bounds : Bounds
        Sound on it.
    """

    def __init__(self, network: Network, box: Box, bounds: Bounds) -> None:
        low, high = box.lower, box.upper
        self.reach: Vector = value_magnitudes(low, high)
        self._root = bounds
        self.stages: list[Stage] = []
        for layer, z_low, z_high in zip(network.layers, bounds.lower, bounds.upper, strict=True):
            self.stages.append(Stage.of(layer, low, high))
            low, high = activation_bounds(layer, z_low, z_high)
        outputs = Layer(network.output, np.ones(network.n_outputs))
        self.output = Stage.of(outputs, low, high)

    @property
    def widest(self) -> int:
        """The largest number of values that a row of coefficients stands for."""
        return max([self.reach.size, *(stage.width for stage in self.stages)])

    def unbounded(self, lower: Dense, upper: Dense) -> Nodes:
        """Nodes of which no more is known than of the root box."""
        count = len(lower)
        return Nodes(
            lower,
            upper,
            [np.tile(each, (count, 1)) for each in self._root.lower],
            [np.tile(each, (count, 1)) for each in self._root.upper],
        )

    def bounded(self, lower: Dense, upper: Dense, known: Nodes | None = None) -> Nodes:
        """Bounds of all units on boxes, layer by layer from the input.

        Parameters
        ----------
        lower, upper : ndarray, shape (n_nodes, n_inputs)
        known : Nodes, optional
            Nodes around these, one each: their bounds are narrowed.
        """
        low, high = lower, upper
        found = Nodes(lower, upper, [], [])
        lines: list[UnitLines] = []
        for k, stage in enumerate(self.stages):
            z_low, z_high = stage.interval(low, high)
            # What is charged for rounding counts on values within the root's bounds.
            np.maximum(z_low, self._root.lower[k], out=z_low)
            np.minimum(z_high, self._root.upper[k], out=z_high)
            if known is not None:
                z_low, z_high = np.maximum(z_low, known.low[k]), np.minimum(z_high, known.high[k])
            if k > 0:
                self._narrow(k, found, lines, z_low, z_high)
            # Sound bounds cross only where rounding or a decided sign leaves no point at all.
            np.minimum(z_low, z_high, out=z_low)
            found.low.append(z_low)
            found.high.append(z_high)
            lines.append(unit_lines(stage.layer, z_low, z_high))
            low, high = activation_bounds(stage.layer, z_low, z_high)
        return found

    def lines(self, nodes: Nodes) -> list[UnitLines]:
        """The lines around the units of each layer."""
        return [
            unit_lines(stage.layer, low, high)
            for stage, low, high in zip(self.stages, nodes.low, nodes.high, strict=True)
        ]

    def minima(
        self,
        nodes: Nodes,
        lines: list[UnitLines],
        owner: Indices,
        on_outputs: Dense,
        on_inputs: Dense,
        constant: Vector,
    ) -> InputRows:
        """Lower bounds of ``on_outputs @ y + on_inputs @ x + constant``, each on its node.

        Parameters
        ----------
        nodes, lines
            Nodes and the lines around their units.
        owner : ndarray of int, shape (n_rows,)
            The node of each row.
        on_outputs : ndarray, shape (n_rows, n_outputs)
        on_inputs : ndarray, shape (n_rows, n_inputs)
        constant : ndarray, shape (n_rows,)
        """
        minimum = np.empty(len(owner))
        coefficients = np.empty((len(owner), self.reach.size))
        step = max(1, _BLOCK // self.widest)
        for start in range(0, len(owner), step):
            here = slice(start, start + step)
            rows, values, lost = through(self.output, None, on_outputs[here], constant[here])
            coefficients[here], minimum[here] = self._to_inputs(
                nodes, lines, owner[here], rows, values, lost, on_inputs[here]
            )
        return InputRows(minimum, coefficients)

    def slopes(self, nodes: Nodes, owner: Indices, on_outputs: Dense, on_inputs: Dense) -> Dense:
        """The largest absolute slopes of rows on their nodes, for choices only.

        Interval arithmetic of the gradient: a unit whose sign is open has any slope between those
        of its two sides (the smear of ReluVal: Wang, Pei, Whitehouse, Yang, Jana, USENIX Security
        2018). Nothing is charged for rounding.

        Returns
        -------
        ndarray, shape (n_rows, n_inputs)
        """
        centre = self.output.back(on_outputs)
        radius = np.zeros_like(centre)
        for stage, low, high in zip(
            reversed(self.stages), reversed(nodes.low), reversed(nodes.high), strict=True
        ):
            slope = stage.layer.slope
            one_sided = np.where(low >= 0, 1.0, slope)[owner]
            other = np.where(high > 0, 1.0, slope)[owner]
            ends = [
                side * part
                for side in (centre - radius, centre + radius)
                for part in (one_sided, other)
            ]
            most, least = np.maximum.reduce(ends), np.minimum.reduce(ends)
            centre = stage.back(0.5 * (most + least))
            radius = stage.back_sizes(0.5 * (most - least))
        return np.asarray(np.abs(centre + on_inputs) + radius)

    def _narrow(
        self, k: int, nodes: Nodes, lines: list[UnitLines], z_low: Dense, z_high: Dense
    ) -> None:
        """Tighten the bounds of the units of layer k that are open, in place."""
        stage = self.stages[k]
        owner, unit = np.nonzero((z_low < 0) & (z_high > 0) & (stage.layer.slope != 1.0))
        weight = stage.weight
        step = max(1, _BLOCK // (2 * self.widest))
        for start in range(0, owner.size, step):
            of, at = owner[start : start + step], unit[start : start + step]
            rows = weight[at] if isinstance(weight, np.ndarray) else weight[at].toarray()
            both = np.concatenate([rows, -rows])
            values = np.concatenate([stage.bias[at], -stage.bias[at]])
            _, least = self._to_inputs(
                nodes, lines, np.concatenate([of, of]), both, values, np.zeros(values.size), None
            )
            z_low[of, at] = np.maximum(z_low[of, at], least[: of.size])
            z_high[of, at] = np.minimum(z_high[of, at], -least[of.size :])

    def _to_inputs(
        self,
        nodes: Nodes,
        lines: list[UnitLines],
        owner: Indices,
        rows: Dense,
        values: Vector,
        lost: Vector,
        on_inputs: Dense | None,
    ) -> tuple[Dense, Vector]:
        """Rows over the values of the last layer that has lines, taken back to the inputs."""
        with np.errstate(over="ignore", invalid="ignore"):
            passed = self.stages[: len(lines)]
            for stage, line in zip(reversed(passed), reversed(lines), strict=True):
                rows, values, more = through(stage, taken_lines(stage, line, owner), rows, values)
                lost = lost + more
            least = self.concretised(
                nodes.lower[owner], nodes.upper[owner], rows, values, lost, on_inputs
            )
        if on_inputs is not None:
            rows = rows + on_inputs
        return rows, least

    def concretised(
        self,
        lower: Dense,
        upper: Dense,
        rows: Dense,
        values: Vector,
        lost: Vector,
        on_inputs: Dense | None = None,
    ) -> Vector:
        """A float at most ``min (rows + on_inputs) @ x + values - lost`` on each row's box."""
        whole = rows if on_inputs is None else rows + on_inputs
        sizes = np.abs(whole)
        ends = np.where(whole > 0, lower, upper)
        least = np.einsum("rn,rn->r", whole, ends) + values
        margin = gamma(2.0 * self.reach.size + 16) * (sizes @ self.reach + np.abs(values))
        margin = (margin + lost) * 1.0000001 + UNDERFLOW * (self.reach.size + 1)
        found = below(least, margin)
        return np.where(np.isnan(found), -np.inf, found)


@dataclass(frozen=True, eq=False)
class RowLines:
    """The lines around the units of a layer, a row for each row of coefficients."""

    lower_slope: Dense
    lower_offset: Dense | None
    upper_slope: Dense
    upper_offset: Dense


def taken_lines(stage: Stage, lines: UnitLines, owner: Indices) -> RowLines | None:
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
