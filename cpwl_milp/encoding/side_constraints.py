"""Linear constraints over inputs and outputs, added to an encoded network."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.numeric_expr import LinearExpression

from cpwl_milp.core.property import LinearRows
from cpwl_milp.encoding.big_m import Encoding


def add_rows(encoding: Encoding, rows: LinearRows, slack: float = 0.0) -> None:
    """Ask for ``on_outputs @ y + on_inputs @ x <= limit + slack``, as constraint ``rows[k]``.

    Parameters
    ----------
    encoding : Encoding
        Made with outputs.
    rows : LinearRows
    slack : float
        Added to every limit: room for what the solver's tolerances might cut off, if positive.
    """
    model = encoding.model
    x, y = list(model.x.values()), list(model.y.values())
    model.rows = pyo.Constraint(pyo.Any)
    for k in range(len(rows)):
        of_y, of_x = rows.on_outputs[k], rows.on_inputs[k]
        expression = LinearExpression(
            constant=0.0,
            linear_coefs=[*of_y[of_y != 0].tolist(), *of_x[of_x != 0].tolist()],
            linear_vars=[
                *(y[j] for j in np.flatnonzero(of_y)),
                *(x[j] for j in np.flatnonzero(of_x)),
            ],
        )
        model.rows[k] = (None, expression, float(rows.limit[k]) + slack)
