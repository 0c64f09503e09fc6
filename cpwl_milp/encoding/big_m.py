"""One big-M formulation of a network over a bounded domain.

For a hidden unit with pre-activation ``z = W a + b``, ``lower <= z <= upper`` and negative-side
slope s (Serra, Tjandraatmadja and Ramalingam 2018, section 5, with s = 0)::

    z = z_plus - z_minus          0 <= z_plus <= upper * on
    a' = z_plus - s * z_minus     0 <= z_minus <= -lower * (1 - on)
    z_plus >= margin * max(|lower|, upper) * on

Only the active side carries a margin: with one on both sides a unit that is identically zero on
a full-dimensional cell would have no value at all, and the cell would be lost; with none, such a
unit would take both bits (Stargalla, Hertrich and Reichman 2025, on half-open patterns).

A unit whose bit the bounds fix needs no binary: it becomes one linear variable `value`, or
vanishes where it is 0. So do units that pass on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from numpy.typing import NDArray
from pyomo.core.expr.numeric_expr import LinearExpression

from cpwl_milp.core.affine import Affine, Vector
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import InputError
from cpwl_milp.core.network import Layer, Network

# Bounds hold up to rounding; the program must not cut what they just contain.
_WIDEN = 1e-9

UNSTABLE = -1


@dataclass(frozen=True, eq=False)
class Encoding:
    """A network over a domain as a Pyomo model.

    Attributes
    ----------
    model : ConcreteModel
        Variables ``x[j]``, ``value[l,i]``, ``z_plus[l,i]``, ``z_minus[l,i]``, ``on[l,i]`` and, on
        request, ``y[k]``; layers count from 1, units by their position in the layer from 0.
        Constraints ``domain[k]``, ``define[l,i]``, ``plus_off[l,i]``, ``minus_off[l,i]``,
        ``plus_on[l,i]``, ``output[k]``. The objective is zero.
    network : Network
    stable_bits : ndarray of int8, shape (n_units,)
        The bit of each hidden unit that the bounds fix; -1 (`UNSTABLE`) for the others.
    unit_index : ndarray of int, shape (n_units, 2)
        Layer (from 1) and position of each bit: ``on[l,i]`` for the unstable ones.
    margin : float
        What an active unit exceeds, as a share of the larger of its two bounds.
    """

    model: pyo.ConcreteModel
    network: Network
    stable_bits: NDArray[np.int8]
    unit_index: NDArray[np.int64]
    margin: float


@dataclass(frozen=True, eq=False)
class _Values:
    """The values of a layer as linear terms: ``matrix @ variables``, one row a value."""

    variables: list[pyo.Var]
    matrix: sp.csr_array


def encode(
    network: Network,
    domain: Domain,
    bounds: Bounds,
    *,
    margin: float = 1e-6,
    outputs: bool = False,
) -> Encoding:
    """Encode `network` over `domain`.

    Parameters
    ----------
    network : Network
    domain : Domain
        Its bounding box bounds ``x``; its inequalities become rows.
    bounds : Bounds
        Sound on the domain; the tighter they are, the fewer binaries and the smaller each M.
    margin : float
        Relative margin of active units; 0 gives the closed program.
    outputs : bool
        Define ``y[k]``, the outputs. Without them the last layer keeps its unstable units only.

    Raises
    ------
    InputError
        If the margin is outside [0, 1).
    """
    if not 0 <= margin < 1:  # NaN as well
        raise InputError("margin", f"{margin}", "a number from 0 up to, not including, 1")
    model = pyo.ConcreteModel(name="network")
    box = domain.box
    model.x = pyo.Var(
        range(network.n_inputs),
        bounds=lambda _, j: (float(box.lower[j]), float(box.upper[j])),
    )
    keys = _Keys.of(network, bounds, outputs)
    model.value = pyo.Var(keys.linear)
    model.z_plus = pyo.Var(keys.unstable)
    model.z_minus = pyo.Var(keys.unstable)
    model.on = pyo.Var(keys.unstable, domain=pyo.Binary)
    model.define = pyo.Constraint(pyo.Any)
    model.plus_off = pyo.Constraint(pyo.Any)
    model.minus_off = pyo.Constraint(pyo.Any)
    model.plus_on = pyo.Constraint(pyo.Any)
    _add_domain(model, domain)
    values = _Values(list(model.x.values()), sp.eye_array(network.n_inputs, format="csr"))
    for index, layer in enumerate(network.layers):
        bound = (bounds.lower[index], bounds.upper[index])
        values = _add_layer(model, index + 1, layer, bound, values, margin)
    if outputs:
        _add_outputs(model, network.output, values)
    model.objective = pyo.Objective(expr=0.0)
    return Encoding(model, network, keys.stable_bits, keys.unit_index, margin)


@dataclass(frozen=True, eq=False)
class _Keys:
    """Which units get which variables."""

    linear: list[tuple[int, int]]
    unstable: list[tuple[int, int]]
    stable_bits: NDArray[np.int8]
    unit_index: NDArray[np.int64]

    @staticmethod
    def of(network: Network, bounds: Bounds, outputs: bool) -> _Keys:
        linear: list[tuple[int, int]] = []
        unstable: list[tuple[int, int]] = []
        bits, index = [], []
        for k, (layer, stability) in enumerate(
            zip(network.layers, bounds.stability(network), strict=True), 1
        ):
            state = np.where(stability.always_active, 1, UNSTABLE)
            state = np.where(stability.always_inactive, 0, state)
            bits.append(state)
            index += [(k, int(i)) for i in layer.units]
            unstable += [(k, int(i)) for i in layer.units[state == UNSTABLE]]
            if outputs or k < len(network.layers):
                kept = np.ones(layer.affine.n_out, dtype=np.bool_)
                kept[layer.units] = (state == 1) | ((state == 0) & (layer.slope[layer.units] != 0))
                linear += [(k, int(i)) for i in np.flatnonzero(kept)]
        return _Keys(
            linear,
            unstable,
            np.concatenate([np.zeros(0), *bits]).astype(np.int8),
            np.array(index, dtype=np.int64).reshape(-1, 2),
        )


def _add_domain(model: pyo.ConcreteModel, domain: Domain) -> None:
    A, b = domain.inequalities()
    rows = sp.csr_array(A)
    variables = list(model.x.values())
    model.domain = pyo.Constraint(
        range(len(b)),
        rule=lambda _, k: (None, _expression(rows, k, variables), float(b[k])),
    )


def _add_layer(
    model: pyo.ConcreteModel,
    number: int,
    layer: Layer,
    bound: tuple[Vector, Vector],
    values: _Values,
    margin: float,
) -> _Values:
    """Add one layer's variables and rows; returns its values for the next."""
    rows = sp.csr_array(sp.csr_array(layer.affine.weight) @ values.matrix)
    variables: list[pyo.Var] = []
    places: list[tuple[int, int, float]] = []
    for i in range(layer.affine.n_out):
        key = (number, i)
        low, high = float(bound[0][i]), float(bound[1][i])
        scale = max(abs(low), abs(high))
        # A bound of zero stays: the part on its other side is fixed instead of being a variable
        # of rounding's size, whose coefficients would mislead a solver.
        low = low - _WIDEN * scale if low != 0 else 0.0
        high += _WIDEN * scale
        bias, slope = float(layer.affine.bias[i]), float(layer.slope[i])
        if key in model.on:
            plus, minus, on = model.z_plus[key], model.z_minus[key], model.on[key]
            plus.setlb(0.0)
            plus.setub(high)
            minus.setlb(0.0)
            minus.setub(-low)
            terms = _expression(rows, i, values.variables, (plus, -1.0), (minus, 1.0))
            model.define[key] = (terms, -bias)
            model.plus_off[key] = (None, _terms((plus, 1.0), (on, -high)), 0.0)
            model.minus_off[key] = (None, _terms((minus, 1.0), (on, -low)), -low)
            if margin > 0:
                model.plus_on[key] = (0.0, _terms((plus, 1.0), (on, -margin * scale)), None)
            places.append((i, len(variables), 1.0))
            variables.append(plus)
            if slope != 0:
                places.append((i, len(variables), -slope))
                variables.append(minus)
        elif key in model.value:
            value = model.value[key]
            value.setlb(low)
            value.setub(high)
            terms = _expression(rows, i, values.variables, (value, -1.0))
            model.define[key] = (terms, -bias)
            inactive = slope != 1.0 and float(bound[1][i]) <= 0
            places.append((i, len(variables), slope if inactive else 1.0))
            variables.append(value)
    shape = (layer.affine.n_out, len(variables))
    if not places:
        return _Values(variables, sp.csr_array(shape))
    row, column, factor = zip(*places, strict=True)
    return _Values(variables, sp.csr_array((factor, (row, column)), shape=shape))


def _add_outputs(model: pyo.ConcreteModel, output: Affine, values: _Values) -> None:
    rows = sp.csr_array(sp.csr_array(output.weight) @ values.matrix)
    low, high = _ranges(rows, output.bias, values.variables)
    # HiGHS 1.15 has been seen to crash on free columns without presolve.
    model.y = pyo.Var(
        range(output.n_out), bounds=lambda _, k: (_finite(float(low[k])), _finite(float(high[k])))
    )
    model.output = pyo.Constraint(
        range(output.n_out),
        rule=lambda _, k: (
            _expression(rows, k, values.variables, (model.y[k], -1.0)),
            -float(output.bias[k]),
        ),
    )


def _ranges(rows: sp.csr_array, bias: Vector, variables: list[pyo.Var]) -> tuple[Vector, Vector]:
    """What each row can take within the variables' bounds, widened by far more than rounding."""
    ends = [(v.lb, v.ub) for v in variables]
    low = np.array([-np.inf if a is None else float(a) for a, _ in ends])
    high = np.array([np.inf if b is None else float(b) for _, b in ends])
    coefficients, columns = rows.data, rows.indices
    both = np.stack([coefficients * low[columns], coefficients * high[columns]])
    of_row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    count = rows.shape[0]
    size = np.bincount(of_row, np.abs(both).max(axis=0), count) + np.abs(bias)
    least = np.bincount(of_row, both.min(axis=0), count) + bias
    most = np.bincount(of_row, both.max(axis=0), count) + bias
    with np.errstate(invalid="ignore"):
        return least - _WIDEN * size, most + _WIDEN * size


def _finite(bound: float) -> float | None:
    return bound if np.isfinite(bound) else None


def _expression(
    rows: sp.csr_array,
    k: int,
    variables: list[pyo.Var],
    *more: tuple[pyo.Var, float],
) -> LinearExpression:
    """``rows[k] @ variables + more``, without building a tree of terms."""
    span = slice(rows.indptr[k], rows.indptr[k + 1])
    return LinearExpression(
        constant=0.0,
        linear_coefs=[*rows.data[span].tolist(), *(c for _, c in more)],
        linear_vars=[*(variables[j] for j in rows.indices[span].tolist()), *(v for v, _ in more)],
    )


def _terms(*terms: tuple[pyo.Var, float]) -> LinearExpression:
    return LinearExpression(
        constant=0.0, linear_coefs=[c for _, c in terms], linear_vars=[v for v, _ in terms]
    )
