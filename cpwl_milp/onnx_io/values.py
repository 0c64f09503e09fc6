"""Symbolic tensors: affine expressions over the inputs and the units met so far.

Every value of the graph that depends on the inputs is affine in *atoms*: the inputs (block 0)
and the outputs of activation units (one further block per activation node or tournament round).
An operator that is affine only changes coefficients; an operator with kinks adds a block. The
chain of layers is cut from the blocks at the very end (`chain`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Matrix, Vector, compact
from cpwl_milp.core.errors import ModelError

Shape: TypeAlias = tuple[int, ...]
Constant: TypeAlias = NDArray[Any]
Index: TypeAlias = NDArray[np.int64]

# Elements of one symbolic tensor, and coefficients of one matrix: beyond these the import would
# take gigabytes, and no analysis of regions could follow it.
MAX_ELEMENTS = 1 << 22
MAX_COEFFICIENTS = 40_000_000
# Two affine maps are composed while the product stays below this; a larger product is kept as
# two maps with pass-on units between them.
_MAX_PRODUCT = 10_000_000


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor whose flattened (row-major) entries are affine in the atoms.

    Attributes
    ----------
    shape : tuple of int
    dtype : int
        ``onnx.TensorProto`` element type, for type checks; the arithmetic is float64.
    terms : mapping of block number to matrix, shape (size, block size)
    const : ndarray, shape (size,)
    """

    shape: Shape
    dtype: int
    terms: Mapping[int, Matrix]
    const: Vector

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(self.const.size)

    def reshaped(self, shape: Shape) -> Tensor:
        """The same entries in the same order under another shape."""
        return Tensor(shape, self.dtype, self.terms, self.const)

    def typed(self, dtype: int) -> Tensor:
        """The same entries under another element type."""
        return Tensor(self.shape, dtype, self.terms, self.const)

    def take(self, index: NDArray[Any], shape: Shape) -> Tensor:
        """Entries by flat position; position -1 gives the constant 0."""
        flat = np.asarray(index, dtype=np.int64).ravel()
        if flat.size == self.size and np.array_equal(flat, np.arange(self.size)):
            return self.reshaped(shape)
        missing = flat < 0
        if not missing.any():
            terms = {block: m[flat] for block, m in self.terms.items()}
            return Tensor(shape, self.dtype, terms, self.const[flat])
        keep = np.flatnonzero(~missing)
        # One selection matrix places the kept rows and leaves the others empty.
        select = sp.csr_array(
            (np.ones(keep.size), (keep, flat[keep])), shape=(flat.size, self.size)
        )
        const = np.zeros(flat.size)
        const[keep] = self.const[flat[keep]]
        return Tensor(
            shape, self.dtype, {block: select @ m for block, m in self.terms.items()}, const
        )

    def scaled(self, factor: Vector | float) -> Tensor:
        """Each entry times its factor, shape (size,) or one number."""
        rows = np.broadcast_to(np.asarray(factor, dtype=np.float64), (self.size,))
        terms = {block: scale_rows(m, rows) for block, m in self.terms.items()}
        return Tensor(self.shape, self.dtype, terms, self.const * rows)

    def shifted(self, offset: Vector | float) -> Tensor:
        """Each entry plus its offset."""
        return Tensor(self.shape, self.dtype, self.terms, self.const + offset)

    def plus(self, other: Tensor) -> Tensor:
        """The sum with a tensor of the same size."""
        terms = dict(self.terms)
        for block, m in other.terms.items():
            terms[block] = add(terms[block], m) if block in terms else m
        return Tensor(self.shape, self.dtype, terms, self.const + other.const)

    def varies(self) -> NDArray[np.bool_]:
        """Which entries depend on an atom at all, shape (size,)."""
        found = np.zeros(self.size, dtype=np.bool_)
        for m in self.terms.values():
            if isinstance(m, np.ndarray):
                found |= m.any(axis=1)
            else:
                found[m.nonzero()[0]] = True
        return found


Value: TypeAlias = Tensor | Constant


def lifted(array: Constant, dtype: int) -> Tensor:
    """A constant as a tensor without terms."""
    return Tensor(array.shape, dtype, {}, np.asarray(array, dtype=np.float64).ravel())


def stacked(parts: Sequence[Tensor]) -> Tensor:
    """The entries of several tensors one after another, as one 1-D tensor."""
    if len(parts) == 1:
        return parts[0].reshaped((parts[0].size,))
    offsets = np.cumsum([0, *(p.size for p in parts)])
    total = int(offsets[-1])
    terms: dict[int, Matrix] = {}
    for block in dict.fromkeys(b for p in parts for b in p.terms):
        width = next(p.terms[block].shape[1] for p in parts if block in p.terms)
        rows = [
            sp.csr_array(p.terms[block]) if block in p.terms else sp.csr_array((p.size, width))
            for p in parts
        ]
        terms[block] = sp.vstack(rows, format="csr")
    const = np.concatenate([p.const for p in parts])
    return Tensor((total,), parts[0].dtype, terms, const)


def scale_rows(m: Matrix, factors: Vector) -> Matrix:
    """The matrix with each row multiplied by its factor."""
    if isinstance(m, np.ndarray):
        return np.asarray(m * factors[:, None])
    data = m.data * np.repeat(factors, np.diff(m.indptr))
    return sp.csr_array((data, m.indices, m.indptr), shape=m.shape)


def add(a: Matrix, b: Matrix) -> Matrix:
    """The sum of two matrices of either form."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.asarray(_dense(a) + _dense(b))
    return sp.csr_array(a + b)


def _dense(m: Matrix) -> NDArray[np.float64]:
    return m if isinstance(m, np.ndarray) else np.asarray(m.toarray())


def is_identity(m: Matrix) -> bool:
    """Whether a sparse matrix is exactly the identity."""
    if isinstance(m, np.ndarray) or m.shape[0] != m.shape[1] or m.nnz != m.shape[0]:
        return False
    return bool(np.array_equal(m.indices, np.arange(m.nnz)) and np.all(m.data == 1.0))


def _product_size(left: Matrix, right: Matrix) -> int:
    """An upper bound on the number of non-zeros of ``left @ right``."""
    full = int(left.shape[0]) * int(right.shape[1])
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return full
    return min(full, int(np.diff(right.indptr)[left.indices].sum()))


@dataclass(frozen=True, eq=False)
class Block:
    """Units added by one operator.

    Attributes
    ----------
    pre : Tensor or None
        The pre-activations z; None for the inputs.
    slope : ndarray, shape (size,)
        Negative-side slopes; 1 for units that only pass on.
    name : str
        The node, for messages.
    source : str
        The graph's tensor that holds exactly the pre-activations, if there is one.
    """

    pre: Tensor | None
    slope: Vector
    name: str
    source: str = ""


@dataclass(eq=False)
class Trace:
    """The blocks found so far: the one mutable thing of an import.

    Attributes
    ----------
    blocks : list of Block
    """

    blocks: list[Block] = field(default_factory=list)

    def atoms(self, block: Block, shape: Shape, dtype: int) -> Tensor:
        """Append a block; its atoms as a tensor."""
        self.blocks.append(block)
        n = block.slope.size
        identity = sp.eye_array(n, format="csr")
        return Tensor(shape, dtype, {len(self.blocks) - 1: identity}, np.zeros(n))

    def inputs(self, n: int, dtype: int) -> Tensor:
        """Block 0, the inputs of the network."""
        return self.atoms(Block(None, np.ones(n), "input"), (n,), dtype)

    def units(self, z: Tensor, slope: Vector | float, name: str, source: str = "") -> Tensor:
        """``max(z, 0) + slope * min(z, 0)``; where the slope is 1, z itself and no unit.

        `source` names the graph's tensor z, for checks.
        """
        slopes = np.array(np.broadcast_to(slope, (z.size,)), dtype=np.float64)
        kinked = np.flatnonzero(slopes != 1.0)
        if kinked.size == 0:
            return z
        if kinked.size == z.size:
            return self.atoms(Block(z, slopes, name, source), z.shape, z.dtype)
        part = z.take(kinked, (kinked.size,))
        new = self.atoms(Block(part, slopes[kinked], name), part.shape, z.dtype)
        position = np.arange(z.size)
        position[kinked] = z.size + np.arange(kinked.size)
        return stacked([z, new]).take(position, z.shape)

    def mapped(self, matrix: Matrix, x: Tensor, offset: Vector | float, shape: Shape) -> Tensor:
        """``matrix @ x + offset``, with a layer of pass-on units where that is far smaller."""
        if any(
            not is_identity(m) and _product_size(matrix, m) > _MAX_PRODUCT for m in x.terms.values()
        ):
            x = self.atoms(Block(x, np.ones(x.size), "pass-on"), x.shape, x.dtype)
        terms = {
            block: matrix if is_identity(m) else compact(matrix @ m) for block, m in x.terms.items()
        }
        const = np.asarray(matrix @ x.const) + offset
        return Tensor(shape, x.dtype, terms, const)


def n_elements(shape: Sequence[int]) -> int:
    """Number of elements, exact however large."""
    return math.prod(int(d) for d in shape)


def check_size(where: str, what: str, count: int, limit: int) -> None:
    """Refuse a size before memory is taken for it.

    Raises
    ------
    ModelError
        If `count` exceeds `limit`.
    """
    if count > limit:
        raise ModelError(
            where,
            f"{what} of {count:,} entries",
            f"at most {limit:,}",
            "networks of this size are beyond region analysis",
        )
