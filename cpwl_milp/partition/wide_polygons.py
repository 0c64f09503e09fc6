"""The regions of a wide network in the plane as polygons, from the search itself.

Clipping the outline by every unit of every region costs regions times units. The search of the
cells engine has the polygons at hand, on the units that bounds leave open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Polytope
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.cells.complex import cells_of
from cpwl_milp.engines.cells.planar.state import N_SIDES
from cpwl_milp.engines.reduced import without_stable_units
from cpwl_milp.partition.polygons import Polygons

# From so many units on this is the faster way.
_WIDE = 1_000


@dataclass(frozen=True, eq=False)
class WidePolygons:
    """Polygons of some regions, and what is left of their network.

    Attributes
    ----------
    polygons : Polygons
        In the order of the list; `sides` are units of the whole network.
    network : Network
        Without the units that are stable on the domain; the same function there.
    patterns : ndarray of uint8
        Of its units, one row a polygon.
    """

    polygons: Polygons
    network: Network
    patterns: Packed


def wide_polygons(problem: Problem, bounds: Bounds, patterns: Packed) -> WidePolygons | None:
    """The polygons of listed regions.

    Parameters
    ----------
    problem : Problem
    bounds : Bounds
        Of the problem's network on its domain.
    patterns : ndarray of uint8
        The first regions of the list, or all.

    Returns
    -------
    WidePolygons or None
        None where the network is not wide, the domain no polygon, or where the search meets
        something that float64 cannot tell and lists other regions.
    """
    network, domain = problem.network, problem.domain
    if network.n_units < _WIDE or domain.dim != 2 or not isinstance(domain, Box | Polytope):
        return None
    reduction = without_stable_units(network, bounds)
    smaller = replace(problem, network=reduction.network)
    corners, counts, labels, units, own = [], [], [], [], []
    n_found = 0
    try:
        for cells in cells_of(smaller, reduction.bounds):
            here = min(len(cells), len(patterns) - n_found)
            end = int(cells.starts[here])
            corners.append(cells.corners[:end])
            counts.append(np.diff(cells.starts[: here + 1]))
            labels.append(cells.facets.label[:end])
            own.append(cells.patterns[:here])
            units.append(cells.cut_units)
            expected = patterns[n_found : n_found + here]
            if not np.array_equal(reduction.completed(own[-1]), expected):
                return None
            n_found += here
            if n_found == len(patterns):
                break
    except CheckFailedError:
        return None
    if n_found < len(patterns):
        return None
    label = np.concatenate(labels)
    cut = label >= N_SIDES
    sides = np.full(label.size, -1, dtype=np.int64)
    sides[cut] = reduction.units[np.concatenate(units)[label[cut] - N_SIDES]]
    starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
    polygons = Polygons(np.concatenate(corners), starts, sides, np.arange(n_found))
    return WidePolygons(polygons, reduction.network, np.concatenate(own))
