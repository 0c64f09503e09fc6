"""An engine on the units that bounds leave open: stable units are taken out beforehand.

On a small domain (a plane through images, a ball around a point) most units of a wide network
keep their bit. One that is always off and has slope 0 is gone, with its column in the next layer;
one that is always on passes its value on; what then feeds nothing is gone as well. The engine
sees what is left, with the same weights; patterns get the missing bits when they come out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cpwl_milp.core.affine import Affine, Matrix, Vector, compact
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.exploration import Advance, Budget, Engine
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import Packed, pack, packed_size
from cpwl_milp.core.problem import Problem
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.completing import completed

MakeEngine = Callable[[Problem, Bounds], Engine]


@dataclass(frozen=True, eq=False)
class Reduction:
    """A network without its stable units.

    Attributes
    ----------
    network : Network
        With as many layers, each with at least one row.
    bounds : Bounds
        Of its rows.
    units : ndarray of int64
        Which units of the whole network are left, in their order.
    fixed : ndarray of int8, shape (n_units,)
        The bits of the others; -1 for those left.
    """

    network: Network
    bounds: Bounds
    units: NDArray[np.int64]
    fixed: NDArray[np.int8]

    def completed(self, patterns: Packed) -> Packed:
        """Packed patterns of the whole network from those of the units left."""
        common = pack(self.fixed[None, :] == 1)[0]
        found: Packed = completed(np.ascontiguousarray(patterns), common, self.units)
        return found


def without_stable_units(network: Network, bounds: Bounds) -> Reduction:
    """Take out the units whose bit the bounds fix, and the rows that feed nothing then.

    A unit that is always off with another slope than 0 stays: to pass its value on, the weights
    after it would have to be multiplied by the slope, which rounds.

    Parameters
    ----------
    network : Network
        With at least one layer.
    bounds : Bounds
        Sound on the domain.
    """
    roles = [
        _Roles.of(layer, low, high)
        for layer, low, high in zip(network.layers, bounds.lower, bounds.upper, strict=True)
    ]
    kept: list[NDArray[np.intp]] = []
    after: Matrix = network.output.weight
    for layer, role in zip(reversed(network.layers), reversed(roles), strict=True):
        kept.append(np.flatnonzero(role.open | (role.on & _feeding(after))))
        after = layer.affine.weight[kept[-1]]
    kept.reverse()
    layers, below = [], np.arange(network.n_inputs)
    for layer, role, rows in zip(network.layers, roles, kept, strict=True):
        slope = np.where(role.open, layer.slope, 1.0)[rows]
        part = _part(layer.affine, rows, below)
        if rows.size == 0:
            # Engines want a row in every layer: the constant 0.
            part, slope = Affine(np.zeros((1, part.n_in)), np.zeros(1)), np.ones(1)
        layers.append(Layer(part, slope, layer.name))
        below = rows
    everything = np.arange(network.n_outputs)
    fixed = np.concatenate(
        [role.bits[layer.units] for layer, role in zip(network.layers, roles, strict=True)]
    )
    return Reduction(
        network=Network(tuple(layers), _part(network.output, everything, below)),
        bounds=Bounds(
            tuple(_chosen(low, rows) for low, rows in zip(bounds.lower, kept, strict=True)),
            tuple(_chosen(high, rows) for high, rows in zip(bounds.upper, kept, strict=True)),
        ),
        units=np.flatnonzero(fixed < 0).astype(np.int64),
        fixed=fixed,
    )


class ReducedEngine:
    """An engine that is given the network without its stable units.

    *Problem*, *Answer*, *Property* : as the engine's.

    Parameters
    ----------
    problem : Problem
        Its network has at least one layer.
    bounds : Bounds
        Of the problem's network on its domain.
    make : callable
        Makes the engine for the smaller problem.
    """

    def __init__(self, problem: Problem, bounds: Bounds, make: MakeEngine) -> None:
        reduction = without_stable_units(problem.network, bounds)
        self._engine = make(replace(problem, network=reduction.network), reduction.bounds)
        self.name = self._engine.name
        self.exact = self._engine.exact
        self.open_cubes_nonempty = self._engine.open_cubes_nonempty
        self.stateless = self._engine.stateless
        self._fixed = reduction.fixed
        self._units = reduction.units
        self._places = np.full(len(self._fixed), -1, dtype=np.int64)
        self._places[self._units] = np.arange(len(self._units))
        self._n_layers = len(problem.network.layers)
        self._dim = problem.domain.dim
        self._whole = reduction.completed

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """Work on `cube` until it is closed or the budget is spent."""
        inner = self._inner(cube)
        if inner is None:
            return self._nothing(cube)
        found = self._engine.advance(inner, budget)
        stable = [k for k in cube.literals if self._places[abs(k) - 1] < 0]
        return replace(
            found,
            cube=cube,
            regions=RegionBatch(
                self._whole(found.regions.patterns), found.regions.points, found.regions.inradii
            ),
            open=tuple(self._outer(part, stable) for part in found.open),
            parked=tuple(self._outer(part, stable) for part in found.parked),
            thin=self._whole(found.thin),
        )

    def _inner(self, cube: Cube) -> Cube | None:
        """The cube among the units left; None if it asks for a bit that a stable unit has not."""
        literals = []
        for literal in cube.literals:
            unit = abs(literal) - 1
            place = int(self._places[unit])
            if place >= 0:
                literals.append(place + 1 if literal > 0 else -(place + 1))
            elif (literal > 0) != (self._fixed[unit] == 1):
                return None
        return Cube(tuple(literals), cube.counted_layers)

    def _outer(self, cube: Cube, stable: list[int]) -> Cube:
        literals = [
            int(self._units[k - 1]) + 1 if k > 0 else -(int(self._units[-k - 1]) + 1)
            for k in cube.literals
        ]
        return Cube(tuple(stable + literals), cube.counted_layers)

    def _nothing(self, cube: Cube) -> Advance:
        n_units = len(self._fixed)
        return Advance(
            cube=cube,
            regions=RegionBatch.empty(n_units, self._dim),
            open=(),
            prefix_counts=np.zeros(self._n_layers, dtype=np.int64),
            thin=np.zeros((0, packed_size(n_units)), dtype=np.uint8),
        )


@dataclass(frozen=True, eq=False)
class _Roles:
    """What each row of a layer does on the domain.

    Attributes
    ----------
    open : ndarray of bool
        A hidden unit that has to stay one.
    on : ndarray of bool
        Passes its value on.
    bits : ndarray of int8
        The bit that is fixed, else -1.
    """

    open: NDArray[np.bool_]
    on: NDArray[np.bool_]
    bits: NDArray[np.int8]

    @staticmethod
    def of(layer: Layer, low: Vector, high: Vector) -> _Roles:
        hidden = layer.slope != 1.0
        active, inactive = hidden & (low > 0), hidden & (high <= 0) & (layer.slope == 0.0)
        is_open = hidden & ~active & ~inactive
        bits = np.where(active, 1, np.where(inactive, 0, -1)).astype(np.int8)
        return _Roles(is_open, active | ~hidden, bits)


def _feeding(weight: Matrix) -> NDArray[np.bool_]:
    """Which inputs of a map have a weight other than 0."""
    if isinstance(weight, np.ndarray):
        return np.asarray((weight != 0).any(axis=0))
    found = np.zeros(weight.shape[1], dtype=np.bool_)
    found[weight.indices[weight.data != 0]] = True
    return found


def _part(affine: Affine, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Affine:
    """Some rows of a map, of some of its inputs; of the constant 0 where these are none."""
    weight = affine.weight
    if columns.size == 0:
        return Affine(np.zeros((rows.size, 1)), affine.bias[rows])
    part = sp.csr_array(weight)[rows][:, columns] if affine.is_sparse else weight[rows][:, columns]
    return Affine(compact(part), affine.bias[rows])


def _chosen(values: Vector, rows: NDArray[np.intp]) -> Vector:
    """Some of a layer's bounds; those of the constant 0 where these are none."""
    return values[rows] if rows.size else np.zeros(1)
