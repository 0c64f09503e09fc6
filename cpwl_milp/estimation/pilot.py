"""Where to cut the search tree into stages, found out by a small probe that is thrown away."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.cube import ROOT
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.problem import Problem
from cpwl_milp.estimation.probing import kept_of
from cpwl_milp.estimation.stages import Stage, cells_below, cubes_of, stage_of

# Cells of the pilot's own population.
_POPULATION = 16
# A stage ends before cells fall into more parts than this on average.
_MOST_CHILDREN = 16
# The first stage is listed whole: so many times the population.
_FIRST = 8


@dataclass(frozen=True, eq=False)
class Pilot:
    """What the pilot found.

    Attributes
    ----------
    stages : tuple of Stage
    first : ndarray of uint8
        All cells of the first stage.
    seconds_a_cell : float
        Of a probe, for each cell of its population, all stages together.
    """

    stages: tuple[Stage, ...]
    first: Packed
    seconds_a_cell: float


def pilot(
    problem: Problem, bounds: Bounds, population: int, rng: np.random.Generator, *, deadline: float
) -> Pilot:
    """Choose the stages: the end of every layer, and points between where cells fall too far.

    The choice depends on a few random cells, but not on those of any later probe: these are
    unbiased whatever it is.

    Raises
    ------
    DoubtfulCellError
    OutOfTimeError
    """
    network = problem.network
    n_units, stages = 0, []
    first = cells = np.zeros((1, 0), dtype=np.uint8)
    seconds = 0.0
    while n_units < network.n_units:
        layer = int(np.searchsorted(network.offsets, n_units, side="right")) - 1
        step = network.offsets[layer + 1] - n_units
        cubes = list(cubes_of(cells, n_units)) if n_units else [ROOT]
        room = _MOST_CHILDREN * len(cubes) if n_units else _FIRST * max(population, _POPULATION)
        while True:
            stage = stage_of(problem, bounds, n_units + step)
            parts, left = [], room + 1
            began = time.monotonic()
            for cube in cubes:
                parts.append(cells_below(stage, cube, most=left, deadline=deadline))
                left -= len(parts[-1])
                if left <= 0:
                    break
            if left > 0 or step == 1:
                break
            step = (step + 1) // 2
        if left <= 0:
            # One unit at a time: each cell falls into two at most, and all are needed.
            parts = [cells_below(stage, cube, deadline=deadline) for cube in cubes]
        if n_units:
            seconds += (time.monotonic() - began) / len(cubes)
        else:
            first = np.concatenate(parts)
        cells = np.concatenate(parts)
        cells = cells[kept_of(len(cells), _POPULATION, rng)]
        n_units += step
        stages.append(stage)
    return Pilot(tuple(stages), first, seconds)
