"""Along rays: how far to the first other pattern, and to the first other class.

A ray ``x + t v`` is walked from cell to cell. In a cell all pre-activations and outputs are affine
in t, so the next boundary is the least positive root of a unit's z, and the class changes where
another output overtakes. Which side of a boundary the ray enters is decided by z and, where that is
0, by its derivative, layer by layer; so a ray that starts on a boundary, or meets several at once,
is no special case. TropEx looks at a fixed grid of steps instead; `on_grid` does so for comparison.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.network import Network

GRID = 10 ** np.linspace(-5, 4, 100) - 1e-5
"""The steps of the published code."""

# |z| below this share of the size of what is added up in it is 0.
_ZERO = 1e-12


@dataclass(frozen=True, eq=False)
class RayChanges:
    """First changes along n rays.

    Attributes
    ----------
    pattern, label : ndarray, shape (n,)
        Distances; infinite where nothing changes as far as was looked.
    cells : ndarray of int64, shape (n,)
        Boundaries passed until the class changed or the walk ended (0 on a grid).
    unfinished : ndarray of bool, shape (n,)
        Rays given up within `most_cells` before the class changed.
    """

    pattern: Vector
    label: Vector
    cells: NDArray[np.int64]
    unfinished: NDArray[np.bool_]


def random_directions(n: int, n_inputs: int, rng: np.random.Generator) -> Dense:
    """Uniformly random directions of length 1, shape (n, n_inputs)."""
    found = rng.standard_normal((n, n_inputs))
    return np.asarray(found / np.linalg.norm(found, axis=1)[:, None])


def walk(
    network: Network,
    points: Dense,
    directions: Dense,
    *,
    farthest: float = float(GRID[-1]),
    most_cells: int = 1000,
) -> RayChanges:
    """Walk rays exactly (up to rounding) until the class changes.

    Parameters
    ----------
    network : Network
    points, directions : ndarray, shape (n, n_inputs)
    farthest : float
        Where to end.
    most_cells : int
        Boundaries of a ray after which it is given up.
    """
    n = len(points)
    norms = _row_norms(network)
    start = _at(network, norms, points, directions)
    labels = start.outputs.argmax(axis=1)
    pattern = np.where(start.entered_other, 0.0, start.step)
    pattern[pattern > farthest] = np.inf
    label = np.full(n, np.inf)
    cells = np.zeros(n, dtype=np.int64)
    t = np.zeros(n)
    live, here = np.arange(n), start
    while live.size:
        overtaken = _overtaken(here.outputs, here.rates, labels[live])
        changed = (overtaken <= here.step) & (t[live] + overtaken <= farthest)
        label[live[changed]] = t[live[changed]] + overtaken[changed]
        # A step below the spacing of floating-point numbers would never end.
        step = np.maximum(here.step, 4 * np.spacing(t[live]))
        onward = ~changed & (t[live] + step <= farthest) & (cells[live] < most_cells)
        live, step = live[onward], step[onward]
        t[live] += step
        cells[live] += 1
        ahead = directions[live]
        here = _at(network, norms, points[live] + t[live, None] * ahead, ahead)
    unfinished = np.isinf(label) & (cells >= most_cells)
    return RayChanges(pattern, label, cells, unfinished)


def on_grid(network: Network, points: Dense, directions: Dense, steps: Vector = GRID) -> RayChanges:
    """Look at fixed steps for the first other pattern and class, as the published code does."""
    n = len(points)
    bits, labels = network.bits(points), network(points).argmax(axis=1)
    pattern, label = np.full(n, np.inf), np.full(n, np.inf)
    live = np.arange(n)
    for step in steps:
        moved = points[live] + step * directions[live]
        other = (network.bits(moved) != bits[live]).any(axis=1)
        pattern[live[other]] = np.minimum(pattern[live[other]], step)
        other = network(moved).argmax(axis=1) != labels[live]
        label[live[other]] = np.minimum(label[live[other]], step)
        live = live[np.isinf(pattern[live]) | np.isinf(label[live])]
    return RayChanges(pattern, label, np.zeros(n, np.int64), np.zeros(n, np.bool_))


def _row_norms(network: Network) -> list[Vector]:
    """Euclidean norms of the rows of each layer's map."""
    weights = [layer.affine.weight for layer in network.layers]
    return [np.sqrt(np.asarray((weight * weight).sum(axis=1)).ravel()) for weight in weights]


@dataclass(frozen=True, eq=False)
class _Here:
    """The cells that rays enter at their places.

    Attributes
    ----------
    step : ndarray, shape (n,)
        To the end of the cell.
    outputs, rates : ndarray, shape (n, n_outputs)
        f and its derivative along the ray.
    entered_other : ndarray of bool, shape (n,)
        Whether the cell ahead has another pattern than the point itself.
    """

    step: Vector
    outputs: Dense
    rates: Dense
    entered_other: NDArray[np.bool_]


def _at(network: Network, norms: list[Vector], points: Dense, directions: Dense) -> _Here:
    a, da = points, directions
    step = np.full(len(points), np.inf)
    other = np.zeros(len(points), dtype=np.bool_)
    for layer, lengths in zip(network.layers, norms, strict=True):
        z = layer.affine(a)
        dz = layer.affine(da) - layer.affine.bias
        size = np.linalg.norm(a, axis=1)[:, None] * lengths + np.abs(layer.affine.bias)
        zero = np.abs(z) <= _ZERO * size
        on = np.where(zero, dz > 0, z > 0)
        units = layer.units
        other |= (on[:, units] != (z[:, units] > 0)).any(axis=1)
        ahead = (z * dz < 0) & ~zero
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            roots = np.where(ahead, -z / dz, np.inf)[:, units]
        if units.size:
            step = np.minimum(step, roots.min(axis=1))
        factor = np.where(on, 1.0, layer.slope)
        a, da = factor * z, factor * dz
    output = network.output
    return _Here(step, output(a), output(da) - output.bias, other)


def _overtaken(outputs: Dense, rates: Dense, labels: NDArray[np.intp]) -> Vector:
    """Steps after which another output is above the label's, infinite where none gets there."""
    rows = np.arange(len(labels))
    gap = outputs[rows, labels][:, None] - outputs
    closing = rates - rates[rows, labels][:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        steps = np.where(closing > 0, np.maximum(gap, 0.0) / closing, np.inf)
    # Already above, by rounding: it was overtaken at the boundary just passed.
    steps[gap < 0] = 0.0
    steps[rows, labels] = np.inf
    return np.asarray(steps.min(axis=1, initial=np.inf))
