"""Descent from vertex to vertex: the excess of a case is minimised on piece after piece.

On the piece around an input the network is affine, so the least excess there is a linear program
over the inputs and one slack. Its solution lies on the piece's border; a step beyond leads into the
next piece. Finds what steps along gradients only come near: corners of pieces, and maxima that
just touch a limit. Only proposes, as all of the search.
"""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import SolverError
from cpwl_milp.core.network import Network
from cpwl_milp.core.property import LinearRows
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.highs_settings import HighsSettings
from cpwl_milp.solvers.program import Program

_SETTINGS = HighsSettings(presolve=False)
# Numbers of the composed rows beyond which no program is made.
_MOST_ENTRIES = 400_000
# Of the way from the piece's input to its best vertex: how far beyond the next input lies.
_BEYOND = 1e-6


def composed(
    network: Network, active: list[np.ndarray]
) -> tuple[list[Dense], list[Vector], Dense, Vector]:
    """Pre-activations of each layer, and the outputs, as functions of the inputs of a piece.

    Parameters
    ----------
    network : Network
    active : list of ndarray of bool, shape (n_out,) each
        Which units of each layer are on.

    Returns
    -------
    list of ndarray, list of ndarray
        Matrices and shifts of the pre-activations.
    ndarray, ndarray
        Matrix and shift of the outputs.
    """
    matrix, shift = np.eye(network.n_inputs), np.zeros(network.n_inputs)
    matrices, shifts = [], []
    for layer, on in zip(network.layers, active, strict=True):
        matrix = np.asarray(layer.affine.weight @ matrix)
        shift = np.asarray(layer.affine.weight @ shift) + layer.affine.bias
        matrices.append(matrix)
        shifts.append(shift)
        slope = np.where(on, 1.0, layer.slope)
        matrix, shift = slope[:, None] * matrix, slope * shift
    matrix = np.asarray(network.output.weight @ matrix)
    return matrices, shifts, matrix, np.asarray(network.output.weight @ shift) + network.output.bias


def is_small(network: Network) -> bool:
    """Whether pieces of the network make programs of a reasonable size."""
    rows = sum(layer.affine.n_out for layer in network.layers)
    return network.n_inputs * rows <= _MOST_ENTRIES


def walked(network: Network, rows: LinearRows, box: Box, x: Vector, pieces: int = 20) -> Vector:
    """The best vertex on a walk over pieces from `x`, at most so many; it ends where none gains."""
    best, least = x, float(rows.excess(x[None], network(x[None]))[0].max())
    here = x
    for _ in range(pieces):
        vertex = _vertex(network, rows, box, here)
        if vertex is None:
            break
        value = float(rows.excess(vertex[None], network(vertex[None]))[0].max())
        if not value < least:
            break
        best, least = vertex, value
        if value <= 0:
            break
        here = np.clip(vertex + _BEYOND * (vertex - here), box.lower, box.upper)
    return best


def _vertex(network: Network, rows: LinearRows, box: Box, x: Vector) -> Vector | None:
    """Where the largest excess is least on the piece around `x`."""
    z = [each[0] for each in network.pre_activations(x[None])]
    matrices, shifts, matrix, shift = composed(network, [each > 0 for each in z])
    of_rows = rows.on_outputs @ matrix + rows.on_inputs
    limits = rows.limit_below - rows.on_outputs @ shift
    walls, ends = [], []
    for layer, value, m, c in zip(network.layers, z, matrices, shifts, strict=True):
        sign = np.where(value > 0, -1.0, 1.0)[layer.units]
        walls.append(sign[:, None] * m[layer.units])
        ends.append(-sign * c[layer.units])
    left = np.concatenate([np.zeros((0, x.size)), *walls])
    scale = np.maximum(np.abs(left).max(axis=1, initial=0.0), 1e-12)
    slack = np.concatenate([np.full(len(rows), -1.0), np.zeros(len(left))])
    table = np.concatenate([of_rows, left / scale[:, None]])
    bound = np.concatenate([limits, np.concatenate([np.zeros(0), *ends]) / scale])
    reach = np.abs(of_rows) @ np.maximum(np.abs(box.lower), np.abs(box.upper)) + np.abs(limits)
    most = 2.0 * float(reach.max(initial=1.0))
    objective = np.zeros(x.size + 1)
    objective[-1] = 1.0
    program = Program.linear(
        np.concatenate([table, slack[:, None]], axis=1),
        np.full(bound.size, -np.inf),
        bound,
        np.append(box.lower, -most),
        np.append(box.upper, most),
        objective,
    )
    try:
        solution = HighsSession(program, _SETTINGS).solve(1.0)
    except SolverError:
        return None
    if solution.x is None:
        return None
    return np.asarray(np.clip(solution.x[: x.size], box.lower, box.upper))
