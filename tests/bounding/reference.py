"""Independent answers: exact rational evaluation, search from below, brute force over patterns."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cell import Cell
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.network import Network


@dataclass(frozen=True, eq=False)
class Polytope(Domain):
    """A box with inequalities."""

    limits: Box
    matrix: Dense
    offset: Vector

    @property
    def box(self) -> Box:
        return self.limits

    def inequalities(self) -> tuple[Dense, Vector]:
        return self.matrix, self.offset

    def contains(self, x: Dense) -> NDArray[np.bool_]:
        return self.limits.contains(x) & np.all(x @ self.matrix.T <= self.offset, axis=1)

    def sample(self, n: int, rng: np.random.Generator) -> Dense:
        x = self.limits.sample(n, rng)
        return x[self.contains(x)]

    def describe(self) -> dict[str, Any]:
        return {"kind": "polytope"}


def exact_pre_activations(network: Network, point: Vector) -> list[list[Fraction]]:
    """All z at one float point in rational arithmetic."""
    a = [Fraction(float(v)) for v in point]
    found = []
    for layer in network.layers:
        weight = layer.affine.dense()
        z = [
            Fraction(float(b))
            + sum((Fraction(float(w)) * v for w, v in zip(row, a, strict=True) if w), Fraction(0))
            for row, b in zip(weight, layer.affine.bias, strict=True)
        ]
        found.append(z)
        slopes = [Fraction(float(s)) for s in layer.slope]
        a = [v if v > 0 else s * v for v, s in zip(z, slopes, strict=True)]
    return found


def corners(box: Box) -> list[Vector]:
    return [np.array(c) for c in itertools.product(*zip(box.lower, box.upper, strict=True))]


def assert_exactly_inside(network: Network, bounds: Bounds, points: list[Vector]) -> None:
    """No tolerance: Fractions compare exactly with floats."""
    for point in points:
        for layer, z in enumerate(exact_pre_activations(network, point)):
            for i, value in enumerate(z):
                assert float(bounds.lower[layer][i]) <= value, (layer, i, point)
                assert value <= float(bounds.upper[layer][i]), (layer, i, point)


def extreme_points(
    network: Network, domain: Domain, rng: np.random.Generator, n: int = 200, rounds: int = 12
) -> list[Vector]:
    """For each unit and each side a point of the domain found by random ascent from samples."""
    samples = domain.sample(n, rng)
    box = domain.box
    found = []
    for layer in range(len(network.layers)):
        z = network.pre_activations(samples)[layer]
        for unit in range(z.shape[1]):
            for sign in (-1.0, 1.0):
                best = samples[np.argmax(sign * z[:, unit])]
                step = 0.5 * (box.upper - box.lower)
                for _ in range(rounds):
                    # Whole coordinates at the faces as well: extremes like corners.
                    near = np.clip(
                        best + step * rng.normal(size=(24, best.size)), box.lower, box.upper
                    )
                    near = np.concatenate([[best], near[domain.contains(near)]])
                    value = sign * network.pre_activations(near)[layer][:, unit]
                    best = near[np.argmax(value)]
                    step = 0.6 * step
                found.append(best)
    return found


def brute_force_range(network: Network, box: Box, layer: int) -> tuple[Vector, Vector]:
    """The exact range of a layer's pre-activations, one LP per pattern of the layers before."""
    n_before = network.offsets[layer]
    before = network.truncated(layer)
    target = network.layers[layer].affine
    lower, upper = np.full(target.n_out, np.inf), np.full(target.n_out, -np.inf)
    limits = list(zip(box.lower, box.upper, strict=True))
    for bits in itertools.product([False, True], repeat=n_before):
        cell = Cell.of(before, np.array(bits, dtype=bool))
        matrix, offset = cell.inequalities()
        z = target.after(cell.output)
        weight = z.dense()
        for i in range(target.n_out):
            for sign in (1.0, -1.0):
                answer = linprog(sign * weight[i], matrix, offset, bounds=limits, method="highs")
                if answer.status == 2:
                    break
                assert answer.status == 0, answer.message
                value = sign * answer.fun + z.bias[i]
                lower[i], upper[i] = min(lower[i], value), max(upper[i], value)
    return lower, upper
