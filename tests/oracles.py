"""Independent answers for tests: slow, short, and sharing no code with the engines.

`facet_walk_regions` finds every proper activation region of a small network in a box by walking
from region to region across facets. The graph of the full-dimensional cells of a convex domain,
joined where they share a facet, is connected (almost every segment between two interior points
meets only facets), so a set that is closed under crossing facets is complete. No branching, no
integer program and no bounds are used.

What lies across a facet is read off the germ of the network there: at a point of the facet's
relative interior, with the outward direction, a unit's bit is 1 iff its value is above zero, or
is zero and grows in that direction. All units that vanish on the facet are linear along it, so
one point and one direction tell the whole pattern, whatever the degeneracy (zero biases, equal,
opposite, parallel or dead units).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.solvers.highs import HighsSession
from cpwl_milp.solvers.program import Program, SolveStatus

# Lengths below this do not exist for the oracle; it raises OracleDoubtError near them.
_ZERO = 1e-9
_CLEAR = 1e-7

Vector = NDArray[np.float64]
Bits = NDArray[np.bool_]


class OracleDoubtError(Exception):
    """The network is too close to a degenerate one for float arithmetic to tell."""


def germ_bits(network: Network, point: Vector, direction: Vector) -> Bits:
    """The pattern at ``point + s * direction`` for all small enough s > 0."""
    value, rate = point, direction / np.linalg.norm(direction)
    parts = []
    for layer in network.layers:
        weight = layer.affine.dense()
        z, dz = weight @ value + layer.affine.bias, weight @ rate
        # Rounding errors grow with the terms that are summed.
        z_zero = _ZERO * (1.0 + np.abs(weight) @ np.abs(value) + np.abs(layer.affine.bias))
        dz_zero = _ZERO * (1.0 + np.abs(weight) @ np.abs(rate))
        on = (z > z_zero) | ((np.abs(z) <= z_zero) & (dz > dz_zero))
        factor = np.where(on, 1.0, layer.slope)
        factor[layer.slope == 1.0] = 1.0
        value, rate = factor * np.where(np.abs(z) <= z_zero, 0.0, z), factor * dz
        parts.append(on[layer.units])
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.bool_)


def region_rows(network: Network, bits: Bits) -> tuple[NDArray[np.float64], Vector]:
    """Unit rows (A, b) with ``A x <= b``: the closed region of `bits`, constant units left out."""
    a, c = np.eye(network.n_inputs), np.zeros(network.n_inputs)
    rows, sides = [], []
    start = 0
    for layer in network.layers:
        weight = layer.affine.dense()
        p, q = weight @ a, weight @ c + layer.affine.bias
        scale = 1.0 + np.abs(weight) @ np.abs(a).max(axis=1, initial=0.0)
        factor = np.ones(len(q))
        for unit in layer.units:
            on = bits[start]
            start += 1
            factor[unit] = 1.0 if on else layer.slope[unit]
            norm = np.linalg.norm(p[unit])
            if norm > _ZERO * scale[unit]:
                sign = -1.0 if on else 1.0
                rows.append(sign * p[unit] / norm)
                sides.append(-sign * q[unit] / norm)
        a, c = factor[:, None] * p, factor * q
    return np.array(rows).reshape(-1, network.n_inputs), np.array(sides)


def interior_facets(
    A: NDArray[np.float64], b: Vector, box: Box
) -> tuple[float, list[tuple[Vector, Vector]]]:
    """The inradius of a region in a box, and (point, outward normal) of each facet inside.

    A row makes a facet iff some point lies on it and strictly inside all rows that are not the
    same hyperplane (a box face being the same hyperplane makes it none).
    """
    n = box.dim
    box_A = np.concatenate([np.eye(n), -np.eye(n)])
    box_b = np.concatenate([box.upper, -box.lower])
    all_A, all_b = np.concatenate([A, box_A]), np.concatenate([b, box_b])
    total = len(all_b)
    # Columns x and t. Rows 0..total-1: A x + t <= b, and then A x, free until one is held.
    matrix = np.block([[all_A, np.ones((total, 1))], [A, np.zeros((len(A), 1))]])
    session = HighsSession(
        Program.linear(
            matrix,
            np.full(len(matrix), -np.inf),
            np.concatenate([all_b, np.full(len(A), np.inf)]),
            np.concatenate([box.lower, [-1e3]]),
            np.concatenate([box.upper, [1e3]]),
        )
    )
    session.set_objective([n], [1.0], maximise=True)
    whole = session.solve()
    assert whole.status is SolveStatus.OPTIMAL
    facets = []
    done = np.zeros(len(A), dtype=np.bool_)
    for i in range(len(A)):
        if done[i]:
            continue
        same = np.flatnonzero(
            (np.abs(all_A - A[i]).max(axis=1) < _CLEAR) & (np.abs(all_b - b[i]) < _CLEAR)
        )
        done[same[same < len(A)]] = True
        if (same >= len(A)).any():
            continue  # the facet lies in the box's boundary
        for j in same:
            session.set_row_bounds(int(j), -np.inf, np.inf)
        session.set_row_bounds(total + i, b[i], b[i])
        solution = session.solve()
        assert solution.status in (SolveStatus.OPTIMAL, SolveStatus.INFEASIBLE)
        if solution.x is not None:
            if _ZERO < solution.objective < _CLEAR:
                raise OracleDoubtError(f"a facet of size {solution.objective:g}")
            if solution.objective >= _CLEAR:
                facets.append((solution.x[:n], A[i]))
        session.set_row_bounds(total + i, -np.inf, np.inf)
        for j in same:
            session.set_row_bounds(int(j), -np.inf, all_b[j])
    return float(whole.objective), facets


def facet_walk_regions(network: Network, box: Box, *, limit: int = 100_000) -> set[bytes]:
    """The packed patterns of all proper activation regions that meet the box's interior.

    Parameters
    ----------
    network : Network
    box : Box
        Full-dimensional.
    limit : int
        Give up (AssertionError) beyond this many regions.

    Returns
    -------
    set of bytes
        ``np.packbits(bits, bitorder="little").tobytes()`` of each pattern, which is
        ``pattern.pack(...)[k].tobytes()``.

    Raises
    ------
    OracleDoubtError
        If a region or facet is smaller than float arithmetic can be trusted with.
    """
    rng = np.random.default_rng(0)
    start = germ_bits(network, box.sample(1, rng)[0], rng.normal(size=box.dim))
    if not start.size:
        return {b"\0"}
    known = {_key(start)}
    todo = [start]
    while todo:
        bits = todo.pop()
        inradius, facets = interior_facets(*region_rows(network, bits), box)
        if inradius < _CLEAR:
            raise OracleDoubtError(f"a region of inradius {inradius:g}")
        for point, normal in facets:
            across = germ_bits(network, point, normal)
            if _key(across) not in known:
                assert len(known) < limit, "more regions than the oracle was asked to walk"
                known.add(_key(across))
                todo.append(across)
    return known


def _key(bits: Bits) -> bytes:
    return np.packbits(bits, bitorder="little").tobytes()


def own_patterns(network: Network, patterns: set[bytes], layer: int) -> set[bytes]:
    """The patterns of layer `layer` (from 0) alone among whole patterns."""
    return {_key(_bits(network, key)[network.layer_bits(layer)]) for key in patterns}


def prefix_patterns(network: Network, patterns: set[bytes], n_layers: int) -> set[bytes]:
    """The patterns of the first `n_layers` layers among whole patterns."""
    return {_key(_bits(network, key)[: network.offsets[n_layers]]) for key in patterns}


def _bits(network: Network, key: bytes) -> Bits:
    whole = np.frombuffer(key, dtype=np.uint8)
    return np.unpackbits(whole, count=network.n_units, bitorder="little").astype(np.bool_)
