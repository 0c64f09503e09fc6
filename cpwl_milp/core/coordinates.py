"""The coordinates that a question is answered in, and the way back to the model's inputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from cpwl_milp.core.affine import Affine, Dense, Matrix, Vector, compact
from cpwl_milp.core.network import Layer, Network


class Coordinates(ABC):
    """Coordinates t of a full-dimensional domain, and how they lie among the inputs x."""

    @property
    def isometric(self) -> bool:
        """Whether lengths in t are lengths in x, so that an inradius means something."""
        return True

    @abstractmethod
    def restricted(self, network: Network) -> Network:
        """The network over t, with the same hidden units in the same order."""

    @abstractmethod
    def plain(self, network: Network) -> Network:
        """The network that closed formulas and output maps are about: no artificial inputs."""

    @abstractmethod
    def embed(self, points: Dense) -> Dense:
        """Inputs x, shape (n, n_inputs), of points t."""

    def plain_points(self, points: Dense) -> Dense:
        """Points of the plain network's inputs, from points t."""
        return points if self.isometric else self.embed(points)

    @abstractmethod
    def project(self, inputs: Dense) -> Dense:
        """A point t, shape (n, dim), of each input x of the domain."""


@dataclass(frozen=True, eq=False)
class ChainedCoordinates(Coordinates):
    """Changes of coordinates one after the other; none at all for the inputs themselves.

    Attributes
    ----------
    steps : tuple of Coordinates
        The first is the one next to the inputs.
    """

    steps: tuple[Coordinates, ...] = ()

    @property
    def isometric(self) -> bool:
        """Whether all steps are."""
        return all(step.isometric for step in self.steps)

    def restricted(self, network: Network) -> Network:
        """The network over the last step's coordinates."""
        for step in self.steps:
            network = step.restricted(network)
        return network

    def plain(self, network: Network) -> Network:
        """The network without the artificial inputs of any step."""
        for step in self.steps:
            network = step.plain(network)
        return network

    def embed(self, points: Dense) -> Dense:
        """From the last step's coordinates to the inputs."""
        for step in reversed(self.steps):
            points = step.embed(points)
        return points

    def plain_points(self, points: Dense) -> Dense:
        """Through the last steps, those with artificial inputs."""
        for step in reversed(self.steps):
            if step.isometric:
                break
            points = step.embed(points)
        return points

    def project(self, inputs: Dense) -> Dense:
        """From the inputs to the last step's coordinates."""
        for step in self.steps:
            inputs = step.project(inputs)
        return inputs


@dataclass(frozen=True, eq=False)
class AffineCoordinates(Coordinates):
    """``x = E t + o``, the columns of E orthonormal: a slice, or the inputs that vary.

    Attributes
    ----------
    embedding : Affine
        From t to x.
    """

    embedding: Affine

    def restricted(self, network: Network) -> Network:
        """The first map composed with the embedding."""
        return network.restricted(self.embedding)

    def plain(self, network: Network) -> Network:
        """The restriction."""
        return self.restricted(network)

    def embed(self, points: Dense) -> Dense:
        """``E t + o``."""
        return self.embedding(points)

    def project(self, inputs: Dense) -> Dense:
        """``E^T (x - o)``, the nearest point."""
        return np.asarray((self.embedding.weight.T @ (inputs - self.embedding.bias).T).T)


@dataclass(frozen=True, eq=False)
class SplitCoordinates(Coordinates):
    """``x = c + p - q`` with t = (p, q) >= 0: an L1 ball becomes one inequality in 2 n inputs.

    An open cell meets the open ball iff its preimage has interior points with p, q > 0 and
    ``sum p + sum q < r``, so the regions are the same.

    Attributes
    ----------
    centre : ndarray, shape (n_inputs,)
    """

    centre: Vector

    @property
    def isometric(self) -> bool:
        """No: one x has many (p, q)."""
        return False

    def restricted(self, network: Network) -> Network:
        """The first map composed with ``(p, q) -> c + p - q``."""
        one = sp.eye_array(self.centre.size, format="csr")
        return network.restricted(Affine(compact(sp.hstack([one, -one])), self.centre))

    def plain(self, network: Network) -> Network:
        """The network over x."""
        return network

    def embed(self, points: Dense) -> Dense:
        """``c + p - q``."""
        n = self.centre.size
        return np.asarray(self.centre + points[:, :n] - points[:, n:])

    def project(self, inputs: Dense) -> Dense:
        """The shortest p and q."""
        apart = inputs - self.centre
        return np.concatenate([np.maximum(apart, 0), np.maximum(-apart, 0)], axis=1)


@dataclass(frozen=True, eq=False)
class HomogeneousCoordinates(Coordinates):
    """``x = y / s`` with t = (y, s), s > 0: the regions of R^n as cones.

    Every pre-activation ``P x + q`` becomes ``P y + q s``, with the same sign where s > 0; the
    biases are weights of the further input s, which passes through all layers. Unbounded regions
    are the cones that reach s = 0 beyond the origin.
    """

    @property
    def isometric(self) -> bool:
        """No: a cone is no region."""
        return False

    def restricted(self, network: Network) -> Network:
        """The homogeneous network over (y, s)."""
        layers = tuple(
            Layer(
                Affine(
                    _with_bias_column(layer.affine, carried=True), np.zeros(layer.affine.n_out + 1)
                ),
                np.append(layer.slope, 1.0),
                layer.name,
            )
            for layer in network.layers
        )
        output = Affine(
            _with_bias_column(network.output, carried=False), np.zeros(network.n_outputs)
        )
        return Network(layers, output)

    def plain(self, network: Network) -> Network:
        """The network over x."""
        return network

    def embed(self, points: Dense) -> Dense:
        """``y / s``."""
        return np.asarray(points[:, :-1] / points[:, -1:])

    def project(self, inputs: Dense) -> Dense:
        """The point of the ray that has the largest coordinate 1."""
        rays = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
        return np.asarray(rays / np.abs(rays).max(axis=1, keepdims=True))


def _with_bias_column(affine: Affine, *, carried: bool) -> Matrix:
    """``[W b]``, and below it the row that passes s on."""
    rows = sp.hstack([sp.csr_array(affine.weight), sp.csr_array(affine.bias[:, None])])
    if carried:
        last = sp.csr_array(([1.0], ([0], [affine.n_in])), shape=(1, affine.n_in + 1))
        rows = sp.vstack([rows, last])
    return compact(sp.csr_array(rows))
