"""Conditions as units of the network: then every engine knows what to do with them.

An inequality is a hidden unit ``z = sum - threshold`` that feeds nothing, and whose bit is fixed.
The outputs become one more layer of values that are passed on, so that no weight is composed, and
the units of inequalities over outputs come after it. Those over inputs alone join the first layer,
where they cut a search short at once. What both have in common is carried along as one value an
inequality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.conditions.condition import Condition, Inequality, Terms
from cpwl_milp.core.affine import Affine, Matrix, Vector, compact
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.domain import Domain
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import Packed, pack, packed_size, unpack
from cpwl_milp.core.problem import Problem


@dataclass(frozen=True, eq=False)
class ConditionedProblem:
    """The question of a network's regions that meet a condition.

    Attributes
    ----------
    problem : Problem
        Of the network alone: what patterns, points and closed formulas are about.
    condition : Condition
    extended : Problem
        With the units of the inequalities: what engines are given. Over the same coordinates.
    fixed : ndarray of int8, shape (units of `extended`,)
        The bits that the condition asks for, -1 where it asks for none.
    places : ndarray of intp, shape (units of `problem`,)
        Where the network's own units are among those of `extended`.
    contradictory : bool
        Whether the pattern asks one unit for both bits: no region has them.
    n_first, n_last : int
        Units of inequalities before those of the first layer, and after all others.
    """

    problem: Problem
    condition: Condition
    extended: Problem
    fixed: NDArray[np.int8]
    places: NDArray[np.intp]
    contradictory: bool
    n_first: int
    n_last: int
    _widened: tuple[int, ...]

    @staticmethod
    def of(
        network: Network,
        domain: Domain,
        condition: Condition,
        implied: tuple[Inequality, ...] = (),
    ) -> ConditionedProblem:
        """Pose the question.

        Parameters
        ----------
        network : Network
        domain : Domain
        condition : Condition
        implied : tuple of Inequality
            Over inputs; hold wherever the condition does.

        Raises
        ------
        DomainError
            As `Problem.of`.
        InputError
            If the condition names what the network has not.
        """
        condition.require_fits(network)
        extension = _Extension.of(network, (*condition.inequalities, *implied))
        problem = Problem.of(network, domain)
        n_first = len(extension.first)
        places = np.arange(network.n_units) + n_first
        fixed = np.full(extension.network.n_units, -1, dtype=np.int8)
        fixed[:n_first] = [inequality.above for inequality in extension.first]
        fixed[n_first + network.n_units :] = [inequality.above for inequality in extension.last]
        contradictory = False
        for literal in condition.pattern:
            place = places[literal.place(network)]
            contradictory |= bool(fixed[place] == 1 - literal.bit)
            fixed[place] = literal.bit
        return ConditionedProblem(
            problem=problem,
            condition=condition,
            extended=Problem.of(extension.network, domain) if len(fixed) > len(places) else problem,
            fixed=fixed,
            places=places,
            contradictory=contradictory,
            n_first=n_first,
            n_last=len(extension.last),
            _widened=extension.widened,
        )

    def with_implied(self, implied: tuple[Inequality, ...]) -> ConditionedProblem:
        """The same question with inequalities over inputs that follow from the condition.

        Only where the domain's coordinates are the model's inputs.
        """
        return ConditionedProblem.of(
            self.problem.network, self.problem.domain, self.condition, implied
        )

    def own_bounds(self, bounds: Bounds) -> Bounds:
        """Those of the network's own rows, out of bounds of `extended`."""
        layers = range(len(self.problem.network.layers))
        return Bounds(
            tuple(bounds.lower[k][self._widened[k] :] for k in layers),
            tuple(bounds.upper[k][self._widened[k] :] for k in layers),
        )

    def own_patterns(self, patterns: Packed) -> Packed:
        """Packed patterns of the network from those of `extended`."""
        if self.extended is self.problem:
            return patterns
        bits = unpack(patterns, len(self.fixed))
        return pack(np.ascontiguousarray(bits[:, self.places]))

    def extended_patterns(self, patterns: Packed) -> Packed:
        """The inverse of `own_patterns`, for regions that meet the condition."""
        if self.extended is self.problem:
            return patterns
        bits = np.tile(self.fixed == 1, (len(patterns), 1))
        bits[:, self.places] = unpack(patterns, self.problem.network.n_units)
        return pack(bits)

    def meets(self, patterns: Packed) -> NDArray[np.bool_]:
        """Which packed patterns of `extended` have all bits asked for."""
        asked = self.fixed >= 0
        wanted = pack((self.fixed == 1)[None, :])
        mask = pack(asked[None, :])
        found = (patterns & mask) == (wanted & mask)
        return np.asarray(found.all(axis=1)) & (not self.contradictory)

    @property
    def row_bytes(self) -> int:
        """Bytes of one packed pattern of the network."""
        return packed_size(self.problem.network.n_units)


@dataclass(frozen=True, eq=False)
class _Extension:
    """A network with the units of inequalities.

    Attributes
    ----------
    network : Network
    first, last : tuple of Inequality
        Whose units come before those of the first layer, and whose after all others.
    widened : tuple of int
        Rows put before those of each layer.
    """

    network: Network
    first: tuple[Inequality, ...]
    last: tuple[Inequality, ...]
    widened: tuple[int, ...]

    @staticmethod
    def of(network: Network, inequalities: Sequence[Inequality]) -> _Extension:
        early = [q for q in inequalities if network.layers and not q.outputs]
        late = [q for q in inequalities if not network.layers or q.outputs]
        carried = [q for q in late if q.inputs]
        layers: list[Layer] = []
        widened = []
        for index, layer in enumerate(network.layers):
            if index == 0:
                rows = _rows([q.inputs for q in (*early, *carried)], network.n_inputs)
                bias = np.array([-q.threshold for q in early] + [0.0] * len(carried))
                slope = np.array([0.0] * len(early) + [1.0] * len(carried))
                weight = sp.vstack([rows, sp.csr_array(layer.affine.weight)])
            else:
                bias, slope = np.zeros(len(carried)), np.ones(len(carried))
                weight = _beside_carried(layer.affine.weight, len(early), len(carried), index == 1)
            widened.append(len(bias))
            layers.append(_widened(layer, weight, bias, slope))
        n_layers = len(layers)
        n_before = len(early) if n_layers == 1 else 0
        output = network.output
        if late:
            if not network.layers:
                weight = sp.vstack(
                    [_rows([q.inputs for q in carried], network.n_inputs), _csr(output.weight)]
                )
            else:
                weight = _beside_carried(output.weight, n_before, len(carried), True)
            n = len(carried)
            values = Affine(_compact(weight), np.concatenate([np.zeros(n), output.bias]))
            layers.append(Layer(values, np.ones(values.n_out), "outputs"))
            layers.append(_asked(late, carried, network.n_outputs))
            output = Affine(np.zeros((1, len(late))), np.zeros(1))
        elif n_before:
            output = Affine(
                _compact(_beside_carried(output.weight, n_before, 0, True)), output.bias
            )
        return _Extension(Network(tuple(layers), output), tuple(early), tuple(late), tuple(widened))


def _asked(
    inequalities: Sequence[Inequality], carried: Sequence[Inequality], n_outputs: int
) -> Layer:
    """The units of inequalities, over the values carried and the outputs."""
    rows = sp.lil_array((len(inequalities), len(carried) + n_outputs))
    for row, inequality in enumerate(inequalities):
        if inequality.inputs:
            rows[row, next(k for k, q in enumerate(carried) if q is inequality)] = 1.0
        for k, coefficient in inequality.outputs:
            rows[row, len(carried) + k] = coefficient
    bias = np.array([-q.threshold for q in inequalities]) + 0.0
    return Layer(Affine(_compact(rows), bias), np.zeros(len(inequalities)), "condition")


def _rows(terms: Sequence[Terms], n: int) -> sp.csr_array:
    rows = sp.lil_array((len(terms), n))
    for row, each in enumerate(terms):
        for k, coefficient in each:
            rows[row, k] = coefficient
    return sp.csr_array(rows)


def _beside_carried(weight: Matrix, n_ignored: int, n_carried: int, ignores: bool) -> sp.csr_array:
    """A layer's weight, with rows that carry values on and columns of those and of units ignored.

    Inputs are, in this order, the `n_ignored` units (where the layer below has them), the values
    carried, the layer's own.
    """
    before = n_ignored if ignores else 0
    keep = sp.eye_array(n_carried, format="csr")
    blocks = sp.block_diag([keep, _csr(weight)]) if n_carried else _csr(weight)
    nothing = sp.csr_array((blocks.shape[0], before))
    return sp.csr_array(sp.hstack([nothing, blocks]))


def _widened(layer: Layer, weight: sp.csr_array, bias: Vector, slope: Vector) -> Layer:
    """A layer with more rows before its own."""
    if not bias.size and weight.shape == layer.affine.weight.shape:
        return layer
    return Layer(
        Affine(_compact(weight), np.concatenate([bias + 0.0, layer.affine.bias])),
        np.concatenate([slope, layer.slope]),
        layer.name,
    )


def _csr(weight: Matrix) -> sp.csr_array:
    return sp.csr_array(weight)


def _compact(weight: sp.sparray) -> Matrix:
    return compact(sp.csr_array(weight))
