"""Where a planar search begins: the domain's polygon, in the unit box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Polytope
from cpwl_milp.domains.polygons import polygon_of
from cpwl_milp.engines.cells.planar.state import LABEL, N_SIDES


@dataclass(frozen=True, eq=False)
class Root:
    """A domain as the search enters it; the same for all of its cubes.

    Attributes
    ----------
    centre, half_widths : ndarray, shape (2,)
        Of the domain's box.
    x, y : ndarray, shape (n,)
        The polygon's corners in the unit box, counter-clockwise.
    entries : ndarray of int64, shape (n,)
        Each corner with the side that follows it (state.py).
    """

    centre: Vector
    half_widths: Vector
    x: Vector
    y: Vector
    entries: NDArray[np.int64]

    @staticmethod
    def of(domain: Box | Polytope) -> Root:
        """The root of a domain of two dimensions, with an interior."""
        centre, half_widths = domain.box.centre, domain.box.half_widths
        x, y = ((polygon_of(domain) - centre) / half_widths).T.copy()
        sides = np.arange(len(x))
        return Root(centre, half_widths, x, y, sides | np.minimum(sides, N_SIDES - 1) << LABEL)

    def unscaled(self, points: Dense) -> Dense:
        """Points of the unit box in the domain's coordinates."""
        return self.centre + self.half_widths * points
