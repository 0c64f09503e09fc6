"""Bisection of the input box, with bounds by backward substitution on hundreds of boxes at once.

A box is done with when, for every case, some row has a least value above 0 there: no input of it
meets the case. All others are cut in two across the coordinate that the bounds depend on most. The
bounds charge all rounding, so what is done with is proved.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.verification.attack import Attack
from cpwl_milp.verification.passes import Nodes, Passes
from cpwl_milp.verification.rows import Table
from cpwl_milp.verification.witness import Counterexample

Indices = NDArray[np.intp]

# Bounds that one batch of boxes holds.
_BATCH_ENTRIES = 1 << 18
_LARGEST_BATCH = 512
# Of the largest size that a coordinate takes: narrower boxes are not cut there.
_LEAST_WIDTH = 2.0**-54


@dataclass(frozen=True, eq=False)
class Pool:
    """Boxes that are left to do.

    Attributes
    ----------
    nodes : Nodes
        Bounds of the units are those of the box they were cut from.
    group : ndarray of int, shape (n,)
        The group of each.
    cases : ndarray of bool, shape (n, largest number of cases of a group)
        Which cases of its group some input of the box may still meet.
    """

    nodes: Nodes
    group: Indices
    cases: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.group)

    def taken(self, chosen: Indices | slice) -> Pool:
        """Some of the boxes."""
        return Pool(self.nodes.taken(chosen), self.group[chosen], self.cases[chosen])


@dataclass(frozen=True, eq=False)
class Bisected:
    """How a bisection ended.

    Attributes
    ----------
    holds : bool
        Whether every box is done with.
    found : Counterexample or None
    boxes : int
        Boxes that were bounded.
    left : int
        Boxes that are open.
    spent : bool
        Whether all boxes that are left are too small to be cut.
    share : float
        The share of the input set's volume that is done with.
    """

    holds: bool
    found: Counterexample | None
    boxes: int
    left: int
    spent: bool
    share: float


class Bisection:
    """A bisection that can be left and gone on with.

    Parameters
    ----------
    passes : Passes
        Over the hull of all boxes of the property.
    table : Table
    attack : Attack
        Judges the inputs at which rows are least.
    """

    def __init__(self, passes: Passes, table: Table, attack: Attack) -> None:
        self._passes = passes
        self._table = table
        self._attack = attack
        width = sum(stage.width for stage in passes.stages) + passes.reach.size
        self._batch = int(np.clip(_BATCH_ENTRIES // width, 1, _LARGEST_BATCH))
        self._rows = [table.rows_of(case) for case in range(table.n_cases)]
        self._boxes = 0
        self._stuck: list[Pool] = []
        self._done = 0.0
        self._stack: list[tuple[Pool, Vector]] = [self._begun()]

    @property
    def left(self) -> int:
        """Boxes that are open."""
        return sum(len(pool) for pool in self._open)

    @property
    def first_steps(self) -> int:
        """How many batches bound every box of the property once."""
        return -(-len(self._table.groups) // self._batch)

    @property
    def open_cases(self) -> Indices:
        """The cases that are open on some box."""
        found: set[int] = set()
        for pool in self._open:
            for group, cases in zip(pool.group, pool.cases, strict=True):
                of_group = self._table.groups[int(group)].cases
                found.update(of_group[cases[: of_group.size]].tolist())
        return np.array(sorted(found), dtype=np.intp)

    def keep(self, cases: Indices) -> None:
        """Forget all other cases, and boxes on which none is open."""
        if not np.setdiff1d(self.open_cases, cases).size:
            return
        kept = self._begun()[0].cases
        for place, group in enumerate(self._table.groups):
            kept[place, : group.cases.size] = np.isin(group.cases, cases)
        stack = []
        for pool, volume in self._stack:
            left, chosen = _only(pool, kept)
            self._done += float(volume.sum() - volume[chosen].sum())
            if chosen.size:
                stack.append((left, volume[chosen]))
        self._stack = stack
        self._stuck = [
            left for left, chosen in (_only(p, kept) for p in self._stuck) if chosen.size
        ]

    def run(self, deadline: float, most_steps: float = math.inf) -> Bisected:
        """Go on until all is decided, the time is up, or so many batches are done."""
        found = None
        steps = 0
        while self._stack and found is None and steps < most_steps:
            if time.monotonic() >= deadline:
                break
            found = self._step(*self._next())
            steps += 1
        holds = found is None and self.left == 0
        return Bisected(holds, found, self._boxes, self.left, not self._stack, self._done)

    @property
    def _open(self) -> list[Pool]:
        """What is left, boxes that are too small to be cut included."""
        return [*self._stuck, *(pool for pool, _ in self._stack)]

    def _begun(self) -> tuple[Pool, Vector]:
        groups = self._table.groups
        most = max(group.cases.size for group in groups)
        cases = np.array([np.arange(most) < group.cases.size for group in groups])
        lower = np.array([group.box.lower for group in groups])
        upper = np.array([group.box.upper for group in groups])
        nodes = self._passes.unbounded(lower, upper)
        pool = Pool(nodes, np.arange(len(groups)), cases)
        return pool, np.full(len(groups), 1.0 / len(groups))

    def _next(self) -> tuple[Pool, Vector]:
        """The next batch: from the end of the stack, so that it stays small."""
        size = self._batch
        pool, volume = self._stack.pop()
        while len(pool) < size and self._stack:
            more, its_volume = self._stack.pop()
            pool, volume = _joined(more, pool), np.concatenate([its_volume, volume])
        if len(pool) > size:
            self._stack.append((pool.taken(slice(0, -size)), volume[:-size]))
            pool, volume = pool.taken(slice(-size, None)), volume[-size:]
        return pool, volume

    def _step(self, pool: Pool, volume: Vector) -> Counterexample | None:
        passes, table = self._passes, self._table
        nodes = pool.nodes
        if self._boxes or len(table.groups) > 1:
            nodes = passes.bounded(nodes.lower, nodes.upper, nodes)
        self._boxes += len(pool)
        owner, case, row = self._asked(pool)
        rows = table.rows
        found = passes.minima(
            nodes,
            passes.lines(nodes),
            owner,
            rows.on_outputs[row],
            rows.on_inputs[row],
            -rows.limit[row],
        )
        beaten = (found.minimum > 0) | (rows.strict[row] & (found.minimum >= 0))
        alive = pool.cases.copy()
        alive[owner[beaten], case[beaten]] = False
        left = np.flatnonzero(alive.any(axis=1))
        self._done += float(np.delete(volume, left).sum())
        if not left.size:
            return None
        # Rows of cases that are still open; of each case the one that is nearest to be beaten.
        open_rows = alive[owner, case]
        owner, case, row = owner[open_rows], case[open_rows], row[open_rows]
        least, slopes = found.minimum[open_rows], found.coefficients[open_rows]
        widths = nodes.upper - nodes.lower
        influence = np.zeros_like(widths)
        best = _best_rows(owner, case, least)
        steepest = passes.slopes(
            nodes, owner[best], rows.on_outputs[row[best]], rows.on_inputs[row[best]]
        )
        np.add.at(influence, owner[best], steepest * widths[owner[best]])
        candidates = np.where(slopes[best] > 0, nodes.lower[owner[best]], nodes.upper[owner[best]])
        counter = self._judged(pool, owner[best], candidates)
        if counter is not None:
            return counter
        # The boxes furthest from being done with come last, and so are taken up first.
        worst = np.full(len(pool), np.inf)
        np.minimum.at(worst, owner[best], least[best])
        left = left[np.argsort(-worst[left], kind="stable")]
        self._cut(Pool(nodes, pool.group, alive).taken(left), influence[left], volume[left])
        return None

    def _asked(self, pool: Pool) -> tuple[Indices, Indices, Indices]:
        """Node, place of the case in its group, and row, for all rows of open cases."""
        owner, place = np.nonzero(pool.cases)
        groups = self._table.groups
        cases = [int(groups[g].cases[p]) for g, p in zip(pool.group[owner], place, strict=True)]
        rows = [self._rows[case] for case in cases]
        sizes = np.array([each.size for each in rows], dtype=np.intp)
        flat = np.concatenate([*rows, np.zeros(0, dtype=np.intp)]).astype(np.intp)
        return np.repeat(owner, sizes), np.repeat(place, sizes), flat

    def _judged(self, pool: Pool, owner: Indices, candidates: Dense) -> Counterexample | None:
        """Look at the inputs at which the best rows are least."""
        for group in np.unique(pool.group[owner]):
            cases = self._table.groups[int(group)].cases
            found = self._attack.judged(candidates[pool.group[owner] == group], cases)
            if found is not None:
                return found
        return None

    def _cut(self, pool: Pool, influence: Dense, volume: Vector) -> None:
        """Put both halves of each box on the stack."""
        lower, upper = pool.nodes.lower, pool.nodes.upper
        middle = 0.5 * lower + 0.5 * upper
        # Below the spacing of floats at the root's scale the bounds gain nothing.
        least = _LEAST_WIDTH * self._passes.reach
        possible = (middle > lower) & (middle < upper) & (upper - lower > least)
        # Coordinates without influence on the bounds come last, the widest first.
        widths = upper - lower
        scale = widths.max(axis=1, keepdims=True)
        tiny = np.divide(widths, scale, out=np.zeros_like(widths), where=scale > 0)
        most = influence.max(axis=1, keepdims=True)
        rank = np.where(possible, influence + (1e-12 * most + 1e-300) * tiny, -1.0)
        chosen = np.argmax(rank, axis=1)
        here = np.arange(len(pool))
        can = possible[here, chosen]
        if not can.all():
            self._stuck.append(pool.taken(np.flatnonzero(~can)))
        pool, volume = pool.taken(np.flatnonzero(can)), volume[can]
        if not len(pool):
            return
        chosen, here = chosen[can], np.arange(len(pool))
        cut = middle[can][here, chosen]
        # Halves stay side by side.
        both = pool.taken(np.repeat(here, 2))
        left, right = 2 * here, 2 * here + 1
        both.nodes.upper[left, chosen] = cut
        both.nodes.lower[right, chosen] = cut
        self._stack.append((both, 0.5 * np.repeat(volume, 2)))


def _best_rows(owner: Indices, case: Indices, least: Vector) -> Indices:
    """For each pair of node and case, the row of the greatest least value."""
    order = np.lexsort((-least, case, owner))
    first = np.ones(order.size, dtype=np.bool_)
    first[1:] = (np.diff(owner[order]) != 0) | (np.diff(case[order]) != 0)
    return order[first]


def _only(pool: Pool, kept: NDArray[np.bool_]) -> tuple[Pool, Indices]:
    """The boxes on which a kept case of their group is open, and which they are."""
    cases = pool.cases & kept[pool.group]
    chosen = np.flatnonzero(cases.any(axis=1))
    return Pool(pool.nodes, pool.group, cases).taken(chosen), chosen


def _joined(one: Pool, other: Pool) -> Pool:
    a, b = one.nodes, other.nodes
    nodes = Nodes(
        np.concatenate([a.lower, b.lower]),
        np.concatenate([a.upper, b.upper]),
        [np.concatenate(pair) for pair in zip(a.low, b.low, strict=True)],
        [np.concatenate(pair) for pair in zip(a.high, b.high, strict=True)],
    )
    return Pool(
        nodes, np.concatenate([one.group, other.group]), np.concatenate([one.cases, other.cases])
    )
