"""Checks that every answer on linear terms passes, or it is no answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.terms.linear import LinearTerms

TOLERANCE = 1e-9
"""How far two ways to one value may differ, relative to what is added up in it."""


@dataclass
class Check:
    """The largest deviation that one check has met.

    Attributes
    ----------
    name : str
        What must hold.
    tolerance : float
    largest : float
    n : int
        Points checked.
    """

    name: str
    tolerance: float
    largest: float = 0.0
    n: int = 0

    def take(self, deviations: Dense, first_row: int = 0) -> None:
        """Note one deviation a point; stop at one that is too large.

        Raises
        ------
        CheckFailedError
            That names the point.
        """
        if deviations.size == 0:
            return
        worst = int(np.nanargmax(np.where(np.isnan(deviations), np.inf, deviations)))
        self.largest = max(self.largest, float(deviations[worst]))
        self.n += len(deviations)
        if not deviations[worst] <= self.tolerance:
            raise CheckFailedError(
                f"check `{self.name}`, point {first_row + worst}",
                f"a deviation of {deviations[worst]:.3g}",
                f"at most {self.tolerance:g}",
                "please report it with the model",
            )


def linear_deviation(terms: LinearTerms, points: Dense) -> Dense:
    """By how much each point's term misses f there, shape (n,), relative.

    Relative to the largest of ``|f(x)|``, ``|c|`` and ``||A_k|| ||x||`` over the outputs k: the
    size of what is added up, as f itself may be 0.
    """
    steep = np.sqrt(np.einsum("nki,nki->nk", terms.coefficients, terms.coefficients)).max(axis=1)
    size = np.maximum(np.abs(terms.outputs).max(axis=1), np.abs(terms.bias).max(axis=1))
    size = np.maximum(size, steep * np.linalg.norm(points, axis=1))
    missed = np.abs(terms.at(points) - terms.outputs).max(axis=1)
    return np.asarray(missed / np.where(size > 0, size, 1.0))
