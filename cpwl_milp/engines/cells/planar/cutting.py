"""Cutting a polygon in two by one of its block's lines.

The vertices above the line are a run of the polygon, those below another; between them lies an
edge, on which a new vertex is made, or vertices on the line. What the other lines do on the
children follows from the signs at their vertices. A child's polygon is written only where somebody
will look at it.

Cost: O(k) for k vertices, a few operations each; two divisions.
"""

from __future__ import annotations

from cpwl_milp.engines.cells.planar.signs import height, place_of, signs_at
from cpwl_milp.engines.cells.planar.state import (
    ALL_LINES,
    BELOW,
    LABEL,
    LIMIT,
    SETTLED,
    VERTEX,
    ZERO,
)
from cpwl_milp.engines.compiled import inlined_kernel
from cpwl_milp.engines.lanes import alone


@inlined_kernel
def cut_polygon(
    x,
    y,
    errors,
    signs,
    entries,
    begin,
    end,
    cell,
    k,
    first,
    valid,
    lines,
    label,
    vertices,
    top,
    keep,
    rounding,
):
    """Cut a polygon by line `k` of its block, which takes both signs on it.

    Parameters
    ----------
    begin, end : int
        The polygon's entries.
    cell : int
        The signs on the cell.
    first, valid : int
        The block's first line; a bit for each of its lines.
    label : int
        Label of the new edge.
    vertices, top : int
        New vertices and entries may be written here.
    keep : bool
        Whether the children's polygons are wanted, whatever is still to be cut.
    errors : ndarray or None
        How far each vertex may be off, where that is kept.
    rounding : float
        The share of its tolerance that a line is known to, which makes a new vertex's error.

    Returns
    -------
    below, above : (signs, begin, end)
        The children. Without a polygon, begin = end.
    vertices, top : int
        As above; ``top < 0`` if the polygon is none (rounding errors beyond the tolerance).
    """
    n = end - begin
    n_up, n_down = 0 * n, 0 * n
    # Of one type from the start (a literal 0 is another, and compiled for apart).
    start_up, start_down = 0 * n, 0 * n
    above, below = 0, 0
    s = signs[entries[end - 1] & VERTEX]
    up_before, down_before = (s >> k) & 1, (s >> (BELOW + k)) & 1
    for t in range(n):
        s = signs[alone(entries[begin + t]) & VERTEX]
        up, down = (s >> k) & 1, (s >> (BELOW + k)) & 1
        n_up += up
        n_down += down
        if up > up_before:
            start_up = t
        if down > down_before:
            start_down = t
        # A vertex on the line belongs to both.
        above |= s & (down - 1)
        below |= s & (up - 1)
        up_before, down_before = up, down
    end_up, end_down = start_up + n_up, start_down + n_down
    n_falling = start_down - end_up
    if n_falling < 0:
        n_falling += n
    n_rising = start_up - end_down
    if n_rising < 0:
        n_rising += n
    if n_up + n_falling + n_down + n_rising != n:
        return (0, 0, 0), (0, 0, 0), vertices, -1
    others = ~((1 << k) | (1 << (BELOW + k)) | (1 << (ZERO + k)))
    line = first + k
    end_up = end_up - n if end_up >= n else end_up
    end_down = end_down - n if end_down >= n else end_down
    last_up = begin + (end_up if end_up > 0 else n) - 1
    last_down = begin + (end_down if end_down > 0 else n) - 1
    falling = rising = 0
    if n_falling == 0:
        a, b = entries[last_up], entries[begin + start_down]
        cross(x, y, errors, lines, line, a, b, vertices, rounding)
        s = signs_at(lines, first, valid, x[vertices], y[vertices]) & others
        signs[vertices] = s
        above |= s
        below |= s
        falling = vertices
        vertices += 1
    if n_rising == 0:
        a, b = entries[begin + start_up], entries[last_down]
        cross(x, y, errors, lines, line, a, b, vertices, rounding)
        s = signs_at(lines, first, valid, x[vertices], y[vertices]) & others
        signs[vertices] = s
        above |= s
        below |= s
        rising = vertices
        vertices += 1
    # A child keeps the sign that a settled line has on the cell, however close its vertices come.
    known = signs_of_settled(cell)
    settled = (cell & (known | ALL_LINES << SETTLED)) | (1 << (SETTLED + k))
    above = (above & ~known) | settled | (1 << k)
    below = (below & ~known) | settled | (1 << (BELOW + k))
    low_begin = low_end = top
    # From the last vertex on its side, the edge to the crossing goes on beyond it.
    if keep or is_needed(below):
        low_end = write_run(entries, begin, n, start_down, n_down, top)
        if n_rising == 0:
            entries[low_end] = rising | (label << LABEL)
            low_end += 1
        else:
            low_end = write_run(entries, begin, n, end_down, n_rising, low_end)
            entries[low_end - 1] = (entries[low_end - 1] & VERTEX) | (label << LABEL)
        if n_falling == 0:
            entries[low_end] = falling | (entries[last_up] >> LABEL << LABEL)
            low_end += 1
        else:
            low_end = write_run(entries, begin, n, end_up, n_falling, low_end)
    high_begin = high_end = low_end
    if keep or is_needed(above):
        high_end = write_run(entries, begin, n, start_up, n_up, high_begin)
        if n_falling == 0:
            entries[high_end] = falling | (label << LABEL)
            high_end += 1
        else:
            high_end = write_run(entries, begin, n, end_up, n_falling, high_end)
            entries[high_end - 1] = (entries[high_end - 1] & VERTEX) | (label << LABEL)
        if n_rising == 0:
            entries[high_end] = rising | (entries[last_down] >> LABEL << LABEL)
            high_end += 1
        else:
            high_end = write_run(entries, begin, n, end_down, n_rising, high_end)
    return (below, low_begin, low_end), (above, high_begin, high_end), vertices, high_end


@inlined_kernel
def signs_of_settled(cell):
    """Mask of the bits that say on which side of the settled lines a cell lies."""
    lines = (cell >> SETTLED) & ALL_LINES
    return lines | lines << BELOW


@inlined_kernel
def is_needed(cell):
    """Whether a cell's polygon will be looked at: two lines cut it, or one is zero at a vertex."""
    cutting = cell & (cell >> BELOW) & ALL_LINES
    ties = (cell >> ZERO) & ~(cell >> SETTLED) & ALL_LINES
    return (cutting & (cutting - 1)) | ties != 0


@inlined_kernel
def cross(x, y, errors, lines, line, a, b, vertex, rounding):
    """Make the vertex where a line cuts the edge from entry `a`, above it, to `b`.

    Between the ends, so that errors do not grow; from the same end for both of its neighbours. To
    the ends' errors comes that of the line over its slope along the edge.
    """
    z = height(lines, line, x, y, a)
    share = z / (z - height(lines, line, x, y, b))
    a &= VERTEX
    b &= VERTEX
    x[vertex] = x[a] + share * (x[b] - x[a])
    y[vertex] = y[a] + share * (y[b] - y[a])
    if errors is not None:
        length = abs(x[b] - x[a]) + abs(y[b] - y[a])
        lost = rounding * lines[place_of(line) + LIMIT] * length * share / z
        errors[vertex] = max(errors[a], errors[b]) + lost


@inlined_kernel
def write_run(entries, begin, n, start, length, top):
    """Copy `length` entries of a polygon from its place `start` on, around its end."""
    for t in range(length):
        source = start + t
        entries[top + t] = alone(entries[begin + (source - n if source >= n else source)])
    return top + length
