"""Values and units of a layer as affine functions around a point, with bounds of their rounding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.network import Layer, Network

# Bound of rounding in a value, as a share of what it is summed from; generous.
_ROUNDING = 1e-10


@dataclass(frozen=True, eq=False)
class Values:
    """Values of a layer as affine functions of x around the point, with what they are summed from.

    Attributes
    ----------
    weight, offset : ndarray, shapes (n, dim), (n,)
    slopes, size : ndarray, shape (n,)
        Sums of the terms' magnitudes, of a gradient's entries and of a value in the domain.
    """

    weight: Dense
    offset: Vector
    slopes: Vector
    size: Vector

    @staticmethod
    def of(network: Network, reach: float) -> Values:
        """The inputs, in a domain of this reach."""
        n = network.n_inputs
        return Values(np.eye(n), np.zeros(n), np.ones(n), np.full(n, reach))

    def into(self, layer: Layer) -> Values:
        """The pre-activations of the layer that these values enter."""
        affine, magnitude = layer.affine, layer.affine.magnitude()
        return Values(
            np.asarray(affine.weight @ self.weight),
            affine(self.offset[None])[0],
            np.asarray(magnitude @ self.slopes),
            np.asarray(magnitude @ self.size) + np.abs(affine.bias),
        )

    def only(self, rows: NDArray[np.intp]) -> Values:
        """Some of them."""
        return Values(self.weight[rows], self.offset[rows], self.slopes[rows], self.size[rows])

    def activated(self, layer: Layer, point: Vector, zero: NDArray[np.intp]) -> Values:
        """A layer's values from its pre-activations: 0 where zero, else by the sign at a point."""
        units = layer.units
        factor = np.ones(len(self.offset))
        positive = self.weight[units] @ point + self.offset[units] > 0
        factor[units] = np.where(positive, 1.0, layer.slope[units])
        factor[zero] = 0.0
        share = np.abs(factor)
        return Values(
            self.weight * factor[:, None],
            self.offset * factor,
            self.slopes * share,
            self.size * share,
        )


@dataclass(frozen=True, eq=False)
class Functions:
    """Affine functions ``weight @ x + offset`` with gradients of length 1.

    Attributes
    ----------
    noise, tilt : ndarray, shape (n,)
        Bounds of the rounding in a value in the domain, and in the gradient (its length).
    """

    weight: Dense
    offset: Vector
    noise: Vector
    tilt: Vector

    @staticmethod
    def none(dim: int) -> Functions:
        """No function at all."""
        return Functions(np.zeros((0, dim)), np.zeros(0), np.zeros(0), np.zeros(0))

    @staticmethod
    def of(values: Values) -> Functions:
        """The same in units in which gradients have length 1 (none may be 0)."""
        length = np.linalg.norm(values.weight, axis=1)
        return Functions(
            values.weight / length[:, None],
            values.offset / length,
            _ROUNDING * values.size / length,
            _ROUNDING * values.slopes / length,
        )

    def __call__(self, x: Vector) -> Vector:
        """The values at a point, shape (dim,)."""
        return np.asarray(self.weight @ x + self.offset)

    def only(self, rows: NDArray[np.intp]) -> Functions:
        """Some of them."""
        return Functions(self.weight[rows], self.offset[rows], self.noise[rows], self.tilt[rows])

    def times(self, signs: Vector) -> Functions:
        """Each with a sign."""
        return Functions(signs[:, None] * self.weight, signs * self.offset, self.noise, self.tilt)

    def joined(self, others: Functions) -> Functions:
        """These, then others."""
        return Functions(
            np.concatenate([self.weight, others.weight]),
            np.concatenate([self.offset, others.offset]),
            np.concatenate([self.noise, others.noise]),
            np.concatenate([self.tilt, others.tilt]),
        )
