"""Checks that every answer on linear terms passes, or it is no answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.affine import Dense
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.terms.extracted import ROUNDING, Extraction, TermSet
from cpwl_milp.terms.linear import LinearTerms
from cpwl_milp.terms.tropical import TropicalTerms

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
    """By how much each point's term misses f there, shape (n,), relative to `LinearTerms.size`."""
    size = terms.size(points)
    missed = np.abs(terms.at(points) - terms.outputs).max(axis=1)
    return np.asarray(missed / np.where(size > 0, size, 1.0))


def difference_deviation(terms: LinearTerms, tropical: TropicalTerms, points: Dense) -> Dense:
    """By how much F - G misses f at each point, shape (n,).

    Relative to |f|, after what float64 cannot do better: F is often a million times f, and is only
    known to `ROUNDING` of what is added up in it.
    """
    above, below = tropical.positive_at(points), tropical.negative_at(points)
    missed = np.abs(above - below[:, None] - terms.outputs).max(axis=1)
    size = np.abs(terms.outputs).max(axis=1)
    size += ROUNDING / TOLERANCE * tropical.size
    return np.asarray(missed / np.where(size > 0, size, 1.0))


def excess(extraction: Extraction, known: TermSet) -> Dense:
    """By how much Fhat_k exceeds F_k at each point, shape (n,), as a share of what is added up."""
    over = np.maximum((extraction.values - known.upper).max(axis=1), 0.0)
    return np.asarray(over / np.where(known.size > 0, known.size, 1.0))


class TropicalChecks:
    """What holds for the tropical form of every network, checked at every point.

    Attributes
    ----------
    difference, coefficients, bound, agreement : Check
    """

    def __init__(self) -> None:
        self.difference = Check("F - G = f", TOLERANCE)
        self.coefficients = Check("coefficients of F and G >= 0", ROUNDING)
        self.bound = Check("Fhat <= F", ROUNDING)
        self.agreement = Check("Fhat agrees with the network on the training points", 0.0)

    @property
    def passed(self) -> list[Check]:
        """Those that had something to check, in the order in which they are told."""
        every = (self.difference, self.coefficients, self.bound, self.agreement)
        return [check for check in every if check.n]

    def take_terms(
        self, terms: LinearTerms, tropical: TropicalTerms, points: Dense, first_row: int
    ) -> None:
        """Check the terms of a block of points.

        Raises
        ------
        CheckFailedError
        """
        self.coefficients.take(-tropical.least, first_row)
        self.difference.take(difference_deviation(terms, tropical, points), first_row)

    def take_extraction(self, extraction: Extraction, known: TermSet, *, training: bool) -> None:
        """Check an extracted classifier at points whose terms are known.

        Raises
        ------
        CheckFailedError
        """
        self.bound.take(excess(extraction, known))
        if training:
            self.agreement.take((~extraction.agrees(known)).astype(np.float64))
