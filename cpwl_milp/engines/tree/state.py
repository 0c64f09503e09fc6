"""The memory of the compiled search."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Places in State.at.
LAYER, UNIT, LEVELS, CONSTRAINTS, SAVED, EMITTED, ENTERED, COUNTED, CHECKED = range(9)
N_PLACES = 9

# Places in State.counters.
PIVOTS, TIES, TESTS, REFACTORED, REPEATED = range(5)
N_COUNTERS = 5
COUNTER_NAMES = ("pivots", "ties", "tests", "refactorisations", "repeated_tests")


class State(NamedTuple):
    """The search's memory, all arrays; `grown` in engine.py enlarges them.

    Attributes
    ----------
    at : int64 (N_PLACES,)
        Layer and unit to be looked at next, levels, constraints, rows saved, regions emitted,
        whether the current layer's maps stand, layers that the start of the cube had counted,
        pivots at the last check of errors.
    bits : uint8 (n_units,)
    fixed : int8 (n_units,)
        The cube's literals: the bit, or -1.
    maps : float64 (n_rows, d + 1)
        ``[q, P]`` of every row, for the current prefix.
    constraints : float64 (capacity, d + 1)
        ``[b, a]`` of the cell's rows, unit norm, box first.
    norms, reach : float64 (capacity,)
        Norm of each row in the domain's metric; largest slack on the domain.
    table : float64 (capacity + d, d + 1), basis : int64 (capacity,), cobasis : int64 (d,)
        The dictionary (see dictionary.py).
    level_unit, level_layer, level_size, level_pending : int64 (n_units,)
        Of each branching: its unit and layer, the number of constraints of its children, and
        whether the child of bit 1 is still to come.
    saved : float64 (rows, d + 1), saved_ids : int64 (rows,)
        The dictionaries of the children still to come, one below the other.
    patterns, points, radii : the regions emitted.
    prefix_counts, prefix_left : int64 (n_layers,)
    counters : int64 (N_COUNTERS,)
    """

    at: NDArray[np.int64]
    bits: NDArray[np.uint8]
    fixed: NDArray[np.int8]
    maps: NDArray[np.float64]
    constraints: NDArray[np.float64]
    norms: NDArray[np.float64]
    reach: NDArray[np.float64]
    table: NDArray[np.float64]
    basis: NDArray[np.int64]
    cobasis: NDArray[np.int64]
    level_unit: NDArray[np.int64]
    level_layer: NDArray[np.int64]
    level_size: NDArray[np.int64]
    level_pending: NDArray[np.int64]
    saved: NDArray[np.float64]
    saved_ids: NDArray[np.int64]
    patterns: NDArray[np.uint8]
    points: NDArray[np.float64]
    radii: NDArray[np.float64]
    prefix_counts: NDArray[np.int64]
    prefix_left: NDArray[np.int64]
    counters: NDArray[np.int64]
