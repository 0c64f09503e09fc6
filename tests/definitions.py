"""Small networks on which the definitions of a region, and ways to encode it, differ.

After Stargalla, Hertrich and Reichman (2025), on the box [-2, 2]^d: the number of proper
(full-dimensional) patterns, of nonempty half-open ones (z > 0 / z <= 0, thin ones included), of
integer points of the closed big-M program, and of programs with a margin on active units only
or on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

from cpwl_milp.core.network import Network
from tests.networks import mlp


@dataclass(frozen=True, eq=False)
class Case:
    name: str
    network: Network
    proper: int
    half_open: int
    closed: int
    active_margin: int
    both_margins: int


def tent(depth: int) -> Network:
    """Layers z = (y, y - 1/2) with y' = 2 h1 - 4 h2: 2^depth patterns on [0, 1]."""
    first = ([[1.0], [1.0]], [0.0, -0.5])
    later = ([[2.0, -4.0], [2.0, -4.0]], [0.0, -0.5])
    return mlp(first, *[later] * (depth - 1), ([[2.0, -4.0]], [0.0]))


SERRA_FIG2 = mlp(([[1.0], [-1.0]], [0.0, 1.0]), ([[4.0, 2.0]], [-3.0]), ([[1.0]], [0.0]))
STARGALLA = mlp(
    ([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], [0.0, 0.0, 0.0]),
    ([[1.0, -1.0, 1.0], [1.0, 0.0, 0.0]], [0.0, 0.0]),
    ([[1.0, -1.0]], [0.0]),
)
OPPOSITE = mlp(([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0]))
TWICE = mlp(([[1.0], [1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0]))
CHAINED = mlp(([[1.0]], [0.0]), ([[1.0]], [0.0]), ([[1.0]], [0.0]))
THREE_LINES = mlp(
    ([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, 0.0, 0.0]), ([[1.0, 1.0, 1.0]], [0.0])
)
PARALLEL = mlp(
    ([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [0.0, -1.0, 0.0, -1.0]),
    ([[1.0, 1.0, 1.0, 1.0]], [0.0]),
)

CASES = (
    Case("serra_fig2", SERRA_FIG2, 5, 5, 5, 5, 5),
    Case("stargalla", STARGALLA, 5, 7, 32, 7, 3),
    Case("opposite", OPPOSITE, 2, 3, 4, 3, 2),
    Case("twice", TWICE, 2, 2, 4, 2, 2),
    Case("chained", CHAINED, 2, 2, 4, 2, 1),
    Case("three_lines", THREE_LINES, 6, 6, 8, 6, 6),
    Case("parallel", PARALLEL, 9, 9, 9, 9, 9),
    Case("tent2", tent(2), 6, 6, 8, 6, 5),
    Case("tent3", tent(3), 10, 11, 20, 11, 8),
    Case("tent4", tent(4), 18, 21, 48, 21, 16),
)
