"""The memory of the cells search."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Places in State.at.
LAYER, OPEN, N_OPEN, BEGIN, END, TOP, LEVELS, FACETS, EMITTED, ENTERED, COUNTED, STAMP = range(12)
CORNERS, NAMED = 12, 13
N_PLACES = 14

# Places in a row of State.levels.
L_UNIT, L_LAYER, L_OPEN, L_BEGIN, L_END, L_FACETS, L_PENDING = range(7)

# Places in State.counters.
CUTS, TESTS, CLOSE_CALLS, COMPOSED, UPDATED = range(5)
N_COUNTERS = 5
COUNTER_NAMES = ("cuts", "tests", "close_calls", "maps_composed", "maps_updated")

# Facets of one cell that fit into a vertex's mask.
MAX_FACETS = 64

# What is handed out of a region: its pattern only, its centre as well, or its vertices and facets.
PATTERNS, CENTRES, SHAPES = range(3)


class State(NamedTuple):
    """All arrays; the cell at hand is the vertices BEGIN..END of the stack.

    Attributes
    ----------
    at : int64 (N_PLACES,)
        Layer at hand; place in its list of open units and the list's length; the cell's vertices
        and the top of the stack; levels; facet ids given out; regions emitted; whether the
        layer's maps stand; layers that the start of the cube had counted; last stamp given;
        corners and cuts handed out.
    bits : uint8 (n_units,)
    fixed : int8 (n_units,)
        The cube's literals: the bit, or -1.
    maps : float64 (d + 1, n_rows + 8)
        ``[q; P^T]`` of every row, for the current prefix.
    stamps : int64 (2, n_layers)
        Stamp of each layer's maps, and of the maps below that they were composed from.
    map_bits : uint8 (n_units,)
        The bits that the maps above were composed with.
    open_unit, open_row : int64 (n_layers, widest)
        Units of each layer that are open on the cell that entered it, and their rows.
    open_tolerance : float64 (n_layers, widest)
    n_opened : int64 (n_layers,)
    points : float64 (capacity, d)
        The vertex stack.
    heights : float64 (capacity, widest)
        z of the layer's open units at each vertex.
    facets : uint64 (capacity,)
        Facets that each vertex lies on.
    below : int64 (capacity,), lowest, highest : float64 (widest + 8,)
        Scratch.
    levels : int64 (n_units + 1, 7)
        Of each branching: unit, layer, next place in the open list, the sibling's vertices, the
        facet ids given out, and whether the sibling is still to come (the places below).
    patterns : uint8 (places, bytes), centres : float64 (places, d)
        The regions emitted, and the mean of the vertices of each.
    corners : float64 (room, d), corner_facets : uint64 (room,), corner_end : int64 (places,)
        Of the regions emitted: the vertices one after the other, the facets that each lies on, and
        where each region's end.
    facet_labels : int64 (places, MAX_FACETS)
        What the facets of each region are: the box's side 0..2d - 1, or 2d + the number of a cut.
    cut_unit : int64 (room,)
        The unit of each cut.
    labels : int64 (MAX_FACETS,), level_labels : int64 (n_units + 1, MAX_FACETS)
        As `facet_labels`, of the cell at hand and of each sibling.
    packed : uint8 (bytes,)
        The pattern of the layers below the last.
    prefix_counts, prefix_left : int64 (n_layers,)
    counters : int64 (N_COUNTERS,)
    """

    at: NDArray[np.int64]
    bits: NDArray[np.uint8]
    fixed: NDArray[np.int8]
    maps: NDArray[np.float64]
    stamps: NDArray[np.int64]
    map_bits: NDArray[np.uint8]
    open_unit: NDArray[np.int64]
    open_row: NDArray[np.int64]
    open_tolerance: NDArray[np.float64]
    n_opened: NDArray[np.int64]
    points: NDArray[np.float64]
    heights: NDArray[np.float64]
    facets: NDArray[np.uint64]
    below: NDArray[np.int64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    levels: NDArray[np.int64]
    patterns: NDArray[np.uint8]
    centres: NDArray[np.float64]
    corners: NDArray[np.float64]
    corner_facets: NDArray[np.uint64]
    corner_end: NDArray[np.int64]
    facet_labels: NDArray[np.int64]
    cut_unit: NDArray[np.int64]
    labels: NDArray[np.int64]
    level_labels: NDArray[np.int64]
    packed: NDArray[np.uint8]
    prefix_counts: NDArray[np.int64]
    prefix_left: NDArray[np.int64]
    counters: NDArray[np.int64]
