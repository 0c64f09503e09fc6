"""A polytope domain for engines that know boxes: its inequalities as units with a fixed bit.

``A x <= b`` cuts the box like hidden units of the first layer, ``z = b - A x``, of which only the
side z > 0 is asked for. So the network gets these units, before all others and feeding nothing,
and every cube begins with their literals; what comes out loses them again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.affine import Affine, Dense, Vector, compact
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.domains import Polytope
from cpwl_milp.core.exploration import Advance, Budget, Engine
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import Packed, packed_size
from cpwl_milp.core.problem import Problem
from cpwl_milp.core.region import RegionBatch

MakeEngine = Callable[[Problem, Bounds], Engine]


class ConfinedEngine:
    """An engine for boxes, used on a polytope.

    *Problem* : any network over a full-dimensional polytope.
    *Answer*, *Property* : as the engine's.

    Parameters
    ----------
    problem : Problem
        Its domain is a `Polytope`.
    bounds : Bounds
        Of the problem's network on its domain.
    make : callable
        Makes the engine for a problem over a box.
    """

    def __init__(self, problem: Problem, bounds: Bounds, make: MakeEngine) -> None:
        domain = problem.domain
        assert isinstance(domain, Polytope)
        # Whole bytes of bits come off again without any shifting.
        rows, rest = _padded(*domain.inequalities())
        self._n_limits = len(rest)
        self._literals = tuple(range(1, len(rest) + 1))
        self._single = None if problem.network.layers else _single_region(domain)
        confined = replace(
            problem, network=_with_limits(problem.network, rows, rest), domain=domain.box
        )
        self._engine = make(confined, _bounds_with_limits(bounds, rows, rest, domain))
        self.name = self._engine.name
        self.exact = self._engine.exact
        self.open_cubes_nonempty = self._engine.open_cubes_nonempty
        self.stateless = self._engine.stateless
        self._n_bytes = packed_size(problem.network.n_units)

    def advance(self, cube: Cube, budget: Budget) -> Advance:
        """Work on `cube` until it is closed or the budget is spent."""
        if self._single is not None:
            return replace(self._single, cube=cube)
        found = self._engine.advance(self._inner(cube), budget)
        return replace(
            found,
            cube=cube,
            regions=RegionBatch(
                self._outer_bits(found.regions.patterns),
                found.regions.points,
                found.regions.inradii,
            ),
            open=tuple(self._outer(part) for part in found.open),
            parked=tuple(self._outer(part) for part in found.parked),
            thin=self._outer_bits(found.thin),
        )

    def _inner(self, cube: Cube) -> Cube:
        n = self._n_limits
        moved = tuple(k + n if k > 0 else k - n for k in cube.literals)
        return replace(cube, literals=(*self._literals, *moved))

    def _outer(self, cube: Cube) -> Cube:
        n = self._n_limits
        return replace(cube, literals=tuple(k - n if k > 0 else k + n for k in cube.literals[n:]))

    def _outer_bits(self, patterns: Packed) -> Packed:
        first = self._n_limits // 8
        return np.ascontiguousarray(patterns[:, first : first + self._n_bytes])


def _padded(rows: Dense, rest: Vector) -> tuple[Dense, Vector]:
    """Rows ``0 x <= 1`` added up to a multiple of eight."""
    more = -len(rest) % 8
    return (
        np.concatenate([rows, np.zeros((more, rows.shape[1]))]),
        np.concatenate([rest, np.ones(more)]),
    )


def _with_limits(network: Network, rows: Dense, rest: Vector) -> Network:
    """The network with the units ``rest - rows x`` before those of its first layer."""
    if not network.layers:
        return network
    n = len(rest)
    first = network.layers[0]
    weight = sp.vstack([sp.csr_array(-rows), sp.csr_array(first.affine.weight)])
    widened = Layer(
        Affine(compact(sp.csr_array(weight)), np.concatenate([rest, first.affine.bias])),
        np.concatenate([np.zeros(n), first.slope]),
        first.name,
    )
    if len(network.layers) == 1:
        return Network((widened,), _ignoring(network.output, n))
    second = network.layers[1]
    after = Layer(_ignoring(second.affine, n), second.slope, second.name)
    return Network((widened, after, *network.layers[2:]), network.output)


def _ignoring(affine: Affine, n: int) -> Affine:
    """The same map, with `n` more inputs before the others that it takes no notice of."""
    weight = sp.csr_array(affine.weight)
    nothing = sp.csr_array((affine.n_out, n))
    return Affine(compact(sp.csr_array(sp.hstack([nothing, weight]))), affine.bias)


def _bounds_with_limits(bounds: Bounds, rows: Dense, rest: Vector, domain: Polytope) -> Bounds:
    """The bounds with those of the limits' units, over the box, before the first layer's."""
    if not bounds.lower:
        return bounds
    n = len(rest)
    limits = Layer(Affine(-rows, rest), np.zeros(n))
    alone = pre_activation_bounds(
        Network((limits,), Affine.identity(n)), domain.box, method="interval"
    )
    return Bounds(
        (np.concatenate([alone.lower[0], bounds.lower[0]]), *bounds.lower[1:]),
        (np.concatenate([alone.upper[0], bounds.upper[0]]), *bounds.upper[1:]),
    )


def _single_region(domain: Polytope) -> Advance:
    """An affine network: the whole domain is one region."""
    return Advance(
        cube=Cube(),
        regions=RegionBatch(
            np.zeros((1, 1), dtype=np.uint8), domain.inside[None, :], np.full(1, np.nan)
        ),
        open=(),
        prefix_counts=np.zeros(0, dtype=np.int64),
        thin=np.zeros((0, 1), dtype=np.uint8),
    )
