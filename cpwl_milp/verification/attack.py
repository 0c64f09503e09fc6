"""The search for counterexamples: random points, corners, and descent.

What is sought is an input at which all rows of a case hold; the *excess* of an input is the largest
amount by which one of them does not. It is piecewise linear, and goes down by projected steps
along the signs of the gradient (as PGD: Madry, Makelov, Schmidt, Tsipras, Vladu, ICLR 2018), many
inputs at once. Nothing here decides: `witness.counterexample` judges what is found.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Matrix, Vector
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.core.property import LinearRows, Property
from cpwl_milp.verification.pieces import is_small, walked
from cpwl_milp.verification.rows import Table
from cpwl_milp.verification.witness import Counterexample, counterexample

Indices = NDArray[np.intp]

_N_STARTS = 64
_N_STEPS = 60
# Descents that are followed from piece to piece.
_N_WALKS = 3
# Of a box: the first and the last step.
_FIRST_STEP, _LAST_STEP = 0.25, 1e-3
# Cases over one box that are searched one by one; of more, those that came closest.
_MOST_CASES = 24
# A case without rows is met anywhere.
_ANYWHERE = -np.inf
# Numbers of one batch of values.
_BATCH_ENTRIES = 1 << 22


def gradients(network: Network, x: Dense, on_outputs: Dense, on_inputs: Dense) -> Dense:
    """Gradients of ``on_outputs @ y + on_inputs @ x``, a row of each for each input, (n, n_inputs).

    At a kink the side of z <= 0 is taken.
    """
    z = network.pre_activations(x)
    rows = _back(on_outputs, network.output.weight)
    for layer, here in zip(reversed(network.layers), reversed(z), strict=True):
        rows = _back(rows * np.where(here > 0, 1.0, layer.slope), layer.affine.weight)
    return rows + on_inputs


def _back(rows: Dense, weight: Matrix) -> Dense:
    if isinstance(weight, np.ndarray):
        return np.asarray(rows @ weight)
    return np.asarray((weight.T @ rows.T).T)


def descended(
    network: Network, rows: LinearRows, box: Box, starts: Dense, steps: int = _N_STEPS
) -> tuple[Dense, Dense]:
    """The best inputs on the way down, and their excess.

    Parameters
    ----------
    network : Network
    rows : LinearRows
        At least one.
    box : Box
    starts : ndarray, shape (n, n_inputs)
    steps : int

    Returns
    -------
    ndarray, shape (n, n_inputs)
    ndarray, shape (n,)
    """
    x = starts.copy()
    best, least = x.copy(), np.full(len(x), np.inf)
    # A quarter of the half-width at first, geometrically down to a thousandth of the width.
    sizes = np.geomspace(_FIRST_STEP, _LAST_STEP, max(steps, 2))
    widths = box.upper - box.lower
    for step in range(steps + 1):
        excess = rows.excess(x, network(x))
        worst = np.argmax(excess, axis=1)
        value = excess[np.arange(len(x)), worst]
        better = value < least
        best[better], least[better] = x[better], value[better]
        if step == steps or np.any(least <= 0):
            break
        down = gradients(network, x, rows.on_outputs[worst], rows.on_inputs[worst])
        x = np.clip(x - sizes[step] * widths * np.sign(down), box.lower, box.upper)
    return best, least


def points_of(box: Box, n: int, rng: np.random.Generator) -> Dense:
    """Points to begin with: the centre, random corners, and random points within."""
    corners = np.where(rng.random((n // 4, box.dim)) < 0.5, box.lower, box.upper)
    inside = rng.uniform(size=(n - 1 - n // 4, box.dim))
    inside = np.clip(box.lower + inside * (box.upper - box.lower), box.lower, box.upper)
    return np.concatenate([box.centre[None], corners, inside])


class Attack:
    """Searches for counterexamples of a property.

    Parameters
    ----------
    network : Network
    prop : Property
    table : Table
    seed : int

    Attributes
    ----------
    evaluations : int
        Inputs looked at so far.
    """

    def __init__(self, network: Network, prop: Property, table: Table, seed: int = 0) -> None:
        self._network = network
        self._property = prop
        self._table = table
        self._rng = np.random.default_rng(seed)
        self.evaluations = 0

    def search(self, deadline: float, rounds: int = 1) -> Counterexample | None:
        """Samples and descents, box after box; each round takes other starts."""
        width = max([self._network.n_inputs, *(a.affine.n_out for a in self._network.layers)])
        n = int(np.clip(_BATCH_ENTRIES // width, 8, _N_STARTS))
        for _ in range(rounds):
            for group in self._table.groups:
                if time.monotonic() > deadline:
                    return None
                starts = points_of(group.box, n, self._rng)
                found = self.judged(starts, group.cases)
                if found is None:
                    found = self._descents(group.box, group.cases, starts, deadline)
                if found is not None:
                    return found
        return None

    def anywhere(self) -> Counterexample | None:
        """A counterexample for a case without rows, which every input of its box meets."""
        for case in np.flatnonzero(np.diff(self._table.starts) == 0).tolist():
            return self._improved(self._property.cases[case].box.centre, case)
        return None

    def judged(self, x: Dense, cases: Indices) -> Counterexample | None:
        """A counterexample among some inputs of one box, for any of its cases."""
        self.evaluations += len(x)
        with np.errstate(over="ignore", invalid="ignore"):
            excess = self._worst(x)[:, cases]
        for point, place in np.argwhere(excess <= 0):
            found = self._improved(x[point], int(cases[place]))
            if found is not None:
                return found
        return None

    def near(self, x: Vector, case: int) -> Counterexample | None:
        """A counterexample for a case at `x`, or on the way down from there."""
        found = self._improved(x, case)
        if found is not None:
            return found
        rows, box = self._table.case(case), self._property.cases[case].box
        start = np.clip(x, box.lower, box.upper)
        return self._improved(_deepened(self._network, rows, box, start), case)

    def _worst(self, x: Dense) -> Dense:
        return self._table.worst_excess(self._table.rows.excess(x, self._network(x)))

    def _descents(
        self, box: Box, cases: Indices, starts: Dense, deadline: float
    ) -> Counterexample | None:
        excess = self._worst(starts)[:, cases]
        for place in np.argsort(excess.min(axis=0), kind="stable")[:_MOST_CASES]:
            if time.monotonic() > deadline:
                return None
            case = int(cases[place])
            rows = self._table.case(case)
            # From the best half, and the centre.
            chosen = np.argsort(excess[:, place], kind="stable")[: max(4, len(starts) // 2)]
            best, least = descended(self._network, rows, box, starts[chosen])
            self.evaluations += len(chosen) * _N_STEPS
            order = np.argsort(least, kind="stable")
            candidates = [best[point] for point in order if least[point] <= 0]
            if not candidates and is_small(self._network):
                starts_of_walks = best[order[:_N_WALKS]]
                walks = (walked(self._network, rows, box, start) for start in starts_of_walks)
                candidates = list(walks)
            for x in candidates:
                found = self._improved(x, case)
                if found is not None:
                    return found
        return None

    def _improved(self, x: Dense, case: int) -> Counterexample | None:
        """A counterexample at or near `x`: in float32 if there is one near by."""
        found = counterexample(self._network, self._property, case, x)
        if found is None or found.single:
            return found
        # Deeper inside the violation float32 is close enough.
        rows, box = self._table.case(case), self._property.cases[case].box
        if not len(rows):
            return found
        best = _deepened(self._network, rows, box, x)
        again = counterexample(self._network, self._property, case, best)
        return again if again is not None and again.single else found


def _deepened(network: Network, rows: LinearRows, box: Box, x: Vector, steps: int = 30) -> Vector:
    """An input of least excess found on the way down from `x`."""
    widths = box.upper - box.lower
    best = x.copy()
    least = float(rows.excess(x[None], network(x[None]))[0].max())
    size = 0.02
    for _ in range(steps):
        excess = rows.excess(best[None], network(best[None]))[0]
        worst = [int(np.argmax(excess))]
        down = gradients(network, best[None], rows.on_outputs[worst], rows.on_inputs[worst])[0]
        there = np.clip(best - size * widths * np.sign(down), box.lower, box.upper)
        value = float(rows.excess(there[None], network(there[None]))[0].max())
        if value < least:
            best, least = there, value
        else:
            size *= 0.5
    return best
