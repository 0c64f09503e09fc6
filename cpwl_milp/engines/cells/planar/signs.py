"""On which side of its lines a cell lies, told by its vertices and their errors."""

from __future__ import annotations

from cpwl_milp.engines.cells.planar.state import (
    ALL_LINES,
    BELOW,
    DOUBTS,
    LIMIT,
    SETTLED,
    TIES,
    VERTEX,
    ZERO,
)
from cpwl_milp.engines.compiled import inlined_kernel, kernel
from cpwl_milp.engines.lanes import (
    above,
    alone,
    load,
    lowest_bit,
    minus,
    plus_scaled,
)


@kernel
def sides_of(z, to_x, to_y, limit, x, y, errors, vertex, end_vertex, rounding):
    """On which sides of a line that comes near a vertex a cell lies for certain.

    Returns
    -------
    up, down : int
    doubtful : int
        Whether some vertex may lie on the other side as well.
    """
    up = down = doubtful = 0
    known = rounding * limit
    slope = abs(to_x) + abs(to_y)
    for v in range(vertex, end_vertex):
        there = z + to_x * x[v] + to_y * y[v]
        if abs(there) <= known:
            continue
        if abs(there) <= min(limit, known + slope * errors[v]):
            doubtful = 1
        elif there > 0.0:
            up = 1
        else:
            down = 1
    return up, down, doubtful


@kernel
def note_tie(counters, low, high, tolerance, rounding):
    """Count a constant bit, given for z in low..high, if it rests on the tolerance.

    The bit is 1 iff ``high > tolerance``; what contradicts it is the negative part then, the
    positive part otherwise.
    """
    against = -low if high > tolerance else high
    if abs(against) <= tolerance:
        counters[TIES] += 1
        if against > rounding * tolerance:
            counters[DOUBTS] += 1


@inlined_kernel
def signs_at(lines, first, valid, x, y):
    """Signs of a block's lines at a point: bits of those above zero, below, and neither."""
    place = 4 * first
    z = plus_scaled(load(lines, place), load(lines, place + 8), x)
    z = plus_scaled(z, load(lines, place + 16), y)
    limit = load(lines, place + LIMIT)
    up, down = above(z, limit), above(minus(limit), z)
    neither = ALL_LINES & ~(up | down)
    return (up & valid) | (down & valid) << BELOW | (neither & valid) << ZERO


@kernel
def note_ties(lines, first, ties, x, y, entries, begin, end, counters, rounding):
    """Note the lines `ties` that are constant on a polygon but zero at one of its vertices."""
    while ties != 0:
        line = first + lowest_bit(ties)
        ties &= ties - 1
        low = high = height(lines, line, x, y, entries[begin])
        for t in range(begin + 1, end):
            z = height(lines, line, x, y, entries[t])
            low = min(low, z)
            high = max(high, z)
        note_tie(counters, low, high, lines[place_of(line) + LIMIT], rounding)


@kernel
def told_apart(lines, first, ties, x, y, errors, signs, entries, begin, end, cell, rounding):
    """The signs on a cell where lines come near its vertices, by what the vertices' errors allow.

    Returns
    -------
    cell : int
        The signs on the cell; those at its vertices are written down.
    doubtful : bool
        Whether something is left that may be zero or not.
    """
    while ties != 0:
        k = lowest_bit(ties)
        ties &= ties - 1
        place = place_of(first + k)
        known = rounding * lines[place + LIMIT]
        slope = abs(lines[place + 8]) + abs(lines[place + 16])
        for t in range(begin, end):
            v = alone(entries[t]) & VERTEX
            if (signs[v] >> (ZERO + k)) & 1 == 0:
                continue
            z = height(lines, first + k, x, y, v)
            if abs(z) <= known:
                continue
            if abs(z) <= known + slope * errors[v]:
                return cell, True
            signs[v] ^= 1 << (ZERO + k) | (1 << k if z > 0.0 else 1 << (BELOW + k))
    settled = (cell >> SETTLED) & ALL_LINES
    known = settled | settled << BELOW
    cell &= known | ALL_LINES << SETTLED
    for t in range(begin, end):
        cell |= signs[alone(entries[t]) & VERTEX] & ~known
    return cell, False


@inlined_kernel
def height(lines, line, x, y, entry):
    """Value of a line's affine function at the vertex of an entry."""
    v, place = entry & VERTEX, place_of(line)
    return lines[place] + lines[place + 8] * x[v] + lines[place + 16] * y[v]


@inlined_kernel
def place_of(line):
    """Where the numbers of a line begin; they are eight places apart."""
    return 4 * (line & -8) + (line & 7)
