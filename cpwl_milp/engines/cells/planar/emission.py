"""What is handed out of a region besides its pattern."""

from __future__ import annotations

from cpwl_milp.engines.cells.planar.state import CORNERS, LABEL, VERTEX
from cpwl_milp.engines.compiled import kernel


@kernel
def centre(x, y, entries, begin, end, centres, place):
    """The mean of the polygon's vertices, an interior point."""
    total_x = total_y = 0.0
    for t in range(begin, end):
        v = entries[t] & VERTEX
        total_x += x[v]
        total_y += y[v]
    centres[place, 0] = total_x / (end - begin)
    centres[place, 1] = total_y / (end - begin)


@kernel
def hand_out(x, y, entries, begin, end, corners, corner_label, corner_end, at, place):
    """Write the region's polygon behind those before it."""
    corner = at[CORNERS]
    for t in range(begin, end):
        v = entries[t] & VERTEX
        corners[corner, 0], corners[corner, 1] = x[v], y[v]
        corner_label[corner] = entries[t] >> LABEL
        corner += 1
    at[CORNERS] = corner_end[place] = corner
