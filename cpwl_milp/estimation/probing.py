"""Probes of the search tree: unbiased estimates of the number of its leaves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.affine import Vector
from cpwl_milp.core.pattern import Packed
from cpwl_milp.estimation.stages import Stage, cells_below, cubes_of


@dataclass(frozen=True, eq=False)
class Probe:
    """What a probe gave.

    Attributes
    ----------
    logs : ndarray, shape (n_stages,)
        Natural logarithms of unbiased estimates of the number of cells at every stage.
    n_cells : int
        Cells found at the last stage.
    whole : bool
        Whether every cell was kept: then `n_cells` is the number itself.
    """

    logs: Vector
    n_cells: int
    whole: bool


def probe(
    stages: Sequence[Stage],
    first: Packed,
    population: int,
    rng: np.random.Generator,
    *,
    deadline: float = math.inf,
) -> Probe:
    """Estimate the number of cells at every stage, without bias.

    Knuth (1975) goes down the tree by one random child at a time, and multiplies the numbers of
    children met. Here a population goes down: the cells of a stage are all found below the cells
    kept of the stage before, `population` of them are kept, and the estimate is multiplied by the
    share that was not (stochastic enumeration, Rubinstein 2013). Neighbours in the order of the
    search resemble each other, so every k-th is kept, from a random start: a stratified choice
    (Chen 1992) in which each has the same probability.

    Parameters
    ----------
    stages : sequence of Stage
    first : ndarray of uint8
        All cells of the first stage.
    population : int
    rng : Generator
    deadline : float
        `time.monotonic()` after which to give up.

    Raises
    ------
    OutOfTimeError
    """
    cells, log_weight = first, 0.0
    found = [math.log(len(first))]
    for before, stage in itertools.pairwise(stages):
        kept = kept_of(len(cells), population, rng)
        log_weight += math.log(len(cells) / len(kept))
        cubes = cubes_of(cells[kept], before.n_units)
        cells = np.concatenate([cells_below(stage, cube, deadline=deadline) for cube in cubes])
        found.append(log_weight + math.log(len(cells)))
    return Probe(np.array(found), len(cells), whole=not log_weight)


def kept_of(n: int, population: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Which of n to keep: all, or `population` at equal distances from a random start."""
    if n <= population:
        return np.arange(n)
    return ((rng.random() + np.arange(population)) * (n / population)).astype(np.intp)
