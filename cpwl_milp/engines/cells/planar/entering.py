"""What the units of a layer do on a cell: the constant ones get their bit, the others are lines.

A cell that enters its layer meets all units at once, eight a vector. Those that cut it are searched
eight at a time (a block): cells of a block meet the layer's other open lines again, which most of
them no longer cut.
"""

from __future__ import annotations

from cpwl_milp.engines.cells.layout import LEAST_TOLERANCE
from cpwl_milp.engines.cells.planar.changes import within
from cpwl_milp.engines.cells.planar.signs import note_tie, place_of, sides_of
from cpwl_milp.engines.cells.planar.state import (
    ALL_LINES,
    DOUBTS,
    LABEL,
    LIMIT,
    TIES,
    VERTEX,
)
from cpwl_milp.engines.compiled import inlined_kernel
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
