"""The memory of the planar search."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Places in State.at.
LAYER, PHASE, BLOCK, SIGNS, BEGIN, END, VERTICES, ENTRIES, LEVELS = range(9)
EMITTED, CORNERS, NAMED, COUNTED, STAMP = range(9, 14)
N_PLACES = 14

# State.at[PHASE]: what is to be done with the cell at hand. It enters its layer, it is a node of
# the search within its block, or its block is through and it meets the layer's next units.
ENTER, NODE, REST = range(3)

# Places in a row of State.levels: of each branching its unit, and of the sibling its block, signs,
# polygon, where vertices and polygons may be written above it, and whether it is still to come.
L_UNIT, L_BLOCK, L_SIGNS, L_BEGIN, L_END, L_VERTICES, L_ENTRIES, L_PENDING = range(8)
N_OF_LEVEL = 8

# Places in a row of State.blocks: the layer, the block's lines, how many, and the end of the
# layer's other open lines, which follow them.
B_LAYER, B_FIRST, B_LINES, B_END = range(4)
N_OF_BLOCK = 4

# Places in State.counters.
CUTS, TESTS, TIES, DOUBTS, COMPOSED, UPDATED = range(6)
N_COUNTERS = 6
COUNTER_NAMES = ("cuts", "tests", "close_calls", "doubts", "maps_composed", "maps_updated")

# The signs of a block's lines at a vertex, or on the vertices of a cell (or-ed): bit k, line k is
# above zero somewhere; then below; then zero within the tolerance. Of a cell only: line k is
# settled, it bounds the cell or its tie is noted.
BELOW, ZERO, SETTLED = 8, 16, 24
ALL_LINES = (1 << 8) - 1

# The numbers of a line ``[q, p0, p1, tolerance]`` are eight places apart, those of eight lines
# side by side; from q to the tolerance it is so far.
LIMIT = 24

# An entry of a polygon: the vertex, and from this bit on a label of the edge that follows it.
LABEL = 24
VERTEX = (1 << LABEL) - 1
# Labels 0..3 are the domain's edges (of a box y = -1, x = 1, y = 1, x = -1); from 4 on cuts,
# numbered through.
N_SIDES = 4

# What is handed out of a region: its pattern only, its centre as well, or its polygon.
PATTERNS, CENTRES, POLYGONS = range(3)


class State(NamedTuple):
    """All arrays.

    Attributes
    ----------
    cleared : int64
        One memory for what is 0 at the root of a cube: `at`, `asked`, `answers`, `row_stamps`,
        `stamps`, `prefix_counts` and `counters`.
    at : int64 (N_PLACES,)
        Of the cell at hand its layer, phase, block, signs and polygon (a run of entries); how
        many vertices and entries are in use; levels. Regions, corners and cuts handed out;
        layers that the start of the cube had counted; the last stamp given.
    pattern, known : int64 (n_words,)
        The bits of the cell at hand, packed as in patterns; those that the maps of the layer
        above were composed with.
    fixed : int8 (n_units,)
        The cube's literals: the bit, or -1.
    asked, answers : int64 (n_words,)
        The same packed: which units have literals, and their bits.
    fixed_layers : int8 (n_layers,)
        Whether the layer has literals.
    maps : float64 (3 n_rows,)
        Of each layer all q, then the maps' first and second column, for the current prefix.
    taken : float64 (3 n_rows,)
        Where a layer follows the one below: what of that its maps were composed from, as `maps`.
    row_stamps : int64 (n_rows / 8,)
        Stamp of the last change to each eight rows of the maps.
    stamps : int64 (2, n_layers)
        Stamp of each layer's maps, and of the maps below that they were composed from.
    lowest, highest : float64 (widest,)
        Least and greatest z on the cell of the rows last looked at.
    columns : int64 (widest,)
        Scratch: inputs whose columns are to be added ...
    factors : float64 (3, widest)
        ... and what each is to be multiplied by.
    x, y, errors : float64 (room,), signs : int64 (room,)
        The vertices, as a stack; `errors` is how far each may be off, where that is kept.
    entries : int64 (room,)
        The polygons, as a stack; counter-clockwise.
    lines : float64 (4 room,)
        The open lines of each block, as a stack; eight lines side by side, four numbers each.
    line_unit : int64 (room,)
    blocks : int64 (n_blocks, N_OF_BLOCK)
    levels : int64 (n_units + 1, N_OF_LEVEL)
    patterns : int64 (places, n_words), centres : float64 (places, 2)
        The regions emitted, and the mean of the vertices of each.
    corners : float64 (room, 2), corner_label : int64 (room,), corner_end : int64 (places,)
        The regions' polygons one after the other, the label of the edge that follows each corner,
        and where each polygon ends.
    cut_unit : int64 (room,)
        The unit of each cut.
    prefix_counts, prefix_left : int64 (n_layers,)
    counters : int64 (N_COUNTERS,)
    """

    cleared: NDArray[np.int64]
    at: NDArray[np.int64]
    pattern: NDArray[np.int64]
    known: NDArray[np.int64]
    fixed: NDArray[np.int8]
    asked: NDArray[np.int64]
    answers: NDArray[np.int64]
    fixed_layers: NDArray[np.int8]
    maps: NDArray[np.float64]
    taken: NDArray[np.float64]
    row_stamps: NDArray[np.int64]
    stamps: NDArray[np.int64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    columns: NDArray[np.int64]
    factors: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    errors: NDArray[np.float64]
    signs: NDArray[np.int64]
    entries: NDArray[np.int64]
    lines: NDArray[np.float64]
    line_unit: NDArray[np.int64]
    blocks: NDArray[np.int64]
    levels: NDArray[np.int64]
    patterns: NDArray[np.int64]
    centres: NDArray[np.float64]
    corners: NDArray[np.float64]
    corner_label: NDArray[np.int64]
    corner_end: NDArray[np.int64]
    cut_unit: NDArray[np.int64]
    prefix_counts: NDArray[np.int64]
    prefix_left: NDArray[np.int64]
    counters: NDArray[np.int64]
