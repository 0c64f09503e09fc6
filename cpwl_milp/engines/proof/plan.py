"""The network as proofs need it: dense layers over the unit box, and what rounding may do to them.

Coordinates are t in [-1, 1]^d with ``x = centre + half * t``; centre and half are floats, and the
image of the unit box holds the domain's box (`half` is rounded up). So what holds on the unit box
holds on the domain.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.network import Network

# Weights are held densely.
_MOST_WEIGHTS = 50_000_000
# Units of a layer, in the file of a certificate.
_MOST_UNITS = 65_535
# Weights beyond these powers of ten are left to whole numbers: products might underflow.
_SMALLEST, _LARGEST = 1e-100, 1e100


class Plan(NamedTuple):
    """Plain arrays for kernels.

    Attributes
    ----------
    weights : ndarray
        ``W^T`` of each layer, (n_in, n_out) row by row, one layer after the other.
    weights_at, first_row, first_value : ndarray of int64, shape (n_layers + 1,)
        Where each layer's weights, outputs and inputs begin (inputs are the outputs before).
    bias, slope : ndarray, one entry an output
    unit_row : ndarray of int64
        The output of each unit.
    unit_of_row : ndarray of int64
        The unit of each output; -1 for one that passes on.
    offsets : ndarray of int64
        Where each layer's units begin.
    word_at : ndarray of int64
        Where each layer's words begin in a row of patterns.
    centre, half, lower, upper : ndarray, shape (d,)
    drift : float
        How far, in t, rounding ``centre + half * t`` can move a point.
    in_floats : bool
        Whether magnitudes allow decisions in float64.
    """

    weights: Vector
    weights_at: NDArray[np.int64]
    first_row: NDArray[np.int64]
    bias: Vector
    slope: Vector
    unit_row: NDArray[np.int64]
    unit_of_row: NDArray[np.int64]
    offsets: NDArray[np.int64]
    word_at: NDArray[np.int64]
    centre: Vector
    half: Vector
    lower: Vector
    upper: Vector
    drift: float
    in_floats: bool


def lay_out(network: Network, domain: Domain) -> Plan:
    """Lay a network out over a full-dimensional domain with linear faces.

    Raises
    ------
    InputError
        If it is too large to be proved.
    """
    size = sum(layer.affine.n_in * layer.affine.n_out for layer in network.layers)
    if size > _MOST_WEIGHTS or max(network.widths, default=0) > _MOST_UNITS:
        raise InputError(
            "--rigorous",
            f"a network with {size:,} weights in its layers, the widest of "
            f"{max(network.widths, default=0):,} units",
            f"at most {_MOST_WEIGHTS:,}, and {_MOST_UNITS:,} units",
            "count without --rigorous",
        )
    dense = [layer.affine.dense() for layer in network.layers]
    empty = [np.zeros(0)]
    weights = np.concatenate([w.T.ravel() for w in dense] or empty)
    bias = np.concatenate([layer.affine.bias for layer in network.layers] or empty)
    slope = np.concatenate([layer.slope for layer in network.layers] or empty)
    first_row = _starts([layer.affine.n_out for layer in network.layers])
    unit_row = np.concatenate(
        [layer.units + start for layer, start in zip(network.layers, first_row, strict=False)]
        or [np.zeros(0, dtype=np.int64)]
    ).astype(np.int64)
    unit_of_row = np.full(first_row[-1], -1, dtype=np.int64)
    unit_of_row[unit_row] = np.arange(unit_row.size)
    box = domain.box
    centre = 0.5 * box.lower + 0.5 * box.upper
    half = np.nextafter(np.maximum(box.upper - centre, centre - box.lower), np.inf)
    return Plan(
        weights=weights,
        weights_at=_starts([w.size for w in dense]),
        first_row=first_row,
        bias=bias,
        slope=slope,
        unit_row=unit_row,
        unit_of_row=unit_of_row,
        offsets=np.asarray(network.offsets, dtype=np.int64),
        word_at=_starts([(n + 63) // 64 for n in network.widths]),
        centre=centre,
        half=half,
        lower=box.lower,
        upper=box.upper,
        drift=float(np.max(np.abs(centre) / half, initial=0.0) + 2.0) * 2.0**-50,
        in_floats=_ordinary(weights, bias, slope, centre, half),
    )


def _starts(sizes: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)


def _ordinary(*arrays: Vector) -> bool:
    sizes = np.abs(np.concatenate(arrays))
    sizes = sizes[sizes > 0]
    return bool(np.all((sizes >= _SMALLEST) & (sizes <= _LARGEST)))


def domain_walls(plan: Plan, domain: Domain) -> tuple[Dense, Vector]:
    """The domain's inequalities as functions ``b - A x`` of t, and their errors.

    Returns
    -------
    rows : ndarray, shape (m, d + 1)
    errors : ndarray, shape (m,)
        At most so much do they differ from the exact functions on the unit box.
    """
    A, b = domain.inequalities()
    rows = np.column_stack([b - A @ plan.centre, -A * plan.half])
    size = np.abs(b) + np.abs(A) @ (np.abs(plan.centre) + plan.half)
    # Higham 2002, section 3.1: so many roundings, doubled for those of `size` itself.
    errors = (2 * plan.half.size + 16) * 2.0**-53 * size + 1e-290
    return rows, errors
