"""Balls in the three norms against brute force: the regions of a box, filtered by distance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.cell import Cell
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import unpack
from tests.domains.counting import listed_on
from tests.engines.ball_oracle import squared_distance
from tests.engines.listing import listed, tree
from tests.networks import degenerate_network, random_network

# A region that comes no nearer than this share of the radius touches the ball.
_TOUCHES = 1 - 1e-7


def _question(seed: int) -> tuple[Network, Vector, float]:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 5))
    widths = [int(rng.integers(2, 5)) for _ in range(rng.integers(1, 3))]
    network = (degenerate_network if seed % 2 else random_network)(rng, d, widths)
    return network, rng.normal(scale=0.7, size=d), float(rng.uniform(0.1, 1.5))


def _distance(centre: Vector, matrix: Dense, limit: Vector, norm: str) -> float:
    """Distance of a point to ``matrix x <= limit`` in a norm, by a linear programme."""
    if norm == "2":
        return float(np.sqrt(squared_distance(centre, matrix, limit)))
    n = centre.size
    # |x - c| <= t, coordinate by coordinate or with one t for all.
    share = np.eye(n) if norm == "1" else np.ones((n, 1))
    rows = [
        np.concatenate([matrix, np.zeros((len(matrix), share.shape[1]))], axis=1),
        np.concatenate([np.eye(n), -share], axis=1),
        np.concatenate([-np.eye(n), -share], axis=1),
    ]
    found = linprog(
        np.concatenate([np.zeros(n), np.ones(share.shape[1])]),
        np.concatenate(rows),
        np.concatenate([limit, centre, -centre]),
        bounds=(None, None),
    )
    assert found.status == 0
    return float(found.fun)


def _by_brute_force(network: Network, centre: Vector, radius: float, norm: str) -> set[bytes]:
    box = Box(centre - 1.01 * radius, centre + 1.01 * radius)
    near = set()
    for row in listed(tree(network, box)).regions.patterns:
        cell = Cell.of(network, unpack(row[None, :], network.n_units)[0])
        matrix, limit = cell.inequalities()
        cuts = np.linalg.norm(matrix, axis=1) > 1e-12
        if not cuts.any() or _distance(centre, matrix[cuts], limit[cuts], norm) < radius * _TOUCHES:
            near.add(row.tobytes())
    return near


@pytest.mark.parametrize("norm", ["1", "2", "inf"])
@pytest.mark.parametrize("seeds", [range(k, k + 25) for k in range(0, 100, 25)], ids=str)
def test_the_regions_of_a_box_that_are_near_enough(seeds: range, norm: str) -> None:
    for seed in seeds:
        network, centre, radius = _question(seed)
        found = listed_on(network, Ball(centre, radius, norm), "auto")
        assert found.patterns == _by_brute_force(network, centre, radius, norm)
        assert found.decisions.get("doubts", 0) == 0


@pytest.mark.parametrize("seeds", [range(100, 140)], ids=str)
def test_balls_lie_in_each_other(seeds: range) -> None:
    # |x|_inf <= |x|_2 <= |x|_1 <= sqrt(n) |x|_2 <= n |x|_inf.
    for seed in seeds:
        network, centre, radius = _question(seed)
        root = np.sqrt(centre.size)
        within = [
            listed_on(network, Ball(centre, r, norm), "auto").patterns
            for r, norm in ((radius / root, "inf"), (radius, "2"), (radius, "inf"))
        ]
        assert within[0] <= within[1] <= within[2]
        one = listed_on(network, Ball(centre, radius, "1"), "auto").patterns
        assert (
            one
            <= within[1]
            <= listed_on(network, Ball(centre, radius * root, "1"), "auto").patterns
        )
