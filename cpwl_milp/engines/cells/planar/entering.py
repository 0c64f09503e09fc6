"""What the units of a layer do on a cell: the constant ones get their bit, the others are lines.

A cell that enters its layer meets all units at once, eight a vector. Those that cut it are searched
eight at a time (a block): cells of a block meet the layer's other open lines again, which most of
them no longer cut.
"""

from __future__ import annotations

from cpwl_milp.engines.cells.layout import LEAST_TOLERANCE
from cpwl_milp.engines.cells.planar.maps import within
from cpwl_milp.engines.cells.planar.state import (
    ALL_LINES,
    BELOW,
    DOUBTS,
    LABEL,
    LIMIT,
    SETTLED,
    TIES,
    VERTEX,
    ZERO,
)
from cpwl_milp.engines.compiled import inlined_kernel, kernel
from cpwl_milp.engines.lanes import (
    above,
    above_zero,
    alone,
    least,
    load,
    lowest_bit,
    minus,
    most,
    plus_scaled,
    store,
)


@inlined_kernel
def lay_vertices(x, y, errors, entries, begin, end, vertex, entry):
    """Copy a polygon's vertices to `vertex` and on, and write its entries at `entry` and on."""
    for t in range(end - begin):
        e = alone(entries[begin + t])
        x[vertex + t] = x[e & VERTEX]
        y[vertex + t] = y[e & VERTEX]
        if errors is not None:
            errors[vertex + t] = errors[e & VERTEX]
        entries[entry + t] = (e >> LABEL << LABEL) | (vertex + t)


@inlined_kernel
def meet_layer(
    maps,
    tolerance,
    clear,
    stable,
    first,
    last,
    unit,
    end_unit,
    x,
    y,
    errors,
    vertex,
    end_vertex,
    lowest,
    highest,
    pattern,
    lines,
    line_unit,
    line,
    counters,
    widening,
    rounding,
):
    """Give the constant units ``unit..end_unit`` their bits; write the lines that cut at `line` on.

    Parameters
    ----------
    first, last : int
        The layer's rows.
    vertex, end_vertex : int
        The cell's vertices.
    widening : float
        How much wider than the tolerance of rounding a line's tolerance is to be.
    rounding : float
        The share of it up to which a value is zero without doubt.
    errors : ndarray or None
        How far each vertex may be off, which tells what a value beyond that is; None: not kept.

    Returns
    -------
    int
        End of the lines.
    """
    # What the errors say is noted at once; no other doubt is left then.
    share = rounding if errors is None else 1.0
    width = last - first
    q, p0, p1 = 3 * first, 3 * first + width, 3 * first + 2 * width
    row = 0
    while row < end_unit - unit:
        z = load(maps, q + row)
        to_x, to_y = load(maps, p0 + row), load(maps, p1 + row)
        low = plus_scaled(plus_scaled(z, to_x, x[vertex]), to_y, y[vertex])
        high = low
        for v in range(vertex + 1, end_vertex):
            there = plus_scaled(plus_scaled(z, to_x, x[v]), to_y, y[v])
            low = least(low, there)
            high = most(high, there)
        limit = load(clear, first + row)
        unclear = ALL_LINES & ~(above(low, limit) | above(minus(limit), high))
        bits = above_zero(high)
        if errors is not None and unclear != 0:
            # Zero on the whole cell, as differences of values that are off: many, after maxima.
            known = load(tolerance, first + row)
            known = plus_scaled(known, known, widening * rounding - 1.0)
            zero = unclear & ~(above(high, known) | above(minus(known), low))
            unclear &= ~zero
            bits &= ~zero
            while zero != 0:
                zero &= zero - 1
                counters[TIES] += 1
        if unclear != 0:
            store(lowest, 0, low)
            store(highest, 0, high)
            while unclear != 0:
                k = lowest_bit(unclear)
                unclear &= unclear - 1
                i = row + k
                if i >= end_unit - unit:
                    break
                bit = stable[unit + i]
                if bit < 0:
                    a, b = maps[p0 + i], maps[p1 + i]
                    # Below, z is rounding: of its terms, or of the distance in the unit box.
                    limit_here = max(tolerance[first + i], LEAST_TOLERANCE * (a * a + b * b) ** 0.5)
                    limit_here *= widening
                    up, down = highest[k] > limit_here, lowest[k] < -limit_here
                    if errors is not None and not (up and down):
                        up, down, doubtful = sides_of(
                            maps[q + i],
                            a,
                            b,
                            limit_here,
                            x,
                            y,
                            errors,
                            vertex,
                            end_vertex,
                            rounding,
                        )
                        counters[DOUBTS] += doubtful
                    if up and down:
                        place = place_of(line)
                        lines[place] = maps[q + i]
                        lines[place + 8] = a
                        lines[place + 16] = b
                        lines[place + LIMIT] = limit_here
                        line_unit[line] = unit + i
                        line += 1
                        continue
                    bit = 1 if up else 0
                    note_tie(counters, lowest[k], highest[k], limit_here, share)
                bits = (bits & ~(1 << k)) | (bit << k)
        put_bits(pattern, unit + row, min(8, end_unit - unit - row), bits)
        row += 8
    return line


@inlined_kernel
def put_bits(pattern, first, n, bits):
    """Write the lowest n <= 8 of `bits` into a packed pattern."""
    mask = (1 << n) - 1
    bits &= mask
    word, shift = first >> 6, first & 63
    pattern[word] = (pattern[word] & ~(mask << shift)) | (bits << shift)
    if shift + n > 64:
        shift = 64 - shift
        pattern[word + 1] = (pattern[word + 1] & ~(mask >> shift)) | (bits >> shift)


@inlined_kernel
def meet_rest(
    lines,
    line_unit,
    first,
    last,
    line,
    x,
    y,
    errors,
    vertex,
    end_vertex,
    lowest,
    highest,
    pattern,
    counters,
    rounding,
):
    """As `meet_layer`, for the lines ``first..last`` that were open on a larger cell."""
    share = rounding if errors is None else 1.0
    while first < last:
        place = 4 * first
        z, to_x, to_y = load(lines, place), load(lines, place + 8), load(lines, place + 16)
        low = plus_scaled(plus_scaled(z, to_x, x[vertex]), to_y, y[vertex])
        high = low
        for v in range(vertex + 1, end_vertex):
            there = plus_scaled(plus_scaled(z, to_x, x[v]), to_y, y[v])
            low = least(low, there)
            high = most(high, there)
        limit = load(lines, place + LIMIT)
        up, down = above(high, limit), above(minus(limit), low)
        store(lowest, 0, low)
        store(highest, 0, high)
        for k in range(min(8, last - first)):
            unit = line_unit[first + k]
            is_up, is_down = (up >> k) & 1, (down >> k) & 1
            if errors is not None and not (is_up and is_down):
                here = lines[place + LIMIT + k]
                if lowest[k] < here and highest[k] > -here:
                    is_up, is_down, doubtful = sides_of(
                        lines[place + k],
                        lines[place + 8 + k],
                        lines[place + 16 + k],
                        here,
                        x,
                        y,
                        errors,
                        vertex,
                        end_vertex,
                        rounding,
                    )
                    counters[DOUBTS] += doubtful
            if is_up and is_down:
                target = place_of(line)
                for c in range(0, 32, 8):
                    lines[target + c] = lines[place + k + c]
                line_unit[line] = unit
                line += 1
                continue
            put_bit(pattern, unit, 1 if is_up else 0)
            note_tie(counters, lowest[k], highest[k], lines[place + LIMIT + k], share)
        first += 8
    return line


@inlined_kernel
def put_bit(pattern, unit, bit):
    """Write one bit into a packed pattern."""
    word, shift = unit >> 6, unit & 63
    pattern[word] = (pattern[word] & ~(1 << shift)) | (bit << shift)


@inlined_kernel
def excludes(asked, answers, pattern, unit, end_unit, line_unit, first, end_lines):
    """Whether the cube asks for other bits than a layer has, lines first..end_lines apart."""
    for word in range(unit >> 6, (end_unit + 63) >> 6):
        left = (pattern[word] ^ answers[word]) & asked[word] & within(word, unit, end_unit)
        while left != 0:
            i = 64 * word + lowest_bit(left)
            left &= left - 1
            is_open = False
            for line in range(first, end_lines):
                is_open |= alone(line_unit[line]) == i
            if not is_open:
                return True
    return False


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
