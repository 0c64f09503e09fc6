"""Backward substitution of many rows at once, each through its own bounds of the units.

The bounds are those of `bounding.crown` (DeepPoly, CROWN), over batches: `lower[l]` and `upper[l]`
have a row for each *node* (a box of inputs, perhaps with units whose signs are decided), and a row
of coefficients names the node it belongs to. All boxes lie in one, the root; how large values can
get, and so what rounding can lose, is taken from there once (`stages`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.bounding.interval import activation_bounds, value_magnitudes
from cpwl_milp.bounding.relaxation import UnitLines, unit_lines
from cpwl_milp.bounding.rounding import UNDERFLOW, below, gamma
from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.verification.stages import Layers, Stage, taken_lines, through

Indices = NDArray[np.intp]

# Numbers of one block of coefficients: what the caches hold.
_BLOCK = 1 << 18


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
