"""From the Pyomo model to arrays, once, with the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from numpy.typing import NDArray
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.pattern import Bits
from cpwl_milp.encoding.big_m import Encoding
from cpwl_milp.solvers.program import Program


@dataclass(frozen=True, eq=False)
class Compiled:
    """An encoding as arrays.

    Attributes
    ----------
    program : Program
    names : tuple of str
        The Pyomo name of each column.
    x_columns : ndarray of int, shape (n_inputs,)
        The column of each input; -1 for one that nothing depends on.
    on_columns : ndarray of int, shape (n_units,)
        The column of each unit's binary; -1 where its bit is stable.
    stable_bits : ndarray of int8, shape (n_units,)
        The stable bits, -1 elsewhere.
    idle_inputs : ndarray, shape (n_inputs,)
        Values for inputs without a column.
    """

    program: Program
    names: tuple[str, ...]
    x_columns: NDArray[np.int64]
    on_columns: NDArray[np.int64]
    stable_bits: NDArray[np.int8]
    idle_inputs: Vector

    def inputs(self, solution: Vector) -> Vector:
        """The network's input in a solution of the program."""
        found = self.idle_inputs.copy()
        used = self.x_columns >= 0
        found[used] = solution[self.x_columns[used]]
        return found

    def bits(self, solution: Vector) -> Bits:
        """The pattern in a solution of the program, shape (n_units,)."""
        found = self.stable_bits == 1
        free = self.on_columns >= 0
        found[free] = solution[self.on_columns[free]] > 0.5
        return np.asarray(found)


def compile_encoding(encoding: Encoding) -> Compiled:
    """Compile the Pyomo model of `encoding` to arrays."""
    model = encoding.model
    form = LinearStandardFormCompiler().write(model, mixed_form=True)
    columns = {id(variable): k for k, variable in enumerate(form.columns)}
    kinds = np.array([row.bound_type for row in form.rows], dtype=np.int64)
    rhs = np.asarray(form.rhs, dtype=np.float64)
    program = Program(
        np.zeros(len(form.columns)),
        sp.csr_array(form.A),
        np.where(kinds > 0, -np.inf, rhs),
        np.where(kinds < 0, np.inf, rhs),
        np.array([_or(v.lb, -np.inf) for v in form.columns]),
        np.array([_or(v.ub, np.inf) for v in form.columns]),
        np.array([v.is_integer() or v.is_binary() for v in form.columns], dtype=np.bool_),
    )
    on_columns = [
        columns[id(model.on[key])] if key in model.on else -1
        for key in map(tuple, encoding.unit_index.tolist())
    ]
    inputs = list(model.x.values())
    return Compiled(
        program,
        tuple(v.name for v in form.columns),
        np.array([columns.get(id(v), -1) for v in inputs], dtype=np.int64),
        np.array(on_columns, dtype=np.int64),
        encoding.stable_bits,
        np.array([0.5 * (v.lb + v.ub) for v in inputs]),
    )


def forward_values(encoding: Encoding, x: Vector) -> dict[str, float]:
    """The value of every variable of the model, by name, at input `x`, shape (n_inputs,).

    A unit is on iff z > 0. Used to start a solver, and to test the rows without one.
    """
    model, network = encoding.model, encoding.network
    found = {model.x[j].name: float(v) for j, v in enumerate(x)}
    for number, z in enumerate(network.pre_activations(x[None]), 1):
        for i, value in enumerate(z[0].tolist()):
            key = (number, i)
            if key in model.on:
                found[model.z_plus[key].name] = max(value, 0.0)
                found[model.z_minus[key].name] = max(-value, 0.0)
                found[model.on[key].name] = float(value > 0)
            elif key in model.value:
                found[model.value[key].name] = value
    if hasattr(model, "y"):
        for k, value in enumerate(network(x[None])[0].tolist()):
            found[model.y[k].name] = value
    return found


def _or(bound: float | None, default: float) -> float:
    return default if bound is None else float(pyo.value(bound))
