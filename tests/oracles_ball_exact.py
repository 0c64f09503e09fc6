"""Exact regions of tiny networks in a ball: those of a box, and their distances in rationals.

The point of a closed cell nearest to the centre is the projection onto the intersection of some of
its hyperplanes, so the least distance is that of the nearest projection that lies in the cell.
All sets of hyperplanes are tried: nothing is shared with the package's methods.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.network import Network
from tests.oracles_exact import exact_patterns

Row = list[Fraction]


def exact_patterns_in_ball(network: Network, ball: Ball) -> list[tuple[int, ...]]:
    """The patterns of the cells whose interior meets the open ball, in lexicographic order."""
    box = Box(ball.centre - 2 * ball.radius, ball.centre + 2 * ball.radius)
    square = Fraction(ball.radius) ** 2
    centre = [Fraction(c) for c in ball.centre.tolist()]
    return [
        pattern
        for pattern in exact_patterns(network, box)
        if _squared_distance(_rows(network, pattern), centre) < square
    ]


def _rows(network: Network, pattern: tuple[int, ...]) -> list[Row]:
    """``row . (x, 1) >= 0`` of every unit with a gradient."""
    n = network.n_inputs
    values = [[Fraction(int(k == c)) for k in range(n + 1)] for c in range(n)]
    rows, unit = [], 0
    for layer in network.layers:
        after = []
        weights, biases = layer.affine.dense().tolist(), layer.affine.bias.tolist()
        for weight, bias, slope in zip(weights, biases, layer.slope.tolist(), strict=True):
            z = [
                sum((Fraction(w) * v[k] for w, v in zip(weight, values, strict=True)), Fraction(0))
                for k in range(n + 1)
            ]
            z[n] += Fraction(bias)
            if slope != 1:
                bit = pattern[unit]
                unit += 1
                if any(z[:n]):
                    rows.append(z if bit else [-v for v in z])
                z = z if bit else [Fraction(slope) * v for v in z]
            after.append(z)
        values = after
    return rows


def _squared_distance(rows: list[Row], centre: list[Fraction]) -> Fraction:
    moved = [
        (row[:-1], row[-1] + sum(a * c for a, c in zip(row, centre, strict=False))) for row in rows
    ]
    best = None
    for size in range(len(centre) + 1):
        for chosen in itertools.combinations(moved, size):
            point = _projection(chosen, len(centre))
            if point is None or any(_dot(g, point) + h < 0 for g, h in moved):
                continue
            square = _dot(point, point)
            best = square if best is None else min(best, square)
    assert best is not None
    return best


def _projection(rows: tuple[tuple[Row, Fraction], ...], n: int) -> Row | None:
    """The point nearest to 0 where all rows vanish; None where they are dependent."""
    m = len(rows)
    table = [[_dot(g, other) for other, _ in rows] + [-h] for g, h in rows]
    for k in range(m):
        pivot = next((i for i in range(k, m) if table[i][k]), None)
        if pivot is None:
            return None
        table[k], table[pivot] = table[pivot], table[k]
        for i in range(m):
            if i != k and table[i][k]:
                factor = table[i][k] / table[k][k]
                table[i] = [a - factor * b for a, b in zip(table[i], table[k], strict=True)]
    shares = [table[k][m] / table[k][k] for k in range(m)]
    return [
        sum((t * g[c] for t, (g, _) in zip(shares, rows, strict=True)), Fraction(0))
        for c in range(n)
    ]


def _dot(a: Row, b: Row) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))
