"""The patterns across the facets of a region.

The full-dimensional regions of a convex domain, joined where they share a facet, form a connected
graph. A set of regions that is closed under crossing facets is therefore complete, whatever an
integer program with margins could not see. This uses linear programs only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import SolverError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Bits
from cpwl_milp.engines.milp.certificate import CellRows
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.inradius import constant_rows
from cpwl_milp.solvers.program import Program, SolveStatus

# Rows closer than this are one hyperplane; facets smaller than this are none. Shares of the box.
_SAME = 1e-10


def neighbours(
    network: Network, domain: Domain, bits: Bits, crossable: NDArray[np.bool_]
) -> Iterator[Bits]:
    """The patterns across the facets of the region `bits`, each (n_units,) of bool.

    Parameters
    ----------
    crossable : ndarray of bool, shape (n_units,)
        Units that change their bit somewhere in the domain; no other makes a facet.

    Raises
    ------
    SolverError
        If the linear program of a facet was not settled.

    Notes
    -----
    A row makes a facet iff some point of the cell lies on it and strictly inside all other
    hyperplanes. Units that do not vanish on the facet keep their bit across it. One that does is
    linear in the distance from it there, so it is on iff it grows; units of earlier layers first.
    A facet that only touches the domain leads to a pattern that is not proper.
    """
    rows = CellRows.of(network, domain, bits)
    box, n_units = domain.box, len(bits)
    norms = np.linalg.norm(rows.A, axis=1)
    constant = constant_rows(norms, box.lower, box.upper, rows.noise)
    vanishing = constant[:n_units] & (np.abs(rows.b[:n_units]) <= rows.noise[:n_units])
    used = np.flatnonzero(~constant & np.concatenate([crossable, ~constant[n_units:]]))
    unit = rows.A[used] / norms[used, None]
    side = rows.b[used] / norms[used]
    tolerance = _SAME * float(np.linalg.norm(box.half_widths))
    for members, normal in _facets(unit, side, domain, tolerance):
        crossed = used[members]
        if (crossed >= n_units).any():
            continue  # the domain's own boundary
        on_facet = vanishing.copy()
        on_facet[crossed] = True
        yield _across(network, bits, on_facet, normal)


def _facets(
    unit: NDArray[np.float64], side: Vector, domain: Domain, tolerance: float
) -> Iterator[tuple[NDArray[np.intp], Vector]]:
    """The rows that make each facet, and its outward normal."""
    m, n = unit.shape
    # Columns x and t; rows "unit x + t <= side" and then "unit x", free until one is held.
    session = HighsSession(
        Program.linear(
            np.block([[unit, np.ones((m, 1))], [unit, np.zeros((m, 1))]]),
            np.full(2 * m, -np.inf),
            np.concatenate([side, np.full(m, np.inf)]),
            np.concatenate([domain.box.lower, [-1.0]]),
            np.concatenate([domain.box.upper, [1.0]]),
        )
    )
    session.set_objective([n], [1.0], maximise=True)
    done = np.zeros(m, dtype=np.bool_)
    for i in range(m):
        if done[i]:
            continue
        near = np.abs(unit - unit[i]).max(axis=1) <= _SAME
        members = np.flatnonzero(near & (np.abs(side - side[i]) <= tolerance))
        done[members] = True
        for j in members:
            session.set_row_bounds(int(j), -np.inf, np.inf)
        session.set_row_bounds(m + i, side[i], side[i])
        solution = session.solve()
        if solution.status not in (SolveStatus.OPTIMAL, SolveStatus.INFEASIBLE):
            raise SolverError("milp engine", "the linear program of a facet was not settled")
        if solution.x is not None and solution.objective > tolerance:
            yield members, unit[i]
        session.set_row_bounds(m + i, -np.inf, np.inf)
        for j in members:
            session.set_row_bounds(int(j), -np.inf, side[j])


def _across(network: Network, bits: Bits, on_facet: Bits, direction: Vector) -> Bits:
    """The pattern just across: `bits`, but by the rate of growth where a unit is zero."""
    found = bits.copy()
    rate = direction
    for index, layer in enumerate(network.layers):
        growth = np.asarray(layer.affine.weight @ rate)
        least = 1e-11 * np.asarray(layer.affine.magnitude() @ np.abs(rate))
        where = network.layer_bits(index)
        grows = (growth > least)[layer.units]
        found[where] = np.where(on_facet[where], grows, bits[where])
        factor = np.ones(layer.affine.n_out)
        factor[layer.units] = np.where(found[where], 1.0, layer.slope[layer.units])
        rate = factor * growth
    return found
