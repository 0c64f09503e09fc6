"""The tropical form: f_k = F_k - G, F_k and G maxima of affine maps without negative coefficients.

With ``A- = sum_k max(-W_k, 0)`` of the last map W (its bias as one more column) every row of
``W_k + A-`` is non-negative, and so is A-: the last values enter F_k and G with coefficients
B >= 0, so both stay convex through convex units. Through a map W the coefficients become
``B W + K``, where ``K = Bmax max(-W, 0)`` and Bmax bounds B over all points, classes and signs:
nothing is negative, and as K is the same for all it cancels in F - G (Trimmel, Petzka and
Sminchisescu, TropEx, ICLR 2021). At a point x the terms of F_k and G that its pattern selects take
the values F_k(x) and G(x); any other term of F_k or G is at most that there.

Because everything but the first rows is shared, a positive term is the linear term plus the
negative one: one row a point goes back beside the linear terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cpwl_milp.core.affine import Dense, Matrix, Vector
from cpwl_milp.core.network import Network
from cpwl_milp.terms.convex import with_convex_units
from cpwl_milp.terms.linear import LinearTerms, passed_forward


@dataclass(frozen=True, eq=False)
class TropicalTerms:
    """Terms of F_k and G at each of n points.

    Attributes
    ----------
    positive : ndarray, shape (n, n_outputs, n_inputs)
        Coefficients of the term of F_k, none negative.
    positive_bias : ndarray, shape (n, n_outputs)
    negative : ndarray, shape (n, n_inputs)
        Coefficients of the term of G, none negative.
    negative_bias : ndarray, shape (n,)
    least : ndarray, shape (n,)
        The least coefficient before rounding below 0 was cut off, as a share of `Tropical.largest`:
        0, or minus some units of rounding.
    size : ndarray, shape (n,)
        What is added up in F and G at each own point, in absolute values: rounding errors are a
        share of this, where F itself may be small by cancellation.
    """

    positive: Dense
    positive_bias: Dense
    negative: Dense
    negative_bias: Vector
    least: Vector
    size: Vector

    def positive_at(self, points: Dense) -> Dense:
        """F_k at each own point, shape (n, n_outputs)."""
        return np.asarray(np.einsum("nki,ni->nk", self.positive, points)) + self.positive_bias

    def negative_at(self, points: Dense) -> Vector:
        """G at each own point, shape (n,)."""
        return np.asarray(np.einsum("ni,ni->n", self.negative, points)) + self.negative_bias


@dataclass(frozen=True, eq=False)
class Tropical:
    """What all terms of a network's tropical form share.

    Attributes
    ----------
    network : Network
        By convex units.
    first : ndarray, shape (n_last,)
        A-, without the bias.
    first_bias : float
        Its entry for the bias.
    offsets : tuple of ndarray
        K of each layer's map, shape (n_in,) each.
    largest : ndarray, shape (n_inputs,)
        Bmax at the inputs.
    """

    network: Network
    first: Vector
    first_bias: float
    offsets: tuple[Vector, ...]
    largest: Vector

    @staticmethod
    def of(network: Network) -> Tropical:
        """Find the shared offsets of a network."""
        convex = with_convex_units(network)
        last = convex.output.dense()
        first = np.maximum(-last, 0.0).sum(axis=0)
        largest = np.maximum(first, (last + first).max(axis=0))
        offsets = []
        for layer in reversed(convex.layers):
            down, magnitude = _below_zero(layer.affine.weight), abs(layer.affine.weight)
            offsets.append(np.asarray(largest @ down))
            largest = np.asarray(largest @ magnitude)
        first_bias = float(np.maximum(-convex.output.bias, 0.0).sum())
        return Tropical(convex, first, first_bias, tuple(reversed(offsets)), largest)

    @cached_property
    def _back(self) -> list[Matrix]:
        weights = [layer.affine.weight for layer in self.network.layers]
        # Columns of a sparse map in order: on the way back they are what is written.
        return [w if isinstance(w, np.ndarray) else w.T.tocsr() for w in weights]

    def terms(self, linear: LinearTerms, points: Dense) -> TropicalTerms:
        """The terms of points whose linear terms are known."""
        factors = passed_forward(self.network, points).factors
        rows = np.broadcast_to(self.first, (len(points), len(self.first)))
        bias = np.full(len(points), self.first_bias)
        bias_size = bias.copy()
        for k in reversed(range(len(factors))):
            rows = rows * factors[k]
            bias += rows @ self.network.layers[k].affine.bias
            bias_size += rows @ np.abs(self.network.layers[k].affine.bias)
            weight = self._back[k]
            if isinstance(weight, np.ndarray):
                rows = rows @ weight
            else:
                rows = np.ascontiguousarray((weight @ rows.T).T)
            rows += self.offsets[k]
        negative = np.asarray(rows)
        positive = linear.coefficients + negative[:, None, :]
        share = np.where(self.largest > 0, self.largest, 1.0)
        least = np.minimum((negative / share).min(axis=1), (positive / share).min(axis=(1, 2)))
        size = np.einsum("ni,ni->n", negative, np.abs(points)) + bias_size
        return TropicalTerms(
            np.maximum(positive, 0.0, out=positive),
            linear.bias + bias[:, None],
            np.maximum(negative, 0.0),
            bias,
            np.minimum(least, 0.0),
            size + linear.size(points),
        )


def _below_zero(weight: Matrix) -> Matrix:
    """``max(-W, 0)`` in the form of W."""
    if isinstance(weight, np.ndarray):
        return np.maximum(-weight, 0.0)
    return (-weight).maximum(0.0)
