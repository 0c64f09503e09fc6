"""A network as it is made smaller: rows come off, and say why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Affine, Matrix, Vector, compact
from cpwl_milp.core.network import Layer, Network


class Reason(StrEnum):
    """Why a row came off."""

    OFF = "off"
    """Never on, and slope 0: its value is 0."""
    CONSTANT = "constant"
    """Nothing that varies feeds it."""
    UNUSED = "unused"
    """Nothing depends on it."""
    DUPLICATE = "duplicate"
    """A multiple of another row of its layer."""
    LINEAR = "linear"
    """Its kink is never reached: it is part of the affine map after it."""


Origin = tuple[int, int]


@dataclass
class DraftLayer:
    """Rows of one layer.

    Attributes
    ----------
    weight, bias : of ``z = W a + b``
    slope : ndarray
        Negative-side slopes; 1 for rows that pass on.
    linear : ndarray of bool
        Rows whose values are z itself on the whole domain.
    nonnegative : ndarray of bool
        Linear rows with z >= 0, proved.
    origin : list of (int, int) or None
        Layer (from 1) and row (from 0) in the network given; None for rows that were added.
    """

    weight: Matrix
    bias: Vector
    slope: Vector
    linear: NDArray[np.bool_]
    nonnegative: NDArray[np.bool_]
    origin: list[Origin | None]

    @property
    def n_rows(self) -> int:
        """Rows that are left."""
        return len(self.bias)

    def kept(self, rows: NDArray[np.intp]) -> DraftLayer:
        """Some of the rows."""
        return DraftLayer(
            self.weight[rows],
            self.bias[rows],
            self.slope[rows],
            self.linear[rows],
            self.nonnegative[rows],
            [self.origin[k] for k in rows],
        )

    @property
    def values_nonnegative(self) -> NDArray[np.bool_]:
        """Rows whose values are never below 0."""
        return np.where(self.linear, self.nonnegative, self.slope <= 0.0)


@dataclass
class Draft:
    """The layers, the map to the outputs, and what came off why.

    Attributes
    ----------
    layers : list of DraftLayer
    output : Affine
    removed : dict
        The reason for each row that came off, by where it was.
    added : int
        Rows put in for others.
    """

    layers: list[DraftLayer]
    output: Affine
    removed: dict[Origin, Reason] = field(default_factory=dict)
    added: int = 0

    def after(self, index: int) -> tuple[Matrix, Vector]:
        """Weight and bias of what follows layer `index` (from 0)."""
        if index + 1 < len(self.layers):
            return self.layers[index + 1].weight, self.layers[index + 1].bias
        return self.output.weight, self.output.bias

    def set_after(self, index: int, weight: Matrix, bias: Vector) -> None:
        """Replace weight and bias of what follows layer `index`."""
        if index + 1 < len(self.layers):
            self.layers[index + 1].weight, self.layers[index + 1].bias = weight, bias
        else:
            self.output = Affine(weight, bias)

    def drop(self, index: int, gone: NDArray[np.bool_], reason: Reason) -> None:
        """Take rows out of layer `index`, and their columns out of what follows."""
        layer = self.layers[index]
        for row in np.flatnonzero(gone):
            self._note(layer.origin[row], reason)
        keep = np.flatnonzero(~gone)
        weight, bias = self.after(index)
        self.set_after(index, weight[:, keep], bias)
        self.layers[index] = layer.kept(keep)

    def note_all(self, layer: DraftLayer, rows: NDArray[np.intp], reason: Reason) -> None:
        """Note that rows of a layer are no more."""
        for row in rows:
            self._note(layer.origin[row], reason)

    def _note(self, origin: Origin | None, reason: Reason) -> None:
        if origin is None:
            self.added -= 1
        else:
            self.removed[origin] = reason

    def reasons(self) -> Counter[Reason]:
        """How many rows came off for each reason."""
        return Counter(self.removed.values())

    def network(self) -> Network:
        """The network as it is now; linear rows with z >= 0 keep the slope that they had."""
        layers = []
        for layer in self.layers:
            written = np.where(layer.linear & ~layer.nonnegative, 1.0, layer.slope)
            layers.append(Layer(Affine(compact(layer.weight), layer.bias), written))
        return Network(tuple(layers), Affine(compact(self.output.weight), self.output.bias))


def column_of(weight: Matrix, column: int) -> Vector:
    """One column of a matrix, dense."""
    if isinstance(weight, np.ndarray):
        return np.asarray(weight[:, column])
    return np.asarray(weight[:, [column]].toarray()).ravel()


def is_zero_row(weight: Matrix) -> NDArray[np.bool_]:
    """Rows without any weight."""
    return _unmet(_nonzero(weight)[0], weight.shape[0])


def is_zero_column(weight: Matrix) -> NDArray[np.bool_]:
    """Columns without any weight."""
    return _unmet(_nonzero(weight)[1], weight.shape[1])


def _unmet(places: NDArray[np.intp], n: int) -> NDArray[np.bool_]:
    found = np.ones(n, dtype=np.bool_)
    found[places] = False
    return found


def _nonzero(weight: Matrix) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = weight.nonzero()
    return np.asarray(rows, dtype=np.intp), np.asarray(columns, dtype=np.intp)


def product(left: Matrix, right: Matrix) -> Matrix:
    """A product in the cheaper of the two forms."""
    found = left @ right
    return found if isinstance(found, np.ndarray) else sp.csr_array(found)


def scaled_columns(weight: Matrix, factor: Vector) -> Matrix:
    """A matrix with each column times a factor."""
    if isinstance(weight, np.ndarray):
        return np.asarray(weight * factor)
    return sp.csr_array(weight @ sp.diags_array(factor))
