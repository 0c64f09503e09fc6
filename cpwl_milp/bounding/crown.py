"""Backward substitution of the unit lines to the input (DeepPoly, CROWN).

Singh, Gehr, Pueschel, Vechev, POPL 2019; Zhang, Weng, Chen, Hsieh, Daniel, NeurIPS 2018. A row of
pre-activations is a linear function of the values before it. Going back layer by layer, each
value is replaced by the line below it where its coefficient is positive and by the line above it
where it is negative, then by its affine map, until a linear function of the input is left.

Rounding. After every step ``target >= C a + c - e`` holds in real arithmetic for the true values
a of that layer and the stored floats C, c, e. The step forms ``P = C * lines``,
``c' = c + C offsets + P b`` and ``C' = P W``. Per row the exact change is at most

- ``u |P| |z|`` for rounding P,
- ``gamma(n) |P| |W| |a'|`` for rounding ``P W``, a' being the values one layer down,
- ``gamma(2 n + 2) (|c| + |C| |offsets| + |P| |b|)`` for the constant

(Higham 2002, section 3.1). With the vector ``v >= |W| |a'| + |b| >= |z|``, taken once a layer from
known bounds, ``gamma(4 n + 16) (|P| v + |C| |offsets| + |c|)`` covers all of it and the rounding
of this sum; e grows by that much, one matrix-vector product a step.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.bounding.interval import (
    activation_bounds,
    affine_bounds,
    interval_bounds,
    value_magnitudes,
)
from cpwl_milp.bounding.relaxation import UnitLines, unit_lines
from cpwl_milp.bounding.rounding import UNDERFLOW, below, gamma
from cpwl_milp.bounding.support import Support, least, supports_of
from cpwl_milp.core.affine import Affine, Matrix, Vector
from cpwl_milp.core.bounds import Bounds, UnitStability
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Layer, Network

# Entries of one block of rows at the widest layer: about 30 MB an array, a few arrays at a time.
_BLOCK_ENTRIES = 1 << 22
# Above this share of non-zeros a dense block is faster than a sparse one.
_DENSE_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Step:
    """One layer of the way back: its map, its lines, and how large its values can get.

    Attributes
    ----------
    affine : Affine
    lines : UnitLines
    magnitude : ndarray, shape (n_out,)
        At least ``|W| |a'| + |b|`` for every value a' of the layer before.
    """

    affine: Affine
    lines: UnitLines
    magnitude: Vector


def refined_by_crown(
    network: Network,
    domain: Domain,
    bounds: Bounds | None = None,
    *,
    every_row: bool = False,
    deadline: float | None = None,
) -> Bounds:
    """Tighten sound bounds by backward substitution, layer by layer from the input.

    Parameters
    ----------
    network : Network
    domain : Domain
    bounds : Bounds, optional
        Sound bounds to start from; interval bounds when left out.
    every_row : bool
        By default only hidden units whose bit is still open are bounded this way, as nothing
        depends on the bounds of the others but the next interval step; True bounds all rows.
    deadline : float, optional
        `time.monotonic()` after which the rows that are left keep the bounds they have.

    Returns
    -------
    Bounds
        Sound, and nowhere looser than `bounds`.
    """
    given = interval_bounds(network, domain) if bounds is None else bounds
    way = WayBack(domain)
    lows, highs = [], []
    for layer, low, high in zip(network.layers, given.lower, given.upper, strict=True):
        tight = way.tighten(layer, low, high, every_row=every_row, deadline=deadline)
        way.append(layer, *tight)
        lows.append(tight[0])
        highs.append(tight[1])
    return Bounds(tuple(lows), tuple(highs))


class WayBack:
    """The layers bounded so far; bounds of the next layer are found through them.

    Parameters
    ----------
    domain : Domain
    """

    def __init__(self, domain: Domain) -> None:
        self._supports: tuple[Support, ...] = supports_of(domain)
        self._steps: list[Step] = []
        self._widest = domain.dim
        self.low: Vector = domain.box.lower
        self.high: Vector = domain.box.upper

    def append(self, layer: Layer, low: Vector, high: Vector) -> None:
        """Add a layer whose pre-activations lie in ``[low, high]``."""
        affine = layer.affine
        with np.errstate(over="ignore", invalid="ignore"):
            sizes = affine.magnitude() @ value_magnitudes(self.low, self.high)
            sizes = sizes + np.abs(affine.bias)
            magnitude = sizes * (1.0 + gamma(2.0 * affine.n_in + 4)) + UNDERFLOW * affine.n_in
        self._steps.append(Step(affine, unit_lines(layer, low, high), magnitude))
        self._widest = max(self._widest, affine.n_out)
        self.low, self.high = activation_bounds(layer, low, high)

    def tighten(
        self,
        layer: Layer,
        low: Vector,
        high: Vector,
        *,
        every_row: bool = False,
        deadline: float | None = None,
    ) -> tuple[Vector, Vector]:
        """Bounds of the next layer, nowhere looser than the given ones.

        Parameters are those of `refined_by_crown`; `low` and `high` are of shape (n_out,).
        """
        step_low, step_high = affine_bounds(layer.affine, self.low, self.high)
        low, high = np.maximum(low, step_low), np.minimum(high, step_high)
        rows = np.arange(low.size) if every_row else open_units(layer, low, high)
        block = max(1, _BLOCK_ENTRIES // self._widest)
        for start in range(0, rows.size, block):
            if deadline is not None and time.monotonic() > deadline:
                break
            chosen = rows[start : start + block]
            weight, bias = layer.affine.weight[chosen], layer.affine.bias[chosen]
            low[chosen] = np.maximum(low[chosen], self.minimum(weight, bias))
            high[chosen] = np.minimum(high[chosen], -self.minimum(-weight, -bias))
        return low, high

    def minimum(self, coefficients: Matrix, constant: Vector) -> Vector:
        """Lower bounds, on the domain, of linear functions of the last layer's values.

        Parameters
        ----------
        coefficients : ndarray or csr_array, shape (n_rows, n)
        constant : ndarray, shape (n_rows,)

        Returns
        -------
        ndarray, shape (n_rows,)
        """
        with np.errstate(over="ignore", invalid="ignore"):
            coefficients, constant, error = self.lines(coefficients, constant)
            found = below(least(self._supports, coefficients, constant), error)
        return np.where(np.isnan(found), -np.inf, found)

    def lines(self, coefficients: Matrix, constant: Vector) -> tuple[Matrix, Vector, Vector]:
        """Linear functions of the inputs below linear functions of the last layer's values.

        Parameters
        ----------
        coefficients, constant
            As `minimum` takes them.

        Returns
        -------
        C : ndarray or csr_array, shape (n_rows, n_inputs)
        c, e : ndarray, shape (n_rows,)
            On the domain, the functions are at least ``C x + c - e``.
        """
        error = np.zeros_like(constant)
        with np.errstate(over="ignore", invalid="ignore"):
            for step in reversed(self._steps):
                coefficients, constant, lost = _substituted(coefficients, constant, step)
                error += lost
            return coefficients, constant, error * 1.0000001


def open_units(layer: Layer, low: Vector, high: Vector) -> NDArray[np.intp]:
    """Positions of the hidden units whose bit the bounds leave open."""
    return np.flatnonzero(UnitStability(low, high).unstable & (layer.slope != 1.0))


def _substituted(
    coefficients: Matrix, constant: Vector, step: Step
) -> tuple[Matrix, Vector, Vector]:
    """One step back: new coefficients, new constant, and the error that its rounding can make."""
    affine = step.affine
    through, shift = _with_lines(coefficients, step.lines)
    offsets = np.maximum(np.abs(step.lines.lower_offset), np.abs(step.lines.upper_offset))
    sizes = abs(through) @ step.magnitude + abs(coefficients) @ offsets + np.abs(constant)
    constant = constant + shift + through @ affine.bias
    lost = gamma(4.0 * affine.n_out + 16) * sizes
    # Underflowing products: of P, of P W and of the constant, each against values of bounded size.
    lost += UNDERFLOW * (affine.n_out + 1) * (4 + 2 * np.sum(step.magnitude))
    moved = through @ affine.weight
    if (
        not isinstance(moved, np.ndarray)
        and moved.nnz > _DENSE_SHARE * moved.shape[0] * moved.shape[1]
    ):
        moved = moved.toarray()
    return moved, constant, lost


def _with_lines(coefficients: Matrix, lines: UnitLines) -> tuple[Matrix, Vector]:
    """The lines' slopes times the coefficients, and what their offsets add, row by row."""
    if isinstance(coefficients, np.ndarray):
        positive = np.maximum(coefficients, 0)
        negative = np.minimum(coefficients, 0)
        through = positive * lines.lower_slope
        through += negative * lines.upper_slope
        return through, positive @ lines.lower_offset + negative @ lines.upper_offset
    columns, data = coefficients.indices, coefficients.data
    positive = data > 0
    slope = np.where(positive, lines.lower_slope[columns], lines.upper_slope[columns])
    offset = np.where(positive, lines.lower_offset[columns], lines.upper_offset[columns])
    # Copies: the sparse arrays of scipy share and change what they are given.
    through, terms = coefficients.copy(), coefficients.copy()
    through.data, terms.data = data * slope, data * offset
    through.eliminate_zeros()
    return through, np.asarray(terms.sum(axis=1)).ravel()
