"""Properties of a network: what must not happen, as unions of linear sets of inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box


@dataclass(frozen=True, eq=False)
class LinearRows:
    """``on_outputs @ y + on_inputs @ x <= limit``, row by row.

    Attributes
    ----------
    on_outputs : ndarray, shape (m, n_outputs)
    on_inputs : ndarray, shape (m, n_inputs)
    limit : ndarray, shape (m,)
        Rounded upward where float64 does not hold it.
    limit_below : ndarray, shape (m,)
        Rounded downward; equal to `limit` nearly always.
    strict : ndarray of bool, shape (m,)
        Rows that ask for ``<``.
    """

    on_outputs: Dense
    on_inputs: Dense
    limit: Vector
    limit_below: Vector
    strict: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.limit.size)

    @staticmethod
    def closed(on_outputs: Dense, limit: Vector, on_inputs: Dense) -> LinearRows:
        """Rows that ask for ``<=``, with limits that float64 holds."""
        return LinearRows(on_outputs, on_inputs, limit, limit, np.zeros(limit.size, dtype=np.bool_))

    def excess(self, x: Dense, y: Dense) -> Dense:
        """Left side less limit, shape (n, m), of inputs (n, n_inputs) and their outputs."""
        return np.asarray(y @ self.on_outputs.T + x @ self.on_inputs.T - self.limit_below)


@dataclass(frozen=True, eq=False)
class Case:
    """One way to violate a property: an input of `box` for which every row holds."""

    box: Box
    rows: LinearRows


@dataclass(frozen=True, eq=False)
class Property:
    """What must not happen: the union of `cases`. It holds iff no input meets any of them.

    Attributes
    ----------
    cases : tuple of Case
        At least one. Cases over the same inputs share one `Box`.
    n_inputs, n_outputs : int
    origin : str
        Where it comes from, for messages.
    """

    cases: tuple[Case, ...]
    n_inputs: int
    n_outputs: int
    origin: str

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The distinct boxes, in the order in which they come."""
        return tuple({id(case.box): case.box for case in self.cases}.values())

    @property
    def hull(self) -> Box:
        """The least box that contains them all."""
        boxes = self.boxes
        lower = np.min([box.lower for box in boxes], axis=0)
        upper = np.max([box.upper for box in boxes], axis=0)
        return Box(lower, upper, self.origin)

    def describe(self) -> dict[str, Any]:
        """The property as JSON: what the answers name."""
        return {
            "origin": self.origin,
            "boxes": len(self.boxes),
            "cases": len(self.cases),
            "constraints": sum(len(case.rows) for case in self.cases),
        }
