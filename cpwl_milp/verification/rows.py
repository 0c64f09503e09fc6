"""All rows of all cases of a property in one table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.domain import Box
from cpwl_milp.core.property import LinearRows, Property

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Group:
    """The cases over one box.

    Attributes
    ----------
    box : Box
    cases : ndarray of int
        Numbers of its cases in the table.
    """

    box: Box
    cases: Indices


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of all cases, case after case.

    Attributes
    ----------
    rows : LinearRows
    starts : ndarray of int, shape (n_cases + 1,)
        Where the rows of each case begin; one more entry, the end.
    groups : tuple of Group
    """

    rows: LinearRows
    starts: Indices
    groups: tuple[Group, ...]

    @staticmethod
    def of(prop: Property) -> Table:
        """The table of a property."""
        parts = [case.rows for case in prop.cases]
        rows = LinearRows(
            np.concatenate([part.on_outputs for part in parts]),
            np.concatenate([part.on_inputs for part in parts]),
            np.concatenate([part.limit for part in parts]),
            np.concatenate([part.limit_below for part in parts]),
            np.concatenate([part.strict for part in parts]),
        )
        starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.intp)
        of_box: dict[int, list[int]] = {}
        for k, case in enumerate(prop.cases):
            of_box.setdefault(id(case.box), []).append(k)
        boxes = {id(case.box): case.box for case in prop.cases}
        groups = tuple(Group(boxes[key], np.array(cases)) for key, cases in of_box.items())
        return Table(rows, starts, groups)

    @property
    def n_cases(self) -> int:
        """Number of cases."""
        return self.starts.size - 1

    def rows_of(self, case: int) -> Indices:
        """The rows of a case."""
        return np.arange(self.starts[case], self.starts[case + 1])

    def case(self, case: int) -> LinearRows:
        """A case by itself."""
        here = slice(self.starts[case], self.starts[case + 1])
        rows = self.rows
        return LinearRows(
            rows.on_outputs[here],
            rows.on_inputs[here],
            rows.limit[here],
            rows.limit_below[here],
            rows.strict[here],
        )

    def worst_excess(self, excess: Dense) -> Dense:
        """The largest excess of each case's rows, shape (n, n_cases), from (n, n_rows).

        At most 0 where a case is met; -inf for a case without rows.
        """
        found = np.full((len(excess), self.n_cases), -np.inf)
        filled = np.flatnonzero(np.diff(self.starts))
        if filled.size:
            found[:, filled] = np.maximum.reduceat(excess, self.starts[filled], axis=1)
        return found
