"""Nodes in which every unit is a line: the rows are linear there, and a linear program decides.

The program over inputs x and a slack t, ``min t`` with ``row k <= t`` and ``-s z <= t`` for every
decided sign s, is always feasible, and its least t is above 0 iff no input has all these signs and
meets all rows. It is made of composed maps in plain float64 and only proposes: its multipliers, put
into one way back (`ascent`), give the bound that counts, and its x is judged like any other.
"""

from __future__ import annotations

import numpy as np

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import SolverError
from cpwl_milp.core.network import Network
from cpwl_milp.core.property import LinearRows
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.highs_settings import HighsSettings
from cpwl_milp.solvers.program import Program
from cpwl_milp.verification.ascent import Choices, Signs
from cpwl_milp.verification.pieces import composed

# Numbers of the composed rows beyond which no program is made.
_MOST_ENTRIES = 4_000_000
_SETTINGS = HighsSettings(presolve=False)


def leaf_choices(
    network: Network,
    box: Box,
    bounds: Bounds,
    rows: LinearRows,
    signs: Signs,
) -> tuple[Choices, Vector] | None:
    """Multipliers and weights for a node, and the input that came closest.

    Parameters
    ----------
    network : Network
    box : Box
    bounds : Bounds
        Sound on the box; units without a decided sign have one by them.
    rows : LinearRows
    signs : list of ndarray of int8
        The decided signs of each layer.

    Returns
    -------
    (Choices, ndarray of shape (n_inputs,)) or None
        None where the program is too large or fails.
    """
    if network.n_inputs * sum(sign.size for sign in signs) > _MOST_ENTRIES:
        return None
    active = [
        (sign > 0) | ((sign == 0) & (low >= 0))
        for sign, low in zip(signs, bounds.lower, strict=True)
    ]
    matrices, shifts, matrix, shift = composed(network, active)
    of_rows = rows.on_outputs @ matrix + rows.on_inputs
    row_shift = rows.on_outputs @ shift - rows.limit
    held = [np.flatnonzero(sign) for sign in signs]
    walls = [-s[h, None] * m[h] for s, m, h in zip(signs, matrices, held, strict=True)]
    wall_shifts = [-s[h] * c[h] for s, c, h in zip(signs, shifts, held, strict=True)]
    left = np.concatenate([of_rows, *walls])
    constant = np.concatenate([row_shift, *wall_shifts])
    # Walls of unit size, so that tolerances mean something; multipliers are scaled back.
    scale = np.maximum(np.abs(left).max(axis=1, initial=0.0), 1e-12)
    solved = _solved(box, left / scale[:, None], constant / scale)
    if solved is None:
        return None
    multipliers, x = solved
    multipliers = np.maximum(multipliers, 0.0) / scale
    weights = multipliers[None, : len(rows)]
    beta: list[Dense] = []
    start = len(rows)
    for sign, here in zip(signs, held, strict=True):
        values = np.zeros((1, sign.size))
        values[0, here] = multipliers[start : start + here.size]
        start += here.size
        beta.append(values)
    alpha = [np.ones((1, sign.size)) for sign in signs]
    return Choices(alpha, beta, weights), x


def _solved(box: Box, left: Dense, constant: Vector) -> tuple[Vector, Vector] | None:
    """``min t`` with ``left @ x + constant <= t`` in the box: multipliers of the rows, and x."""
    n = box.dim
    reach = np.abs(left) @ np.maximum(np.abs(box.lower), np.abs(box.upper)) + np.abs(constant)
    most = float(reach.max(initial=1.0))
    matrix = np.concatenate([left, np.full((len(left), 1), -1.0)], axis=1)
    objective = np.zeros(n + 1)
    objective[-1] = 1.0
    program = Program.linear(
        matrix,
        np.full(len(left), -np.inf),
        -constant,
        np.append(box.lower, -most),
        np.append(box.upper, most),
        objective,
    )
    try:
        solution = HighsSession(program, _SETTINGS).solve()
    except SolverError:
        return None
    if solution.row_duals is None or solution.x is None:
        return None
    return -solution.row_duals, solution.x[:n]
