"""Linear terms: in the cell of a point the network is ``f(x) = A x + c``; here are A and c.

Points pass forward in blocks for the bits, then the rows of the last map go backward: through a
layer's units (a unit of slope s that is off takes its column times s), then through its affine map,
transposed. What the rows meet of the biases on the way is c. Everything is float64, and a bit is 1
iff z > 0: at a point on a boundary the term is that of the side where the unit is off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Dense, Matrix, Vector
from cpwl_milp.core.errors import DataError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed, pack
from cpwl_milp.terms.transposed import Coefficients, Rows, Scratch, Transposed

# Entries of the widest array of coefficients held at a time (float64: 32 MB).
_BLOCK_ENTRIES = 1 << 22
# Entries that a processor's own cache holds (float64: 2 MB).
_CACHED_ENTRIES = 1 << 18


@dataclass(frozen=True, eq=False)
class LinearTerms:
    """The affine map of every output at each of n points.

    Attributes
    ----------
    coefficients : ndarray, shape (n, n_outputs, n_inputs)
    bias : ndarray, shape (n, n_outputs)
    outputs : ndarray, shape (n, n_outputs)
        f(x), by the forward pass.
    patterns : ndarray of uint8, shape (n, packed_size(n_units))
        Bits of all hidden units, packed.
    on_boundary : ndarray of bool, shape (n,)
        Whether some hidden unit has z = 0 exactly.
    """

    coefficients: Dense
    bias: Dense
    outputs: Dense
    patterns: Packed
    on_boundary: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.bias)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The class of each point: the largest output, the first of several that are equal."""
        return np.asarray(self.outputs.argmax(axis=1), dtype=np.int64)

    def own(self) -> Dense:
        """Bias and coefficients of each point's own class, shape (n, 1 + n_inputs)."""
        rows = np.arange(len(self)), self.labels
        return np.concatenate([self.bias[rows][:, None], self.coefficients[rows]], axis=1)

    def size(self, points: Dense) -> Vector:
        """The largest of ``|f|``, ``|c|`` and ``||A_k|| ||x||`` over outputs k, shape (n,).

        What is added up in f at each own point: f itself may be 0.
        """
        steep = np.sqrt(np.einsum("nki,nki->nk", self.coefficients, self.coefficients))
        found = np.maximum(np.abs(self.outputs).max(axis=1), np.abs(self.bias).max(axis=1))
        return np.asarray(np.maximum(found, steep.max(axis=1) * np.linalg.norm(points, axis=1)))

    def at(self, points: Dense) -> Dense:
        """Values of each point's own term at a point, shape (n, n_outputs)."""
        return np.asarray(np.einsum("nki,ni->nk", self.coefficients, points)) + self.bias


@dataclass(frozen=True, eq=False)
class Passage:
    """A block of n points on its way: what the forward pass leaves for the way back.

    Attributes
    ----------
    factors : list of ndarray, each of shape (n, n_out)
        What the units of each layer multiply with: 1 where z > 0, else their slope.
    outputs : ndarray, shape (n, n_outputs)
    patterns : ndarray of uint8, shape (n, packed_size(n_units))
    on_boundary : ndarray of bool, shape (n,)
    """

    factors: list[Dense]
    outputs: Dense
    patterns: Packed
    on_boundary: NDArray[np.bool_]

    def part(self, rows: slice) -> Passage:
        """Some of the points."""
        return Passage(
            [factor[rows] for factor in self.factors],
            self.outputs[rows],
            self.patterns[rows],
            self.on_boundary[rows],
        )


def passed_forward(network: Network, points: Dense) -> Passage:
    """Pass points of shape (n, n_inputs) forward."""
    a, factors = points, []
    parts = [np.zeros((len(points), 0), dtype=np.bool_)]
    zero = np.zeros(len(points), dtype=np.bool_)
    for layer in network.layers:
        z = _times(layer.affine.weight, a) + layer.affine.bias
        units = slice(None) if layer.n_units == layer.affine.n_out else layer.units
        on = z > 0
        parts.append(on[:, units])
        zero |= (z[:, units] == 0).any(axis=1)
        factor = np.where(on, 1.0, layer.slope)
        a = np.multiply(z, factor, out=z)
        factors.append(factor)
    outputs = _times(network.output.weight, a) + network.output.bias
    return Passage(factors, outputs, pack(np.concatenate(parts, axis=1)), zero)


def _times(weight: Matrix, a: Dense) -> Dense:
    if isinstance(weight, np.ndarray):
        return np.asarray(a @ weight.T)
    return np.ascontiguousarray((weight @ a.T).T)


def passed_back(
    network: Network, passage: Passage, first: Coefficients, scratch: Scratch
) -> tuple[Coefficients, Dense]:
    """Take rows of coefficients from the last values of a network back to its inputs.

    Parameters
    ----------
    network : Network
    passage : Passage
        Of n points.
    first : Rows or Columns
        k rows of coefficients of the last layer's values, the same for all points.
    scratch : Scratch

    Returns
    -------
    Rows or Columns
        Coefficients of the inputs.
    ndarray, shape (n, k)
        What all biases but the last contribute.
    """
    coefficients = first
    bias = np.zeros((len(passage.outputs), first.as_rows().shape[1]))
    for layer, factor in zip(reversed(network.layers), reversed(passage.factors), strict=True):
        coefficients, constant = Transposed(layer.affine, scratch)(coefficients, factor)
        bias += constant
    return coefficients, bias


def block_size(network: Network, n_rows: int) -> int:
    """Points to take at a time when each sends `n_rows` rows back."""
    widest = max([network.n_inputs, *(layer.affine.n_out for layer in network.layers)])
    return int(np.clip(_BLOCK_ENTRIES // (widest * max(1, n_rows)), 1, 1 << 12))


def linear_terms(network: Network, points: NDArray[np.generic]) -> LinearTerms:
    """Coefficients and bias of every output at each point.

    Parameters
    ----------
    network : Network
    points : ndarray, shape (n, n_inputs)

    Returns
    -------
    LinearTerms
        All of them in memory: n times n_outputs times n_inputs numbers. `linear_term_blocks` gives
        the same piece by piece.

    Raises
    ------
    DataError
        If the points are none or do not fit the network.
    """
    blocks = [block for _, block in linear_term_blocks(network, points)]
    return LinearTerms(
        *(
            np.concatenate([getattr(block, name) for block in blocks])
            for name in ("coefficients", "bias", "outputs", "patterns", "on_boundary")
        )
    )


def linear_term_blocks(
    network: Network, points: NDArray[np.generic]
) -> Iterator[tuple[slice, LinearTerms]]:
    """The linear terms of consecutive blocks of points, with the rows that they belong to.

    What is held at a time does not grow with the number of points, which may be memory-mapped.

    Raises
    ------
    DataError
        If the points are none or do not fit the network.
    """
    require_fitting(network, points)
    last, scratch = Rows(network.output.dense()[None]), Scratch()
    for rows, block in point_blocks(points, block_size(network, network.n_outputs)):
        passage = passed_forward(network, block)
        shape = len(block), network.n_outputs, network.n_inputs
        coefficients, bias = np.empty(shape), np.empty(shape[:2])
        for part in _parts(network, len(block)):
            found, constant = passed_back(network, passage.part(part), last, scratch)
            coefficients[part] = found.as_rows()
            bias[part] = constant + network.output.bias
        yield (
            rows,
            LinearTerms(coefficients, bias, passage.outputs, passage.patterns, passage.on_boundary),
        )


def _parts(network: Network, n: int) -> Iterator[slice]:
    """What of a block goes back at a time: through sparse maps no more than caches hold."""
    size = n
    if any(layer.affine.is_sparse for layer in network.layers):
        widest = max(layer.affine.n_out for layer in network.layers)
        size = max(1, _CACHED_ENTRIES // (widest * network.n_outputs))
    for start in range(0, n, size):
        yield slice(start, min(n, start + size))


def require_fitting(network: Network, points: NDArray[np.generic]) -> None:
    """Stop unless points are rows of the network's inputs, at least one, and finite.

    Raises
    ------
    DataError
    """
    if points.ndim != 2 or points.shape[1] != network.n_inputs:
        raise DataError(
            "points",
            f"an array of shape {points.shape}",
            f"(n, {network.n_inputs}), the inputs of the network",
        )
    if len(points) == 0:
        raise DataError("points", "no rows", "at least one point")


def point_blocks(points: NDArray[np.generic], size: int) -> Iterator[tuple[slice, Dense]]:
    """Blocks of rows as float64.

    Raises
    ------
    DataError
        At a block with NaN or infinite values.
    """
    for start in range(0, len(points), size):
        rows = slice(start, min(len(points), start + size))
        block = np.asarray(points[rows], dtype=np.float64)
        bad = ~np.isfinite(block).all(axis=1)
        if bad.any():
            where = f"points, row {start + int(bad.argmax())}"
            raise DataError(where, "NaN or infinite values", "finite numbers")
        yield rows, block
