"""Bounds that are improved: the dual of the relaxation, by ascent.

Backward substitution leaves choices: the slope alpha of the line below an open unit, multipliers
beta >= 0 for signs that are decided, and weights of several rows that must hold together. Any
choice gives a sound bound; better ones are found by following the gradient (alpha- and beta-CROWN:
Xu et al., ICLR 2021; Wang et al., NeurIPS 2021). The gradient needs no automatic differentiation.
Let x be the corner of the box at which the last linear function is least, and send it forward
through the very lines that were taken on the way back: to z and a in each layer. Then the bound's
derivatives are

    d/d alpha = C z  (C > 0),     d/d beta = -s z,     d/d weight_k = row k at the forward outputs

for coefficients C of a unit's value and a decided sign s. Only the last bound counts; how alpha and
beta came about does not matter for it, and its rounding is charged as in `stages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.bounding.relaxation import UnitLines
from cpwl_milp.bounding.rounding import gamma
from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.property import LinearRows
from cpwl_milp.verification.passes import Nodes, Passes
from cpwl_milp.verification.stages import Layers, RowLines, Stage, through

Signs: TypeAlias = "list[NDArray[np.int8]]"
# In float32 where they are stored.
Slopes: TypeAlias = "Sequence[NDArray[np.floating[Any]]]"

# Adam (Kingma and Ba, ICLR 2015): decay of the two moments, and what keeps quotients finite.
_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-30
# First steps of alpha, in its own units, and of beta, in those of the largest coefficient; decay.
_ALPHA_STEP, _BETA_STEP, _DECAY = 0.25, 0.1, 0.95
_WEIGHT_STEP = 0.5


@dataclass
class Choices:
    """What a bound is made with, a row for each row of coefficients.

    Attributes
    ----------
    alpha, beta : list of ndarray, shape (n_rows, width) each
    weights : ndarray, shape (n_rows, n_constraints)
        At least 0.
    """

    alpha: Slopes
    beta: Slopes
    weights: Dense

    def taken(self, chosen: np.ndarray) -> Choices:
        """Those of some rows."""
        return Choices(
            [each[chosen] for each in self.alpha],
            [each[chosen] for each in self.beta],
            self.weights[chosen],
        )


@dataclass(frozen=True, eq=False)
class Ascended:
    """What an ascent ended with.

    Attributes
    ----------
    least : ndarray, shape (n_rows,)
        The best lower bounds on the way.
    x : ndarray, shape (n_rows, n_inputs)
        Where the last linear functions are least.
    coefficients, z, a : list of ndarray
        Of each layer, on the last way: coefficients of the values; pre-activations and relaxed
        values on the way forward from x.
    choices : Choices
        The last.
    """

    least: Vector
    x: Dense
    coefficients: Layers
    z: Layers
    a: Layers
    choices: Choices


@dataclass
class _Moments:
    """Adam's state of one layer's choices."""

    first: Dense
    second: Dense

    @staticmethod
    def like(values: Dense) -> _Moments:
        return _Moments(np.zeros_like(values), np.zeros_like(values))

    def direction(self, gradient: Dense, step: int) -> Dense:
        self.first = _FIRST * self.first + (1 - _FIRST) * gradient
        self.second = _SECOND * self.second + (1 - _SECOND) * gradient**2
        mean = self.first / (1 - _FIRST**step)
        spread = np.sqrt(self.second / (1 - _SECOND**step))
        return np.asarray(mean / (spread + _TINY))


@dataclass
class Head:
    """Where the way back begins: weighted rows over outputs and inputs.

    Attributes
    ----------
    passes : Passes
    rows : LinearRows
        Those of one case.
    """

    passes: Passes
    rows: LinearRows
    size: Vector = field(init=False)

    def __post_init__(self) -> None:
        rows = self.rows
        terms = np.abs(rows.on_outputs) @ self.passes.output.size
        terms = terms + np.abs(rows.on_inputs) @ self.passes.reach + np.abs(rows.limit)
        self.size = terms * 1.0000001

    def begin(self, weights: Dense) -> tuple[Dense, Vector, Vector, Dense]:
        """Rows over the last layer's values, constants, error so far, and rows over inputs."""
        rows = self.rows
        start, values = weights @ rows.on_outputs, -(weights @ rows.limit)
        lost = gamma(4.0 * len(rows) + 16) * (weights @ self.size)
        start, values, more = through(self.passes.output, None, start, values)
        return start, values, lost + more, weights @ rows.on_inputs

    def excess(self, x: Dense, last: Dense) -> Dense:
        """The rows' excess where the last layer's values are `last`, shape (n_rows, n)."""
        return self.rows.excess(x, self.passes.output.forth(last))


class Ascent:
    """Improves the bounds of one case on some nodes.

    Parameters
    ----------
    passes : Passes
    head : Head
    nodes : Nodes
        Bounds as the decided signs leave them.
    signs : list of ndarray of int8, shape (n_nodes, width) each
        1 or -1 for a decided unit, else 0.
    lines : list of UnitLines
        Around the units of the nodes.
    """

    def __init__(
        self, passes: Passes, head: Head, nodes: Nodes, signs: Signs, lines: list[UnitLines]
    ) -> None:
        self._passes = passes
        self._head = head
        self._nodes = nodes
        self._signs = signs
        self._lines = lines

    def run(self, choices: Choices, steps: int) -> Ascended:
        """Ascend from some choices; one way back and forth for each step, and one more.

        Ends early when all bounds are above 0.
        """
        # Within the two slopes of a unit again: they may have been rounded to float32.
        alpha = [
            np.clip(each.astype(np.float64), *_slopes(stage))
            for each, stage in zip(choices.alpha, self._passes.stages, strict=True)
        ]
        beta = [each.astype(np.float64) for each in choices.beta]
        weights = choices.weights.copy()
        of_alpha = [_Moments.like(each) for each in alpha]
        of_beta = [_Moments.like(each) for each in beta]
        best = np.full(len(weights), -np.inf)
        for step in range(steps + 1):
            least, x, coefficients = self._back(Choices(alpha, beta, weights))
            best = np.maximum(best, least)
            z, a, last = self._forth(x, alpha, coefficients)
            if step == steps or np.all(best > 0):
                break
            decay = _DECAY**step
            for k, coefficient in enumerate(coefficients):
                upward = np.maximum(coefficient, 0.0) * z[k]
                change = of_alpha[k].direction(upward, step + 1)
                changed = alpha[k] + _ALPHA_STEP * decay * change
                alpha[k] = np.clip(changed, *_slopes(self._passes.stages[k]))
                decided = self._signs[k] != 0
                if decided.any():
                    change = of_beta[k].direction(-self._signs[k] * z[k] * decided, step + 1)
                    scale = np.abs(coefficient).max(axis=1, keepdims=True)
                    beta[k] = np.maximum(beta[k] + _BETA_STEP * decay * scale * change, 0.0)
            if weights.shape[1] > 1:
                weights = _reweighted(weights, self._head.excess(x, last), decay)
        end = Choices(alpha, beta, weights)
        return Ascended(best, x, coefficients, z, a, end)

    def _relaxed(self, k: int, alpha: NDArray[np.floating[Any]]) -> RowLines:
        """The lines of layer k, with alpha below the open units that have a choice."""
        stage, lines = self._passes.stages[k], self._lines[k]
        chosen = lines.kinked & (stage.layer.slope < 1.0)
        return RowLines(
            np.where(chosen, alpha, lines.lower_slope),
            None if stage.convex else lines.lower_offset,
            lines.upper_slope,
            lines.upper_offset,
        )

    def _back(self, choices: Choices) -> tuple[Vector, Dense, Layers]:
        rows, values, lost, on_inputs = self._head.begin(choices.weights)
        coefficients: Layers = []
        stages: list[Stage] = self._passes.stages
        with np.errstate(over="ignore", invalid="ignore"):
            for k in reversed(range(len(stages))):
                coefficients.append(rows)
                decided = self._signs[k] * choices.beta[k] if self._signs[k].any() else None
                lines = None if stages[k].linear else self._relaxed(k, choices.alpha[k])
                rows, values, more = through(stages[k], lines, rows, values, decided)
                lost = lost + more
            lower, upper = self._nodes.lower, self._nodes.upper
            least = self._passes.concretised(lower, upper, rows, values, lost, on_inputs)
        x = np.where(rows + on_inputs > 0, lower, upper)
        return least, x, coefficients[::-1]

    def _forth(self, x: Dense, alpha: Layers, coefficients: Layers) -> tuple[Layers, Layers, Dense]:
        """The point x through the lines that were taken."""
        values = x
        found_z: Layers = []
        found_a: Layers = []
        for k, stage in enumerate(self._passes.stages):
            z = stage.forth(values)
            lines = self._relaxed(k, alpha[k])
            below = lines.lower_slope * z
            if lines.lower_offset is not None:
                below = below + lines.lower_offset
            above = lines.upper_slope * z + lines.upper_offset
            values = np.where(coefficients[k] > 0, below, above)
            found_z.append(z)
            found_a.append(values)
        return found_z, found_a, values


def _slopes(stage: Stage) -> tuple[Vector, Vector]:
    """The smaller and the larger of the two slopes of each unit."""
    slope = stage.layer.slope
    return np.minimum(slope, 1.0), np.maximum(slope, 1.0)


def _reweighted(weights: Dense, excess: Dense, decay: float) -> Dense:
    """Weights moved towards the rows that are exceeded most (exponentiated gradient)."""
    scale = np.abs(excess).max(axis=1, keepdims=True) + _TINY
    grown = (weights + 1e-6) * np.exp(_WEIGHT_STEP * decay * excess / scale)
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))
