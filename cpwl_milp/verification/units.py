"""Branching over the signs of units, with improved bounds, for networks of many inputs.

A node decides the signs of some units, on the whole box of a case. It is done with when the best
bound found by `ascent` is above 0; else one more unit is decided, both ways. What is done with is
proved, all rounding charged.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.core.property import LinearRows
from cpwl_milp.verification.ascent import Ascended, Ascent, Choices, Head, Signs
from cpwl_milp.verification.attack import Attack
from cpwl_milp.verification.leaves import leaf_choices
from cpwl_milp.verification.passes import Nodes, Passes
from cpwl_milp.verification.witness import Counterexample

# Values that one batch of nodes holds in its widest layer.
_BATCH_ENTRIES = 1 << 17
_LARGEST_BATCH = 64
# Steps of ascent at the first node, and at every other.
_FIRST_STEPS, _STEPS = 60, 12
# Units that are tried before one is chosen.
_TRIED = 4


@dataclass(frozen=True, eq=False)
class _Open:
    """Nodes that are left to do.

    Attributes
    ----------
    signs : list of ndarray of int8, shape (n, width) each
    choices : Choices
        Where their ascent begins, in float32.
    least : ndarray, shape (n,)
        The bounds of the nodes above them.
    """

    signs: Signs
    choices: Choices
    least: Vector

    def __len__(self) -> int:
        return self.least.size

    def taken(self, chosen: NDArray[np.intp]) -> _Open:
        signs = [each[chosen] for each in self.signs]
        return _Open(signs, self.choices.taken(chosen), self.least[chosen])


@dataclass(frozen=True, eq=False)
class Branched:
    """How far a branching is.

    Attributes
    ----------
    holds : bool
        Whether every node is done with: no input meets the case.
    found : Counterexample or None
    stuck : bool
        Whether nodes are left in which all signs are decided.
    """

    holds: bool
    found: Counterexample | None
    stuck: bool


class UnitBranching:
    """The branching for one case; it can be left and gone on with.

    Parameters
    ----------
    network : Network
    box : Box
        Of the case.
    bounds : Bounds
        Sound on it.
    case : int
    rows : LinearRows
        At least one.
    attack : Attack
    """

    def __init__(
        self,
        network: Network,
        box: Box,
        bounds: Bounds,
        case: int,
        rows: LinearRows,
        attack: Attack,
    ) -> None:
        self._network = network
        self._box = box
        self._bounds = bounds
        self._case = case
        self._attack = attack
        self._passes = Passes(network, box, bounds)
        self._head = Head(self._passes, rows)
        self._batch = int(np.clip(_BATCH_ENTRIES // self._passes.widest, 1, _LARGEST_BATCH))
        self._open: list[_Open] = [self._root(rows)]
        self._stuck = False
        self.nodes = 0

    @property
    def left(self) -> int:
        """Nodes that are open."""
        return sum(len(each) for each in self._open)

    def run(self, deadline: float) -> Branched:
        """Go on until the case is decided, or the time is up."""
        found = None
        while self._open and found is None and time.monotonic() < deadline:
            found = self._step(self._next())
        holds = found is None and not self._open and not self._stuck
        return Branched(holds, found, self._stuck)

    def _root(self, rows: LinearRows) -> _Open:
        stages = self._passes.stages
        signs = [np.zeros((1, stage.width), dtype=np.int8) for stage in stages]
        beta = [np.zeros((1, stage.width), dtype=np.float32) for stage in stages]
        nodes = self._nodes(signs)
        lines = self._passes.lines(nodes)
        alpha = [line.lower_slope.astype(np.float32) for line in lines]
        weights = np.full((1, len(rows)), 1.0 / len(rows))
        return _Open(signs, Choices(alpha, beta, weights), np.full(1, -np.inf))

    def _next(self) -> _Open:
        """The nodes of the least bounds among those that came last."""
        while len(self._open) > 1 and len(self._open[-1]) < self._batch:
            last = self._open.pop()
            self._open[-1] = _joined(self._open[-1], last)
        last = self._open.pop()
        if len(last) <= self._batch:
            return last
        order = np.argsort(last.least, kind="stable")
        self._open.append(last.taken(order[self._batch :]))
        return last.taken(order[: self._batch])

    def _nodes(self, signs: Signs) -> Nodes:
        """Bounds of the units as decided signs leave them."""
        count = len(signs[0]) if signs else 1
        low, high = [], []
        for k, sign in enumerate(signs):
            least, most = self._bounds.lower[k], self._bounds.upper[k]
            low.append(np.where(sign > 0, np.maximum(least, 0.0), least))
            high.append(np.where(sign < 0, np.minimum(most, 0.0), most))
        lower = np.tile(self._box.lower, (count, 1))
        upper = np.tile(self._box.upper, (count, 1))
        return Nodes(lower, upper, low, high)

    def _ascent(self, signs: Signs) -> Ascent:
        nodes = self._nodes(signs)
        lines = self._passes.lines(nodes)
        return Ascent(self._passes, self._head, nodes, signs, lines)

    def _step(self, batch: _Open) -> Counterexample | None:
        steps = _FIRST_STEPS if self.nodes == 0 else _STEPS
        self.nodes += len(batch)
        ascended = self._ascent(batch.signs).run(batch.choices, steps)
        left = np.flatnonzero(~(ascended.least > 0))
        if not left.size:
            return None
        found = self._attack.judged(ascended.x[left], np.array([self._case]))
        if found is not None:
            return found
        layers, units, can = self._chosen(batch, ascended, left)
        for leaf in left[~can]:
            found = self._leaf([sign[leaf] for sign in batch.signs])
            if found is not None:
                return found
        self._split(batch, ascended, left[can], layers[can], units[can])
        return None

    def _open_units(self, batch: _Open, k: int, left: NDArray[np.intp]) -> NDArray[np.bool_]:
        slope = self._passes.stages[k].layer.slope
        low, high = self._bounds.lower[k], self._bounds.upper[k]
        open_here = (low < 0) & (high > 0) & (slope != 1.0)
        return np.asarray((batch.signs[k][left] == 0) & open_here)

    def _chosen(
        self, batch: _Open, ascended: Ascended, left: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
        """For each node the unit to decide: layer, place, and whether any is open."""
        scores = [np.full((left.size, 1), -1.0)]
        for k, stage in enumerate(self._passes.stages):
            coefficient, z = ascended.coefficients[k][left], ascended.z[k][left]
            true = np.where(z > 0, z, stage.layer.slope * z)
            # What the relaxation gives away at the forward point; what it could at most.
            gap = coefficient * (true - ascended.a[k][left])
            low, high = self._bounds.lower[k], self._bounds.upper[k]
            with np.errstate(invalid="ignore", divide="ignore"):
                area = np.nan_to_num(-low * high / (high - low))
            score = np.maximum(gap, 0.0) + 1e-3 * np.abs(coefficient) * area
            scores.append(np.where(self._open_units(batch, k, left), score, -1.0))
        flat = np.concatenate(scores, axis=1)
        can = flat.max(axis=1) >= 0
        # A first column stands for no unit at all.
        ends = np.cumsum([1, *(stage.width for stage in self._passes.stages)])
        candidates = np.argsort(-flat, axis=1, kind="stable")[:, :_TRIED]
        best = candidates[:, 0]
        if candidates.shape[1] > 1 and can.any():
            best = self._tried(batch, ascended, left, candidates, flat, ends)
        layers = np.searchsorted(ends, best, side="right") - 1
        return layers, best - ends[layers], can

    def _tried(
        self,
        batch: _Open,
        ascended: Ascended,
        left: NDArray[np.intp],
        candidates: NDArray[np.intp],
        scores: Dense,
        ends: NDArray[np.intp],
    ) -> NDArray[np.intp]:
        """The candidate whose worse child has the best bound, before any ascent."""
        worse = np.full(candidates.shape, -np.inf)
        choices = ascended.choices.taken(left)
        here = np.arange(left.size)
        for place in range(candidates.shape[1]):
            unit = candidates[:, place]
            layer = np.searchsorted(ends, unit, side="right") - 1
            bounds = []
            for sign in (1, -1):
                signs = [each[left].copy() for each in batch.signs]
                for k in np.unique(layer[layer >= 0]):
                    at = here[layer == k]
                    signs[k][at, unit[at] - ends[k]] = sign
                bounds.append(self._ascent(signs).run(choices, 0).least)
            allowed = scores[here, unit] >= 0
            worse[:, place] = np.where(allowed, np.minimum(*bounds), -np.inf)
        return np.asarray(candidates[here, np.argmax(worse, axis=1)])

    def _split(
        self,
        batch: _Open,
        ascended: Ascended,
        parents: NDArray[np.intp],
        layers: NDArray[np.intp],
        units: NDArray[np.intp],
    ) -> None:
        if not parents.size:
            return
        both = np.repeat(parents, 2)
        signs = [each[both] for each in batch.signs]
        choices = ascended.choices.taken(both)
        for child in range(both.size):
            signs[layers[child // 2]][child, units[child // 2]] = 1 if child % 2 else -1
        compact = Choices(
            [each.astype(np.float32) for each in choices.alpha],
            [each.astype(np.float32) for each in choices.beta],
            choices.weights,
        )
        self._open.append(_Open(signs, compact, ascended.least[both]))

    def _leaf(self, signs: Signs) -> Counterexample | None:
        """A node in which all signs are decided: multipliers by a linear program."""
        rows = self._head.rows
        proposal = leaf_choices(self._network, self._box, self._bounds, rows, signs)
        if proposal is not None:
            choices, x = proposal
            alone = [sign[None] for sign in signs]
            if self._ascent(alone).run(choices, 0).least[0] > 0:
                return None
            found = self._attack.near(x, self._case)
            if found is not None:
                return found
        self._stuck = True
        return None


def _joined(one: _Open, other: _Open) -> _Open:
    def pairs(a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
        return [np.concatenate(pair) for pair in zip(a, b, strict=True)]

    choices = Choices(
        pairs(one.choices.alpha, other.choices.alpha),
        pairs(one.choices.beta, other.choices.beta),
        np.concatenate([one.choices.weights, other.choices.weights]),
    )
    signs = pairs(one.signs, other.signs)
    return _Open(signs, choices, np.concatenate([one.least, other.least]))
