"""From samples to activation patterns: own and prefix ids of every layer.

Samples go through the network in blocks of rows, so what is held is the answer (ids and distinct
patterns), never the pre-activations. Each block is passed twice, in float64 and in float32: a
sample whose bits differ between the two lies so close to a boundary that a float32 runtime may
put it into another region.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Matrix
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.errors import DataError
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import Bits, Packed, pack, packed_size, unique, unpack

# |z| below this share of the row's magnitude ||W_i|| ||a|| + |b_i| is "near zero".
NEAR_ZERO = 1e-6
# Entries of the widest array of one block (float64: 32 MB).
_BLOCK_ENTRIES = 1 << 22


@dataclass(frozen=True, eq=False)
class Bins:
    """A partition of the samples.

    Attributes
    ----------
    ids : ndarray of int64, shape (n_samples,)
        The bin of each sample, from 0.
    counts : ndarray of int64, shape (n_bins,)
        Samples in each bin, none of them empty.
    """

    ids: NDArray[np.int64]
    counts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.counts)


@dataclass(frozen=True, eq=False)
class LayerPatterns:
    """The patterns that samples show in one layer.

    Attributes
    ----------
    width : int
        Hidden units of the layer.
    own : Bins
        By the bits of this layer alone.
    own_patterns : ndarray of uint8, shape (n_own, packed_size(width))
        Packed, in byte order; row k is bin k of `own`.
    prefix : Bins
        By the bits of this layer and all before it.
    parents : ndarray of int64, shape (n_prefix, 2)
        Each prefix as a pair: its prefix in the layer before (0 in the first), its own pattern.
    """

    width: int
    own: Bins
    own_patterns: Packed
    prefix: Bins
    parents: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SamplePatterns:
    """What samples show of a network's partition.

    Attributes
    ----------
    n_samples : int
    layers : tuple of LayerPatterns
    near_zero : ndarray of bool, shape (n_samples,)
        Samples with a pre-activation within `NEAR_ZERO` of 0, relative to its row's magnitude.
    float32_differs : ndarray of bool, shape (n_samples,)
        Samples of which a bit differs between a float32 and a float64 forward pass.
    outside : ndarray of bool, shape (n_samples,)
        Samples outside the domain; all False where no domain was given.
    """

    n_samples: int
    layers: tuple[LayerPatterns, ...]
    near_zero: NDArray[np.bool_]
    float32_differs: NDArray[np.bool_]
    outside: NDArray[np.bool_]

    @cached_property
    def n_units(self) -> int:
        """Hidden units of the network."""
        return sum(layer.width for layer in self.layers)

    def prefix_patterns(self, layer: int, bins: slice = slice(None)) -> Packed:
        """The distinct patterns of layers up to `layer` (from 0), packed, row k being bin k.

        `bins` picks some of the rows, for reading them in blocks.
        """
        pairs = self.layers[layer].parents[bins]
        parts: list[Bits] = []
        for here in reversed(self.layers[: layer + 1]):
            parts.append(unpack(here.own_patterns, here.width)[pairs[:, 1]])
            if len(parts) <= layer:
                pairs = self.layers[layer - len(parts)].parents[pairs[:, 0]]
        return pack(np.concatenate(parts[::-1], axis=1))

    def describe(self) -> dict[str, int]:
        """What a reader must know of the samples, as JSON."""
        return {
            "n_samples": self.n_samples,
            "outside_domain": int(self.outside.sum()),
            "near_zero": int(self.near_zero.sum()),
            "float32_bits_differ": int(self.float32_differs.sum()),
        }


def sample_patterns(
    network: Network, samples: NDArray[np.generic], domain: Domain | None = None
) -> SamplePatterns:
    """Pass samples through the network and group them by pattern, layer by layer.

    Parameters
    ----------
    network : Network
    samples : ndarray, shape (n_samples, n_inputs)
        Any real dtype; may be memory-mapped, since it is read in blocks of rows.
    domain : Domain, optional
        Where given, samples outside it are marked.

    Raises
    ------
    DataError
        If the samples are none, or do not fit the network's inputs or the domain.
    """
    _check_shapes(network, samples, domain)
    n = len(samples)
    tables = [_PatternTable(n) for _ in network.layers]
    near_zero, differs, outside = (np.zeros(n, dtype=np.bool_) for _ in range(3))
    passes = [_LayerPass.of(layer) for layer in network.layers]
    for rows in _blocks(n, network):
        block = np.asarray(samples[rows], dtype=np.float64)
        if domain is not None:
            outside[rows] = ~domain.contains(block)
        # Data beyond float32's range is no error here: its float32 pass just differs.
        with np.errstate(over="ignore", invalid="ignore"):
            a, a32 = block, block.astype(np.float32)
            for k, step in enumerate(passes):
                z, z32 = step.exact(a), step.single(a32)
                bits = z[:, step.units] > 0
                tables[k].add(rows, pack(bits))
                differs[rows] |= np.any(bits != (z32[:, step.units] > 0), axis=1)
                near_zero[rows] |= step.near_zero(a, z, first=k == 0)
                a = np.where(z > 0, z, step.layer.slope * z)
                a32 = np.where(z32 > 0, z32, step.slope32 * z32)
    return SamplePatterns(n, _layers(network, tables), near_zero, differs, outside)


def _check_shapes(network: Network, samples: NDArray[np.generic], domain: Domain | None) -> None:
    if samples.ndim != 2 or samples.shape[1] != network.n_inputs:
        raise DataError(
            "samples",
            f"an array of shape {samples.shape}",
            f"(n, {network.n_inputs}), the inputs of the network",
        )
    if len(samples) == 0:
        raise DataError("samples", "no rows", "at least one sample")
    if domain is not None and domain.dim != network.n_inputs:
        raise DataError(
            "samples", f"a domain of {domain.dim} coordinates", f"{network.n_inputs} of them"
        )


def _blocks(n: int, network: Network) -> Iterator[slice]:
    widest = max([network.n_inputs, *(layer.affine.n_out for layer in network.layers)])
    size = int(np.clip(_BLOCK_ENTRIES // widest, 64, 1 << 16))
    for start in range(0, n, size):
        yield slice(start, min(n, start + size))


@dataclass(frozen=True, eq=False)
class _LayerPass:
    """One layer with what both passes and the near-zero test need of it."""

    layer: Layer
    units: slice | NDArray[np.intp]
    row_norms: NDArray[np.float64]
    bias: NDArray[np.float64]
    weight32: Matrix
    bias32: NDArray[np.float32]
    slope32: NDArray[np.float32]

    @staticmethod
    def of(layer: Layer) -> _LayerPass:
        affine = layer.affine
        squares = affine.weight * affine.weight
        every = layer.n_units == affine.n_out
        with np.errstate(over="ignore"):
            single = affine.weight.astype(np.float32), affine.bias.astype(np.float32)
        return _LayerPass(
            layer,
            # A slice is a view where an index array would copy.
            slice(None) if every else layer.units,
            np.sqrt(np.asarray(squares.sum(axis=1)).ravel())[layer.units],
            affine.bias[layer.units],
            single[0],
            single[1],
            layer.slope.astype(np.float32),
        )

    def exact(self, a: NDArray[np.float64]) -> NDArray[np.float64]:
        return _affine(self.layer.affine.weight, a) + self.layer.affine.bias

    def single(self, a: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(_affine(self.weight32, a) + self.bias32)

    def near_zero(
        self, a: NDArray[np.float64], z: NDArray[np.float64], *, first: bool
    ) -> NDArray[np.bool_]:
        """Rows with |z_i| <= NEAR_ZERO (||W_i|| ||a|| + |b_i|) for some unit i.

        Left out is what is constant 0 rather than near a boundary: a row without weights, and
        in deeper layers a sample that arrives as exactly 0 because all units before are off.
        """
        size = np.sqrt(np.einsum("ij,ij->i", a, a))
        limit = NEAR_ZERO * (size[:, None] * self.row_norms + np.abs(self.bias))
        close = np.abs(z[:, self.units]) <= limit
        close &= self.row_norms > 0
        found = np.asarray(close.any(axis=1))
        return found if first else found & (size > 0)


def _affine(weight: Matrix, a: NDArray[np.floating]) -> NDArray[np.floating]:
    if isinstance(weight, np.ndarray):
        return np.asarray(a @ weight.T)
    return np.ascontiguousarray((weight @ a.T).T)


class _PatternTable:
    """Collects packed patterns block by block; keeps one copy of each a block."""

    def __init__(self, n: int) -> None:
        self.ids = np.empty(n, dtype=np.int64)
        self.rows: list[Packed] = []
        self.held = 0

    def add(self, rows: slice, packed: Packed) -> None:
        distinct, inverse, _ = unique(packed)
        self.ids[rows] = inverse + self.held
        self.rows.append(distinct)
        self.held += len(distinct)

    def finish(self) -> tuple[Packed, Bins]:
        distinct, final, _ = unique(np.concatenate(self.rows))
        ids = final[self.ids]
        return distinct, Bins(ids, np.bincount(ids, minlength=len(distinct)))


def _layers(network: Network, tables: list[_PatternTable]) -> tuple[LayerPatterns, ...]:
    layers: list[LayerPatterns] = []
    for width, table in zip(network.widths, tables, strict=True):
        patterns, own = table.finish()
        before = layers[-1].prefix.ids if layers else np.zeros(len(own.ids), dtype=np.int64)
        pairs, ids, counts = np.unique(
            before * len(own) + own.ids, return_inverse=True, return_counts=True
        )
        parents = np.stack(np.divmod(pairs, len(own)), axis=1)
        layers.append(LayerPatterns(width, own, patterns, Bins(ids.ravel(), counts), parents))
    return tuple(layers)


def prefix_of(packed: Packed, n_units: int, prefix_units: int) -> Packed:
    """The first `prefix_units` bits of packed patterns of `n_units` bits, packed again."""
    if prefix_units == 0 or n_units == 0:
        return np.zeros((len(packed), 1), dtype=np.uint8)
    kept = packed[:, : packed_size(prefix_units)].copy()
    spare = -prefix_units % 8
    # Little-endian packing: the last byte's low bits are kept.
    kept[:, -1] &= np.uint8(0xFF >> spare)
    return kept
