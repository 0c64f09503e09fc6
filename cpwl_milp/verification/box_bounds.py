"""Bounds of the units on each box of a property."""

from __future__ import annotations

import numpy as np

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network


class BoundsOfBoxes:
    """Bounds of the units on each box of a property, each made when it is first asked for."""

    def __init__(self, network: Network, hull: Box, on_hull: Bounds) -> None:
        self._network = network
        self._hull, self._on_hull = hull, on_hull
        self._found: dict[int, Bounds] = {}

    def of(self, box: Box) -> Bounds:
        """Sound bounds on one of the boxes."""
        if id(box) not in self._found:
            whole = np.array_equal(box.lower, self._hull.lower)
            whole = whole and np.array_equal(box.upper, self._hull.upper)
            self._found[id(box)] = (
                self._on_hull if whole else pre_activation_bounds(self._network, box)
            )
        return self._found[id(box)]
