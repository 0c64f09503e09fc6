"""The search tree cut into stages: the cells of the first units, and what they fall into next."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import Cube
from cpwl_milp.core.errors import SolverError
from cpwl_milp.core.exploration import Budget, Engine
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import Packed, packed_size, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.choice import EngineSettings, make_engine

_BATCH = 1 << 15


@dataclass(frozen=True, eq=False)
class Stage:
    """The cells of the first `n_units` units.

    Attributes
    ----------
    n_units : int
    layer : int
        The layer, from 1, of the last of them.
    ends_layer : bool
        Whether it is the layer's last one.
    engine : Engine
        Of the network of these units alone.
    """

    n_units: int
    layer: int
    ends_layer: bool
    engine: Engine


def stage_of(problem: Problem, bounds: Bounds, n_units: int) -> Stage:
    """The stage of the first `n_units` hidden units (at least 1)."""
    network = problem.network
    layer = int(np.searchsorted(network.offsets, n_units)) - 1
    last = network.layers[layer].units[n_units - network.offsets[layer] - 1]
    n_rows = int(last) + 1
    cut = replace(
        problem,
        network=_first_rows(network, layer, n_rows),
        plain=_first_rows(problem.plain, layer, n_rows),
    )
    kept = Bounds(
        (*bounds.lower[:layer], bounds.lower[layer][:n_rows]),
        (*bounds.upper[:layer], bounds.upper[layer][:n_rows]),
    )
    engine = make_engine(cut, kept, EngineSettings())
    return Stage(n_units, layer + 1, n_units == network.offsets[layer + 1], engine)


def _first_rows(network: Network, layer: int, n_rows: int) -> Network:
    """Layers 0..layer, of the last one the first `n_rows` values."""
    whole = network.layers[layer]
    affine = Affine(whole.affine.weight[:n_rows], whole.affine.bias[:n_rows])
    cut = Layer(affine, whole.slope[:n_rows], whole.name)
    return Network((*network.layers[:layer], cut), Affine.identity(n_rows))


class DoubtfulCellError(SolverError):
    """A cell that the engine could not decide: nothing can be estimated from there."""


class OutOfTimeError(Exception):
    """A probe that was left before its end."""


def cells_below(
    stage: Stage, cube: Cube, *, most: float = math.inf, deadline: float = math.inf
) -> Packed:
    """The cells of a stage in a cube, shape (n, packed size); at least `most` if there are more.

    Raises
    ------
    DoubtfulCellError
    OutOfTimeError
        At `deadline` (`time.monotonic()`).
    """
    found = [np.zeros((0, packed_size(stage.n_units)), dtype=np.uint8)]
    open_cubes, n = [cube], 0
    while open_cubes and n < most:
        if time.monotonic() > deadline:
            raise OutOfTimeError
        budget = Budget(int(min(_BATCH, most - n)), deadline)
        advance = stage.engine.advance(open_cubes.pop(0), budget)
        doubts = advance.decisions.get("doubts", 0)
        if advance.unresolved or doubts:
            raise DoubtfulCellError(
                "estimate",
                advance.unresolved or f"{doubts} decisions in doubt",
                "cells that the search can decide",
                "`count` gives a bracket all the same",
            )
        found.append(advance.regions.patterns)
        n += len(advance.regions)
        open_cubes[:0] = advance.open
    return np.concatenate(found)


def cubes_of(cells: Packed, n_units: int) -> Iterator[Cube]:
    """Each cell of the first `n_units` units as a cube."""
    units = np.arange(1, n_units + 1)
    for bits in unpack(cells, n_units):
        yield Cube.of(np.where(bits, units, -units).tolist())
