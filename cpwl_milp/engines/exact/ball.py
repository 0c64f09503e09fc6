"""The largest ball inside a cell, found in whole numbers and rounded once."""

from __future__ import annotations

import math

from cpwl_milp.core.affine import Vector
from cpwl_milp.engines.exact.cell import ExactCell
from cpwl_milp.engines.exact.dictionary import Dictionary, Effort
from cpwl_milp.engines.exact.integers import Row, quotient
from cpwl_milp.engines.exact.space import ExactSpace

# Norms are held to so many bits behind the point.
_NORM_BITS = 64
_NO_LIMIT = 1 << 62
# The id of the column of r, last in the order of Bland.
_RADIUS = 1 << 60


def largest_ball(cell: ExactCell, space: ExactSpace) -> tuple[Vector, float]:
    """Centre and radius of the largest ball, in the domain's coordinates.

    The ball of radius r lies in the cell iff ``s_i - n_i r >= 0`` for every function s_i of it, of
    norm n_i (the Chebyshev centre). These reduced functions have the cell's own dictionary with one
    more column, for r, so the vertex at hand is feasible with r = 0. Norms are irrational: they
    are rounded to 64 bits, the rest is exact. A cell thinner than the spacing of floats has a
    centre that rounding may move out of it.
    """
    source = cell.dictionary
    d = source.dim
    norms = {variable: _norm(row) for row, variable in cell.added.items()}
    norms.update(dict.fromkeys(range(2 * d), 1 << _NORM_BITS))
    along = [norms[variable] for variable in source.columns]
    rows = []
    for row, variable in zip(source.rows, source.row_ids, strict=True):
        reach = sum(c * n for c, n in zip(row[1:], along, strict=True))
        rows.append([*row, reach - source.den * norms[variable]])
    wide = Dictionary(d + 1, source.den, rows, source.row_ids.copy(), [*source.columns, _RADIUS])
    effort = Effort(_NO_LIMIT)
    objective = [0] * (d + 2)
    objective[-1] = -wide.den
    least = wide.minimise_expressed(objective, effort)
    radius = -least[0]
    centre = [radius * norms[c] for c in range(d)]
    for row, variable in zip(wide.rows, wide.row_ids, strict=True):
        if 0 <= variable < d:
            centre[variable] += row[0]
    return (
        space.floats(centre, wide.den),
        quotient(radius << _NORM_BITS, wide.den << space.exponent),
    )


def _norm(row: Row) -> int:
    return math.isqrt(sum(p * p for p in row[1:]) << (2 * _NORM_BITS))
