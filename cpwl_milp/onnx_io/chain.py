"""From blocks of units to the chain of layers that `core.Network` is.

A unit stands in the layer one beyond the deepest unit it reads. A value that is read further on
is carried there by pass-on units (slope 1, no kink, no bit), and only while it is still needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Affine, Matrix, compact
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.onnx_io.values import Block, Tensor


@dataclass(frozen=True)
class Probe:
    """Units whose pre-activations are a tensor of the graph.

    Attributes
    ----------
    tensor : str
    layer : int
        From 0.
    start, size : int
        Their positions among the outputs of the layer.
    """

    tensor: str
    layer: int
    start: int
    size: int


def chain(blocks: Sequence[Block], output: Tensor) -> tuple[Network, tuple[Probe, ...]]:
    """The network of all blocks with the given output.

    Parameters
    ----------
    blocks : sequence of Block
        Block 0 holds the inputs; each other block reads blocks before it only.
    output : Tensor

    Returns
    -------
    Network
        Within a layer, units stand in graph order, row-major inside a tensor; then the values
        that are only passed on.
    tuple of Probe
        Where to find the units whose pre-activations the graph has under a name.
    """
    depth = [0]
    for block in blocks[1:]:
        assert block.pre is not None  # only block 0, the inputs, has none
        depth.append(1 + max((depth[b] for b in block.pre.terms), default=0))
    last = max(depth) + 1
    needed = _last_use(blocks, output, depth, last)
    members: list[list[int]] = [[] for _ in range(last + 1)]
    for b, d in enumerate(depth):
        members[d].append(b)
    before = _Positions.of({0: np.arange(blocks[0].slope.size)})
    layers: list[Layer] = []
    probes = []
    until = [int(levels.max(initial=0)) for levels in needed]
    waiting: list[int] = []  # blocks below, in order, that something above this layer reads
    for level in range(1, last):
        own = members[level]
        waiting = sorted(b for b in (*waiting, *members[level - 1]) if until[b] > level)
        carried = {b: np.flatnonzero(needed[b] > level) for b in waiting}
        parts = [(before.matrix(z), z.const) for z in (blocks[b].pre for b in own) if z is not None]
        here: dict[int, NDArray[np.intp]] = {b: np.arange(blocks[b].slope.size) for b in own}
        if carried:
            parts.append(before.selection(carried))
            here |= carried
        slopes = [blocks[b].slope for b in own]
        slopes.append(np.ones(sum(index.size for index in carried.values())))
        names = dict.fromkeys(blocks[b].name for b in own)
        affine = Affine(_stack([m for m, _ in parts]), np.concatenate([c for _, c in parts]))
        layers.append(Layer(affine, np.concatenate(slopes), ", ".join(names)))
        before = _Positions.of(here)
        probes += [
            Probe(blocks[b].source, level - 1, before.start[b], blocks[b].slope.size)
            for b in own
            if blocks[b].source
        ]
    network = Network(tuple(layers), Affine(_stack([before.matrix(output)]), output.const))
    return network, tuple(probes)


def _last_use(
    blocks: Sequence[Block], output: Tensor, depth: Sequence[int], last: int
) -> list[NDArray[np.int64]]:
    """The deepest layer that reads each atom (0 if none), one array a block."""
    needed = [np.zeros(block.slope.size, dtype=np.int64) for block in blocks]
    readers = [(b.pre, depth[k]) for k, b in enumerate(blocks) if b.pre is not None]
    for tensor, level in [*readers, (output, last)]:
        for b, m in tensor.terms.items():
            if depth[b] == level - 1:
                continue  # read by the very next layer: nothing to carry
            used = m.any(axis=0) if isinstance(m, np.ndarray) else np.unique(m.nonzero()[1])
            needed[b][used] = np.maximum(needed[b][used], level)
    return needed


def _stack(parts: Sequence[Matrix]) -> Matrix:
    if len(parts) == 1:
        return compact(parts[0])
    return compact(sp.vstack([sp.csr_array(m) for m in parts], format="csr"))


@dataclass(frozen=True, eq=False)
class _Positions:
    """Where the values of one layer stand.

    Attributes
    ----------
    kept : mapping of block number to the atoms present, in order
    start : mapping of block number to the position of its first atom
    width : int
    """

    kept: dict[int, NDArray[np.intp]]
    start: dict[int, int]
    width: int

    @staticmethod
    def of(kept: dict[int, NDArray[np.intp]]) -> _Positions:
        """Blocks one after another."""
        sizes = [index.size for index in kept.values()]
        starts = np.cumsum([0, *sizes])
        return _Positions(
            kept,
            {b: int(s) for b, s in zip(kept, starts, strict=False)},
            int(starts[-1]),
        )

    def matrix(self, tensor: Tensor) -> Matrix:
        """The coefficients of a tensor over this layer's values."""
        if len(tensor.terms) == 1:
            ((b, m),) = tensor.terms.items()
            whole = np.arange(self.width)
            if m.shape[1] == self.width and np.array_equal(self.kept.get(b, ()), whole):
                return m
        rows, columns, values = [], [], []
        for b, m in tensor.terms.items():
            coo = sp.coo_array(m)
            used = coo.data != 0
            if not used.any():
                continue  # zero weights read nothing, so the block need not have been carried here
            at = np.full(m.shape[1], -1, dtype=np.int64)
            at[self.kept[b]] = self.start[b] + np.arange(self.kept[b].size)
            rows.append(coo.coords[0][used])
            columns.append(at[coo.coords[1][used]])
            values.append(coo.data[used])
        if not rows:
            return sp.csr_array((tensor.size, self.width))
        where = (np.concatenate(rows), np.concatenate(columns))
        return sp.csr_array(
            sp.coo_array((np.concatenate(values), where), shape=(tensor.size, self.width))
        )

    def selection(self, carried: dict[int, NDArray[np.intp]]) -> tuple[Matrix, NDArray[np.float64]]:
        """Identity rows of the carried atoms, and their zero biases."""
        at = np.concatenate(
            [self.start[b] + np.searchsorted(self.kept[b], index) for b, index in carried.items()]
        )
        eye = sp.csr_array(
            (np.ones(at.size), at, np.arange(at.size + 1)), shape=(at.size, self.width)
        )
        return eye, np.zeros(at.size)
