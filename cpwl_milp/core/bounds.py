"""Pre-activation bounds of a network on a domain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.network import Network


@dataclass(frozen=True, eq=False)
class Bounds:
    """``lower[l] <= z^l <= upper[l]`` on the whole domain, pass-on units included.

    Attributes
    ----------
    lower, upper : tuple of ndarray
        One array a layer, each of shape (n_out,) of that layer's affine map.
    """

    lower: tuple[Vector, ...]
    upper: tuple[Vector, ...]

    def intersected(self, other: Bounds) -> Bounds:
        """The tighter of two sound bounds, entry by entry; never looser than either."""
        return Bounds(
            tuple(np.maximum(a, b) for a, b in zip(self.lower, other.lower, strict=True)),
            tuple(np.minimum(a, b) for a, b in zip(self.upper, other.upper, strict=True)),
        )

    def stability(self, network: Network) -> tuple[UnitStability, ...]:
        """The stability of the hidden units of each layer."""
        return tuple(
            UnitStability(lower[layer.units], upper[layer.units])
            for layer, lower, upper in zip(network.layers, self.lower, self.upper, strict=True)
        )


@dataclass(frozen=True, eq=False)
class UnitStability:
    """Which hidden units of one layer keep their bit on the whole domain.

    ``z >= 0`` alone does not fix a bit: z may vanish on a full-dimensional cell (bit 0) and be
    positive elsewhere, as in relu(relu(x)). Hence the strict test for active units.
    """

    lower: Vector
    upper: Vector

    @property
    def always_active(self) -> NDArray[np.bool_]:
        """Units whose bit is 1 everywhere: z > 0."""
        return self.lower > 0

    @property
    def always_inactive(self) -> NDArray[np.bool_]:
        """Units whose bit is 0 everywhere: z <= 0."""
        return self.upper <= 0

    @property
    def unstable(self) -> NDArray[np.bool_]:
        """Units whose bit the bounds leave open."""
        return ~(self.always_active | self.always_inactive)
