"""Parities of binaries as rows: half of all patterns, whatever they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.core.expr.numeric_expr import LinearExpression

from cpwl_milp.core.pattern import Bits
from cpwl_milp.encoding.big_m import Encoding


@dataclass(frozen=True, eq=False)
class Parity:
    """Of some units, an odd or an even number is active.

    Attributes
    ----------
    units : ndarray of int, shape (k,)
        Unstable ones, each once.
    odd : bool
    """

    units: NDArray[np.intp]
    odd: bool

    def holds(self, bits: Bits) -> NDArray[np.bool_]:
        """Whether patterns, shape (..., n_units), have this parity; shape (...)."""
        return np.asarray((bits[..., self.units].sum(axis=-1) % 2 == 1) == self.odd)


def with_parities(encoding: Encoding, parities: Sequence[Parity]) -> Encoding:
    """The encoding of the patterns that have all these parities.

    A parity is the row ``sum(on) = 2 y + odd`` with an integer y of its own (Serra and Ramalingam
    2020, MIPBound). The encoding given stays as it is.
    """
    model = encoding.model.clone()
    most = [len(parity.units) // 2 for parity in parities]
    model.half = pyo.Var(
        range(len(parities)), domain=pyo.Integers, bounds=lambda _, k: (0, most[k])
    )
    model.parity = pyo.Constraint(range(len(parities)))
    for k, parity in enumerate(parities):
        on = [model.on[tuple(encoding.unit_index[unit].tolist())] for unit in parity.units]
        row = LinearExpression(
            constant=0.0,
            linear_coefs=[*[1.0] * len(on), -2.0],
            linear_vars=[*on, model.half[k]],
        )
        model.parity[k] = (row, float(parity.odd))
    return replace(encoding, model=model)
