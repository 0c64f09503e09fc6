"""The memory of the ball search."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Places in State.at: layer at hand, place in its list of open units, levels, rows of the path,
# regions emitted, whether the layer stands, layers that the start of the cube had counted; the unit
# asked about, its doubt and the side that the cell's point is on; on a cell too thin, the place in
# a pattern of the first unit that is not decided; whether no unit has a bias.
LAYER, OPEN, LEVELS, PATH, EMITTED, ENTERED, COUNTED, ASKED, DOUBT, STANDING = range(10)
HOMOGENEOUS, NEARER = 10, 11
N_PLACES = 12

# Places in State.counters.
CUTS, TESTS, STEPS, SHRUNK, TIES, DOUBTS, COMPOSED = range(7)
N_COUNTERS = 7
COUNTER_NAMES = ("cuts", "tests", "steps", "shrunk", "ties", "doubts", "maps_composed")

# Places in a row of State.levels: of each branching whose child of bit 1 is still to come, its
# unit, layer, next place in the open list and row of the path, and whether that child is too thin
# for float64.
OF_UNIT, OF_LAYER, OF_NEXT, OF_ROW, OF_THIN = range(5)
N_OF_LEVEL = 5

# Places in a row of State.found: what `nearest` ended with, and how far the cell's own point may
# be off after a test of its own side.
VALUE, TOTAL, LAST, LEAST, ERROR, SURROUNDED, OWN_BLUR = range(7)
N_FOUND = 7

# Places in a row of State.trust: how far a true point of the cell is from the slot's at most, and
# by how much the cell may reach beyond the half-space of its nearest point.
BLUR, LOST = range(2)
N_TRUST = 2

# Lines of State.stamps: when each layer's maps were made, the latest of the maps below that they
# were made from, updates since they were composed; and the last stamp given.
MADE, SOURCE, UPDATES, STAMP = range(4)
N_STAMPS = 4

# Rows of a path are padded to a multiple of this: loops over them run in whole vectors.
PADDING = 8


class State(NamedTuple):
    """All arrays; d is the dimension, n_open the number of open units.

    Rows of the path are ``g.x + h >= 0`` with ``|g| = 1``, one for each branching above, the unit
    under test behind them. A slot holds the point of a cell that is nearest to the centre, with
    its multipliers: ``x = sum_i m_i g_i`` over the active rows i.

    Attributes
    ----------
    at : int64 (N_PLACES,)
    bits : uint8 (n_units,)
    fixed : int8 (n_open,)
        The cube's literals: the bit, or -1.
    maps : float64 (n_open, d), shifts : float64 (n_open,)
        z of each open unit for the current prefix, ``maps @ x + shifts``.
    used : uint8 (n_layers, n_open)
        The bits below that each layer's maps were made with.
    stamps : int64 (N_STAMPS, n_layers)
    normals : float64 (n_open, d), heights, tolerances : float64 (n_open,)
        The same divided by the norm of the map, and below what they are rounding; an infinite
        tolerance marks a map that is constant and zero, up to rounding.
    answers : int8 (n_open,)
        What was answered and not yet taken up (codes of ambiguity.py).
    opened : int64 (n_open,), n_opened : int64 (n_layers,)
        Units of each layer that may cut the cell that entered it.
    path : int64 (n_open + 1,), signs, rests : float64 (capacity,)
        Unit, sign and constant h of each row of the path.
    errors : float64 (capacity,)
        How far the rows may be off in the unit ball.
    columns : float64 (d, capacity)
        The g of the rows, coordinate by coordinate.
    slack, moved : float64 (capacity,)
        Scratch: ``g.x + h``; constants of a shifted cell.
    slots : int64 (n_slots,)
        Slots of the siblings to come, one a level, then of the cell at hand, then free ones.
    x : float64 (n_slots, d), trust : float64 (n_slots, N_TRUST)
    sizes : int64 (n_slots,)
        Active rows.
    active : int64 (n_slots, most), multipliers : float64 (n_slots, most)
    basis : float64 (n_slots, most, d), triangle : float64 (n_slots, most, most)
        The active rows' g, as columns, are ``basis^T @ triangle`` with orthonormal basis.
    share, step : float64 (d + 1,), way : float64 (d,)
        Scratch.
    found : float64 (N_FOUND,)
    levels : int64 (n_open + 1, N_OF_LEVEL)
    patterns : uint8 (places, packed size), balls : float64 (places or 0, d + 1)
        The regions emitted; centre and radius of the largest ball, if asked for.
    prefix_counts, prefix_left : int64 (n_layers,)
    counters : int64 (N_COUNTERS,)
    """

    at: NDArray[np.int64]
    bits: NDArray[np.uint8]
    fixed: NDArray[np.int8]
    maps: NDArray[np.float64]
    shifts: NDArray[np.float64]
    used: NDArray[np.uint8]
    stamps: NDArray[np.int64]
    normals: NDArray[np.float64]
    heights: NDArray[np.float64]
    tolerances: NDArray[np.float64]
    answers: NDArray[np.int8]
    opened: NDArray[np.int64]
    n_opened: NDArray[np.int64]
    path: NDArray[np.int64]
    signs: NDArray[np.float64]
    rests: NDArray[np.float64]
    errors: NDArray[np.float64]
    columns: NDArray[np.float64]
    slack: NDArray[np.float64]
    moved: NDArray[np.float64]
    slots: NDArray[np.int64]
    x: NDArray[np.float64]
    trust: NDArray[np.float64]
    sizes: NDArray[np.int64]
    active: NDArray[np.int64]
    multipliers: NDArray[np.float64]
    basis: NDArray[np.float64]
    triangle: NDArray[np.float64]
    share: NDArray[np.float64]
    step: NDArray[np.float64]
    way: NDArray[np.float64]
    found: NDArray[np.float64]
    levels: NDArray[np.int64]
    patterns: NDArray[np.uint8]
    balls: NDArray[np.float64]
    prefix_counts: NDArray[np.int64]
    prefix_left: NDArray[np.int64]
    counters: NDArray[np.int64]
