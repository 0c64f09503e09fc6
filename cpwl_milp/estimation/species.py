"""What random inputs say of the regions that they did not fall into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpwl_milp.core.bounds import Bounds
from cpwl_milp.core.pattern import Packed, pack, unique
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.sampling import clear_bits, rounding_tolerances
from cpwl_milp.information.coverage import chao1, missing_mass

# Numbers held at a time.
_BLOCK_NUMBERS = 1 << 24


@dataclass(frozen=True)
class Species:
    """Regions as species, of which random inputs are sightings.

    Attributes
    ----------
    n_samples : int
        Those whose pattern rounding leaves no doubt of.
    seen : int
        Regions that hold one: they exist.
    chao1 : float
        What Chao (1984) estimates that there are at least, for large samples; a heuristic where
        most regions hold no sample.
    missing_mass : float
        Of the domain's volume, the share in regions not seen (Good 1953).
    """

    n_samples: int
    seen: int
    chao1: float
    missing_mass: float


def seen_patterns(problem: Problem, bounds: Bounds, n_samples: int, seed: int) -> Packed:
    """Draw inputs uniformly from the domain.

    Returns
    -------
    ndarray of uint8, shape (n, packed size)
        The pattern of each input whose pattern rounding leaves no doubt of.
    """
    network, rng = problem.network, np.random.default_rng(seed)
    tolerances = rounding_tolerances(problem, bounds)
    widest = max([problem.domain.dim, *(layer.affine.n_out for layer in network.layers)])
    block = max(16, _BLOCK_NUMBERS // widest)
    found = [pack(np.zeros((0, network.n_units), dtype=np.bool_))]
    for begin in range(0, n_samples, block):
        points = problem.domain.sample(min(block, n_samples - begin), rng)
        bits, clear = clear_bits(network, points, tolerances)
        found.append(pack(bits[clear]))
    return np.concatenate(found)


def species_of(patterns: Packed) -> Species:
    """Count the inputs of each pattern, one row of `patterns` an input."""
    if not len(patterns):
        return Species(0, 0, 0.0, 1.0)
    _, _, counts = unique(patterns)
    return Species(len(patterns), len(counts), chao1(counts), missing_mass(counts))
