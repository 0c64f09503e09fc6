"""Affine maps ``x -> W x + b``, dense or sparse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float64]
Dense: TypeAlias = NDArray[np.float64]
Matrix: TypeAlias = "NDArray[np.float64] | sp.csr_array"

# Below this many entries a dense array is smaller and faster than any sparse one.
_SMALL = 1 << 16
# Above this share of non-zeros a sparse array costs more than a dense one.
_DENSE_SHARE = 0.2


def compact(weight: Matrix) -> Matrix:
    """Return the cheaper of the two forms of one matrix, float64 in either.

    Parameters
    ----------
    weight : ndarray or csr_array, shape (n_out, n_in)
    """
    if sp.issparse(weight):
        csr = sp.csr_array(weight, dtype=np.float64)
        csr.sum_duplicates()
        csr.eliminate_zeros()
        size = csr.shape[0] * csr.shape[1]
        if size <= _SMALL or csr.nnz >= _DENSE_SHARE * size:
            return np.ascontiguousarray(csr.toarray())
        return csr
    dense = np.ascontiguousarray(weight, dtype=np.float64)
    if dense.size > _SMALL and np.count_nonzero(dense) < _DENSE_SHARE * dense.size:
        return sp.csr_array(dense)
    return dense


@dataclass(frozen=True, eq=False)
class Affine:
    """The map ``x -> weight @ x + bias``.

    Attributes
    ----------
    weight : ndarray or csr_array, shape (n_out, n_in)
        float64; float32 weights of ONNX are exact in it.
    bias : ndarray, shape (n_out,)
    """

    weight: Matrix
    bias: Vector

    def __post_init__(self) -> None:
        if self.bias.shape != (self.weight.shape[0],):
            raise ValueError(f"bias has shape {self.bias.shape}, weight {self.weight.shape}")

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return int(self.weight.shape[1])

    @property
    def n_out(self) -> int:
        """Number of outputs."""
        return int(self.weight.shape[0])

    @property
    def is_sparse(self) -> bool:
        """Whether the weight is held as CSR."""
        return bool(sp.issparse(self.weight))

    @property
    def n_entries(self) -> int:
        """Numbers that the weight is held by."""
        return int(self.weight.size)

    def __call__(self, x: Dense) -> Dense:
        """Map rows of `x`, shape (n, n_in), to rows of shape (n, n_out)."""
        return np.asarray((self.weight @ x.T).T + self.bias)

    def dense(self) -> Dense:
        """The weight as an ndarray, shape (n_out, n_in)."""
        if isinstance(self.weight, np.ndarray):
            return self.weight
        return np.asarray(self.weight.toarray())

    def magnitude(self) -> Matrix:
        """The absolute values of the weight, in the same form."""
        return abs(self.weight)

    def after(self, inner: Affine) -> Affine:
        """The composition ``self(inner(x))``."""
        weight = self.weight @ inner.weight
        bias = np.asarray(self.weight @ inner.bias) + self.bias
        return Affine(compact(weight), bias)

    @staticmethod
    def identity(n: int) -> Affine:
        """The identity on R^n."""
        return Affine(compact(sp.eye_array(n, format="csr")), np.zeros(n))
