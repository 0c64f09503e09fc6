"""Which regions meet a condition, by one linear program a region."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from cpwl_milp.conditions import Condition, Inequality
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import pack, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.enumeration.listing import list_regions
from tests.oracles import region_rows

_ZERO = 1e-9
_CLEAR = 1e-6


class DoubtError(Exception):
    """A part so thin that floats cannot tell."""


def output_map(
    network: Network, bits: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The affine map of the outputs on a region."""
    a, c = np.eye(network.n_inputs), np.zeros(network.n_inputs)
    start = 0
    for layer in network.layers:
        weight = layer.affine.dense()
        p, q = weight @ a, weight @ c + layer.affine.bias
        factor = np.ones(len(q))
        for unit in layer.units:
            factor[unit] = 1.0 if bits[start] else layer.slope[unit]
            start += 1
        a, c = factor[:, None] * p, factor * q
    weight = network.output.dense()
    return weight @ a, weight @ c + network.output.bias


def inradius(A: NDArray[np.float64], b: NDArray[np.float64], box: Box) -> float:
    """Of ``A x <= b`` in a box; rows of unit norm. Below 0 where it is empty."""
    n = box.dim
    rows = np.concatenate([A, np.eye(n), -np.eye(n)])
    sides = np.concatenate([b, box.upper, -box.lower])
    found = linprog(
        np.r_[np.zeros(n), -1.0],
        A_ub=np.c_[rows, np.ones(len(rows))],
        b_ub=sides,
        bounds=[(None, None)] * n + [(-10.0, None)],
    )
    assert found.status == 0
    return float(-found.fun)


def rows_of(
    inequality: Inequality, network: Network, bits: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float] | bool:
    """A unit row ``a x <= b``, or whether a constant inequality holds."""
    P, q = output_map(network, bits)
    a, c = np.zeros(network.n_inputs), -inequality.threshold
    size = 1.0 + abs(inequality.threshold)
    for k, coefficient in inequality.inputs:
        a[k] += coefficient
        size += abs(coefficient)
    for k, coefficient in inequality.outputs:
        a, c = a + coefficient * P[k], c + coefficient * q[k]
        size += abs(coefficient) * (np.abs(P[k]).sum() + abs(q[k]))
    sign = -1.0 if inequality.above else 1.0
    norm = float(np.linalg.norm(a))
    if norm <= _ZERO * size:
        if _ZERO * size < abs(c) < _CLEAR * size:
            raise DoubtError
        return bool(c > _ZERO * size) == inequality.above
    return sign * a / norm, -sign * c / norm


def meeting(network: Network, box: Box, condition: Condition) -> set[bytes]:
    """Packed patterns of the regions that meet a condition."""
    regions, outcome = list_regions(Problem.of(network, box))
    assert outcome.complete
    asked = {literal.place(network): literal.bit for literal in condition.pattern}
    found = set()
    for bits in unpack(regions.patterns, network.n_units):
        if any(bits[place] != bit for place, bit in asked.items()):
            continue
        rows = [rows_of(inequality, network, bits) for inequality in condition.inequalities]
        if any(row is False for row in rows):
            continue
        A, b = region_rows(network, bits)
        cuts = [row for row in rows if not isinstance(row, bool)]
        radius = inradius(
            np.concatenate([A, *(a[None, :] for a, _ in cuts)]),
            np.concatenate([b, [c for _, c in cuts]]),
            box,
        )
        if _ZERO < radius < _CLEAR:
            raise DoubtError
        if radius >= _CLEAR:
            found.add(bytes(pack(bits[None, :])[0]))
    return found
