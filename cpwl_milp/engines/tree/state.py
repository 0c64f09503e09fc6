"""The memory of the compiled search."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Places in State.at.
LAYER, UNIT, LEVELS, TABLE, EMITTED, ENTERED, COUNTED, AFRESH = range(8)
ASKED, STANDING, LOOSE = range(8, 11)
N_PLACES = 11

# Places in State.counters.
PIVOTS, TIES, DOUBTS, TESTS, REFACTORED, REPEATED, STEEP = range(7)
N_COUNTERS = 7
COUNTER_NAMES = (
    "pivots",
    "ties",
    "doubts",
    "tests",
    "refactorisations",
    "repeated_tests",
    "steep_pivots",
)

# Places in State.sizes: rows in use (padding included), open units, pivots since the last check
# (STALE or more after a steep pivot: the table is to be computed afresh before it is used).
ROWS, OPEN, AGE = range(3)
STALE = 1 << 20
N_SIZES = 3

# Places in State.measures: 1 / norm of a unit's map, the tolerance of its normalised map, and that
# map's norm in the domain's metric.
INVERSE, TOLERANCE, METRIC = range(3)
N_MEASURES = 3

# Places in State.columns: see dictionary.py.
SIDE, SPAN = range(2)

# Places in State.levels: of each branching its unit and layer, the first unit behind its block,
# its table, whether the child of bit 1 is still to come, and what that child is.
OF_UNIT, OF_LAYER, OF_NEXT, OF_TABLE, PENDING, OF_KIND = range(6)
N_OF_LEVEL = 6
# Kinds: a cell like any other; too thin for float64; one whose table holds a sliver too much.
PLAIN, THIN_CELL, LOOSE_CELL = range(3)

# Lines of a table behind the d + 1 of the dictionary, counted from d + 1.
LIMITS = 4

# At most this many units are carried by a table at once, and row counts are padded to multiples
# of _PADDING (loops over rows run in vectors without a remainder).
BLOCK = 64
PADDING = 16


class State(NamedTuple):
    """The search's memory, all arrays; `grown` in memory.py enlarges them.

    Attributes
    ----------
    at : int64 (N_PLACES,)
        Layer, first unit behind the current block, levels, table in use, regions emitted,
        whether the current block stands, layers that the start of the cube had counted, whether the
        unit at hand is decided once more after a failure;
        questions asked; on a cell too thin, the first unit that is not decided; and how many
        levels there were when the table first held a sliver too much (-1: it holds none).
    bits : uint8 (n_units,)
    fixed : int8 (n_units,)
        The cube's literals: the bit, or -1.
    maps : float64 (n_rows, d + 1)
        ``[q, P]`` of every row, for the current prefix.
    measures : float64 (n_units, N_MEASURES)
        Of each unit met on the current path.
    place : int64 (n_units,)
        The row of each open unit.
    tables : float64 (depth, d + 5, capacity)
        Dictionaries (see dictionary.py), one for each branching whose child of bit 1 is still to
        come, the one in use on top.
    row_ids : int64 (depth, capacity), col_ids : int64 (depth, d)
        The variables of rows and columns.
    columns : float64 (depth, 2, d)
        Side and span of the columns' variables.
    opens : int64 (depth, BLOCK)
        Units of the block that may still cut the table's cell, the next one last.
    sizes : int64 (depth, N_SIZES)
    scratch : float64 (2, capacity), lists : int64 (2, capacity), vertex : float64 (d,)
    levels : int64 (n_units + 1, N_OF_LEVEL)
    asked : int64 (n_units, 2)
        Units asked about, and the doubt of each.
    answers : int8 (n_units,)
        What was answered and not yet taken up (codes of ambiguity.py).
    hint : int64 (2, d)
        Columns and their sides at the vertex where a unit was found to be zero.
    head : uint8 (packed size,)
        The packed bits of the layers below the last.
    patterns : uint8 (places, packed size), balls : float64 (places or 0, d + 1)
        The regions emitted; centre and radius of the largest ball, if asked for.
    prefix_counts, prefix_left : int64 (n_layers,)
    counters : int64 (N_COUNTERS,)
    """

    at: NDArray[np.int64]
    bits: NDArray[np.uint8]
    fixed: NDArray[np.int8]
    maps: NDArray[np.float64]
    measures: NDArray[np.float64]
    place: NDArray[np.int64]
    tables: NDArray[np.float64]
    row_ids: NDArray[np.int64]
    col_ids: NDArray[np.int64]
    columns: NDArray[np.float64]
    opens: NDArray[np.int64]
    sizes: NDArray[np.int64]
    scratch: NDArray[np.float64]
    lists: NDArray[np.int64]
    vertex: NDArray[np.float64]
    levels: NDArray[np.int64]
    asked: NDArray[np.int64]
    answers: NDArray[np.int8]
    hint: NDArray[np.int64]
    head: NDArray[np.uint8]
    patterns: NDArray[np.uint8]
    balls: NDArray[np.float64]
    prefix_counts: NDArray[np.int64]
    prefix_left: NDArray[np.int64]
    counters: NDArray[np.int64]
