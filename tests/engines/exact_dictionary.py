"""The dictionary of the tree's current cell in rational arithmetic: what its error is measured by.

Weights, biases, the norms that rows are divided by and the choice of columns are taken as they
stand; maps of units and the whole table follow from them without rounding.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.engines.tree.plan import Plan
from cpwl_milp.engines.tree.state import INVERSE, LAYER, ROWS, SIDE, TABLE, State

_Row = list[Fraction]


def errors_of(plan: Plan, state: State) -> tuple[float, float]:
    """Largest errors of the current table's values, and of its coefficients.

    Values are distances in the unit box, as the tolerance is. Errors of coefficients are relative
    to the largest of their row, or to 1.
    """
    s = int(state.at[TABLE])
    d = state.col_ids.shape[1]
    values = coefficients = 0.0
    for i, row in _exact_table(plan, state).items():
        gaps = [abs(float(Fraction(float(state.tables[s, k, i])) - row[k])) for k in range(d + 1)]
        steepest = max(1.0, *(abs(float(x)) for x in row[1:]))
        values = max(values, gaps[0])
        coefficients = max(coefficients, max(gaps[1:]) / steepest)
    return values, coefficients


def _exact_table(plan: Plan, state: State) -> dict[int, _Row]:
    s = int(state.at[TABLE])
    d = state.col_ids.shape[1]
    row_ids = state.row_ids[s, : state.sizes[s, ROWS]]
    col_ids, sides = state.col_ids[s], state.columns[s, SIDE]
    maps = _exact_maps(plan, state.bits, int(state.at[LAYER]))

    def normalised(unit: int) -> _Row:
        size = Fraction(float(state.measures[unit, INVERSE]))
        return [size * x for x in maps[int(plan.unit_row[unit])]]

    # Each coordinate as an affine function of the columns: those that are columns at once.
    functions: dict[int, _Row] = {}
    for j in range(d):
        if col_ids[j] < d:
            side = Fraction(float(sides[j]))
            functions[int(col_ids[j])] = [
                -side,
                *(side if k == j else Fraction(0) for k in range(d)),
            ]
    rows = [int(c) for c in row_ids if 0 <= c < d]
    system, right = [], []
    for j in range(d):
        if col_ids[j] >= d:
            q, *p = normalised(int(col_ids[j]) - d)
            share = _sum(d, q, [(p[c], function) for c, function in functions.items()])
            side = Fraction(float(sides[j]))
            right.append([(side if k == j + 1 else 0) - share[k] for k in range(d + 1)])
            system.append([p[c] for c in rows])
    functions.update(zip(rows, _solved(system, right), strict=True))
    table: dict[int, _Row] = {}
    for i, variable in enumerate(row_ids):
        if 0 <= variable < d:
            table[i] = functions[int(variable)]
        elif variable >= d:
            q, *p = normalised(int(variable) - d)
            table[i] = _sum(d, q, [(p[c], function) for c, function in functions.items()])
    return table


def _sum(d: int, constant: Fraction, terms: list[tuple[Fraction, _Row]]) -> _Row:
    total = [constant, *[Fraction(0)] * d]
    for weight, function in terms:
        if weight:
            total = [x + weight * y if y else x for x, y in zip(total, function, strict=True)]
    return total


def _exact_maps(plan: Plan, bits: NDArray[np.uint8], layer: int) -> dict[int, _Row]:
    """``[q, P]`` of all rows up to a layer, for the bits below."""
    d = plan.scale.size
    maps: dict[int, _Row] = {}
    for at in range(layer + 1):
        below = int(plan.first_row[at - 1]) if at else 0
        for i in range(int(plan.first_row[at]), int(plan.first_row[at + 1])):
            terms = []
            row = [Fraction(float(plan.bias[i])), *[Fraction(0)] * d]
            for entry in range(int(plan.indptr[i]), int(plan.indptr[i + 1])):
                weight, index = Fraction(float(plan.weights[entry])), int(plan.indices[entry])
                if at == 0:
                    row[index + 1] += weight
                    continue
                unit = int(plan.unit_of_row[below + index])
                if unit >= 0 and not bits[unit]:
                    weight *= Fraction(float(plan.slope[below + index]))
                terms.append((weight, maps[below + index]))
            maps[i] = [x + y for x, y in zip(row, _sum(d, Fraction(0), terms), strict=True)]
    return maps


def _solved(system: list[_Row], right: list[_Row]) -> list[_Row]:
    """Solve ``system X = right`` (Gauss-Jordan)."""
    m = len(system)
    lines = [[*a, *b] for a, b in zip(system, right, strict=True)]
    for j in range(m):
        best = next(i for i in range(j, m) if lines[i][j])
        lines[j], lines[best] = lines[best], lines[j]
        lines[j] = [x / lines[j][j] for x in lines[j]]
        for i in range(m):
            if i != j and lines[i][j]:
                factor = lines[i][j]
                lines[i] = [x - factor * y for x, y in zip(lines[i], lines[j], strict=True)]
    return [line[m:] for line in lines]
