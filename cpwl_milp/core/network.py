"""A continuous piecewise-linear network as a chain of affine maps and two-piece units."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Affine, Dense, Vector


@dataclass(frozen=True, eq=False)
class Layer:
    """``z = W a + b`` followed by ``a' = max(z, 0) + slope * min(z, 0)``.

    Attributes
    ----------
    affine : Affine
        From the previous layer's values to this layer's pre-activations z.
    slope : ndarray, shape (n_out,)
        Negative-side slope of each unit: 0 ReLU, alpha LeakyReLU/PReLU, -1 Abs. A unit of
        slope 1 has no kink: it passes its value on (skip connections) and carries no bit.
    name : str
        Where the layer comes from in the ONNX graph, for messages.
    """

    affine: Affine
    slope: Vector
    name: str = ""

    def __post_init__(self) -> None:
        if self.slope.shape != (self.affine.n_out,):
            raise ValueError(f"slope has shape {self.slope.shape}, expected ({self.affine.n_out},)")

    @cached_property
    def units(self) -> NDArray[np.intp]:
        """Positions of the hidden units (slope other than 1) among the outputs."""
        return np.flatnonzero(self.slope != 1.0)

    @property
    def n_units(self) -> int:
        """Number of hidden units, the width that counts."""
        return int(self.units.size)

    def activate(self, z: Dense) -> Dense:
        """Apply the units to pre-activations of shape (..., n_out)."""
        return np.where(z > 0, z, self.slope * z)


@dataclass(frozen=True, eq=False)
class Network:
    """Hidden layers and a final affine map.

    Attributes
    ----------
    layers : tuple of Layer
    output : Affine
        From the last layer's values (or the input, without layers) to the outputs.
    """

    layers: tuple[Layer, ...]
    output: Affine

    def __post_init__(self) -> None:
        maps = [layer.affine for layer in self.layers] + [self.output]
        for before, after in itertools.pairwise(maps):
            if after.n_in != before.n_out:
                raise ValueError(
                    f"a layer of {before.n_out} values feeds one of {after.n_in} inputs"
                )

    @property
    def n_inputs(self) -> int:
        """Input dimension n_0."""
        return (self.layers[0].affine if self.layers else self.output).n_in

    @property
    def n_outputs(self) -> int:
        """Output dimension."""
        return self.output.n_out

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Number of hidden units of each layer."""
        return tuple(layer.n_units for layer in self.layers)

    @property
    def n_units(self) -> int:
        """Number of hidden units, the length of an activation pattern."""
        return sum(self.widths)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each layer's bits begin in a pattern; one more entry, the end."""
        return tuple(int(k) for k in np.concatenate([[0], np.cumsum(self.widths, dtype=np.int64)]))

    def layer_bits(self, layer: int) -> slice:
        """The slice of a pattern that holds the bits of layer `layer` (from 0)."""
        return slice(self.offsets[layer], self.offsets[layer + 1])

    def __call__(self, x: Dense) -> Dense:
        """Outputs, shape (n, n_outputs), of inputs of shape (n, n_inputs)."""
        a = x
        for layer in self.layers:
            a = layer.activate(layer.affine(a))
        return self.output(a)

    def pre_activations(self, x: Dense) -> list[Dense]:
        """All z, one array (n, n_out) a layer, pass-on units included."""
        found = []
        a = x
        for layer in self.layers:
            z = layer.affine(a)
            found.append(z)
            a = layer.activate(z)
        return found

    def bits(self, x: Dense) -> NDArray[np.bool_]:
        """Activation patterns, shape (n, n_units): 1 iff z > 0."""
        parts = [
            z[:, layer.units] > 0
            for layer, z in zip(self.layers, self.pre_activations(x), strict=True)
        ]
        if not parts:
            return np.zeros((len(x), 0), dtype=np.bool_)
        return np.concatenate(parts, axis=1)

    def restricted(self, embedding: Affine) -> Network:
        """The network over coordinates t, where ``x = embedding(t)``.

        A box's fixed coordinates, a slice, a change of units: each is an affine embedding, and
        the restriction is again a network, with only its first map changed.
        """
        if not self.layers:
            return Network((), self.output.after(embedding))
        first = self.layers[0]
        return Network(
            (Layer(first.affine.after(embedding), first.slope, first.name), *self.layers[1:]),
            self.output,
        )

    def truncated(self, n_layers: int) -> Network:
        """The first `n_layers` layers, whose values are the outputs: the network of a prefix."""
        kept = self.layers[:n_layers]
        width = kept[-1].affine.n_out if kept else self.n_inputs
        return Network(kept, Affine.identity(width))
