"""Regions that meet a ball, the slow way: all of a box, and the distance of each one."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.cell import Cell
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains.balls import Ball
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import unpack
from tests.engines.listing import listed, tree


def squared_distance(centre: Vector, matrix: Dense, limit: Vector) -> float:
    """Squared distance of a point to ``matrix x <= limit`` (Lawson and Hanson 1974, LDP).

    The least-distance programme as a non-negative least-squares problem; inf where it is empty.
    """
    norms = np.linalg.norm(matrix, axis=1)
    rows, rest = -matrix / norms[:, None], (matrix @ centre - limit) / norms
    stacked = np.concatenate([rows.T, rest[None, :]])
    target = np.zeros(len(stacked))
    target[-1] = 1.0
    multipliers, _ = nnls(stacked, target, maxiter=1000)
    residual = stacked @ multipliers - target
    if np.linalg.norm(residual) < 1e-9:
        return np.inf
    return float(np.sum((residual[:-1] / residual[-1]) ** 2))


def ball_regions(network: Network, ball: Ball) -> set[bytes]:
    """Patterns of the regions of the circumscribed box that come nearer than the radius.

    A region that touches the sphere to 1e-9 counts as outside, as one that touches it exactly.
    """
    r = ball.radius
    box = Box(ball.centre - 1.01 * r, ball.centre + 1.01 * r)
    return {
        bytes(row)
        for row in listed(tree(network, box)).regions.patterns
        if _distance(network, row, ball.centre) < r * (1 - 1e-9)
    }


def _distance(network: Network, packed: np.ndarray, centre: Vector) -> float:
    cell = Cell.of(network, unpack(packed[None, :], network.n_units)[0])
    matrix, limit = cell.inequalities()
    cuts = np.linalg.norm(matrix, axis=1) > 1e-12
    if not cuts.any():
        return 0.0
    return float(np.sqrt(squared_distance(centre, matrix[cuts], limit[cuts])))
