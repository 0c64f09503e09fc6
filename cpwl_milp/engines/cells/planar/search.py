"""The depth-first search over units in layer order, on polygons.

The same search as the tree engine's. A cell enters a layer and meets all its units at once; the
lines among them (entering.py) are searched in blocks of eight. Within a block a cell is little more
than a word: which lines are above zero somewhere on it, which below, or-ed from its vertices. Lines
of which both hold cut it; nothing else is ever tested.
"""

from __future__ import annotations

from cpwl_milp.engines.cells.layout import CAREFUL
from cpwl_milp.engines.cells.planar.cutting import cut_polygon
from cpwl_milp.engines.cells.planar.emission import centre, hand_out
from cpwl_milp.engines.cells.planar.entering import (
    excludes,
    lay_vertices,
    meet_layer,
    meet_rest,
    put_bit,
)
from cpwl_milp.engines.cells.planar.maps import enter_maps
from cpwl_milp.engines.cells.planar.signs import note_ties, signs_at, told_apart
from cpwl_milp.engines.cells.planar.state import (
    ALL_LINES,
    B_END,
    B_FIRST,
    B_LAYER,
    B_LINES,
    BEGIN,
    BELOW,
    BLOCK,
    CENTRES,
    CORNERS,
    COUNTED,
    CUTS,
    DOUBTS,
    EMITTED,
    END,
    ENTER,
    ENTRIES,
    L_BEGIN,
    L_BLOCK,
    L_END,
    L_ENTRIES,
    L_PENDING,
    L_SIGNS,
    L_UNIT,
    L_VERTICES,
    LAYER,
    LEVELS,
    N_SIDES,
    NAMED,
    NODE,
    PATTERNS,
    PHASE,
    POLYGONS,
    REST,
    SETTLED,
    SIGNS,
    TESTS,
    VERTICES,
    ZERO,
)
from cpwl_milp.engines.compiled import entry_kernel
from cpwl_milp.engines.descent import DONE, NEEDS_SPACE, PARKED, PAUSED, STUCK, THIN
from cpwl_milp.engines.lanes import alone, lowest_bit


@entry_kernel
def search(plan, sparse, state, errors, quota, detail, rounding, leave):
    """Search on until done, the quota of tests is spent, or something comes up.

    Parameters
    ----------
    sparse : SparseLayers or None
        None where there are none (then nothing is compiled for them).
    errors : ndarray or None
        How far each vertex may be off, where that is kept (two kernels are compiled: without it is
        faster by a tenth); without, every value below its tolerance is a doubt for a search that
        gives cells away.
    quota : int
        Tests of a unit on a cell after which to pause.
    detail : int
        PATTERNS, CENTRES or POLYGONS.
    rounding : float
        A value up to this share of its tolerance is zero without doubt. One that may be zero or
        not makes the cell THIN (polygons are never given away).
    leave : bool
        Leave the current cell (it was parked or is stuck) and go on with the next.
    """
    at, counters, blocks, levels = state.at, state.counters, state.blocks, state.levels
    pattern, fixed, fixed_layers = state.pattern, state.fixed, state.fixed_layers
    asked, answers = state.asked, state.answers
    x, y, signs, entries = state.x, state.y, state.signs, state.entries
    lines, line_unit = state.lines, state.line_unit
    first_row, offsets = plan.first_row, plan.offsets
    n_layers = offsets.shape[0] - 1
    layer, phase, block, cell = at[LAYER], at[PHASE], at[BLOCK], at[SIGNS]
    begin, end, vertices, top = at[BEGIN], at[END], at[VERTICES], at[ENTRIES]
    n_levels, n_emitted, n_cuts = at[LEVELS], at[EMITTED], counters[CUTS]
    last_tests = counters[TESTS] + quota
    # Polygons are for the eye: all other searches give away the cells that they do not hold well.
    careful = detail != POLYGONS
    widening = CAREFUL if careful else 1.0
    share = rounding if errors is None else 1.0
    first, n_lines, end_lines = blocks[block, B_FIRST], blocks[block, B_LINES], blocks[block, B_END]
    while True:
        if leave:
            leave = False
            while n_levels > 0 and levels[n_levels - 1, L_PENDING] == 0:
                n_levels -= 1
            if n_levels == 0:
                status = DONE
                break
            level = n_levels - 1
            levels[level, L_PENDING] = 0
            block, cell = levels[level, L_BLOCK], levels[level, L_SIGNS]
            begin, end = levels[level, L_BEGIN], levels[level, L_END]
            vertices, top = levels[level, L_VERTICES], levels[level, L_ENTRIES]
            layer, first = blocks[block, B_LAYER], blocks[block, B_FIRST]
            n_lines, end_lines = blocks[block, B_LINES], blocks[block, B_END]
            phase = NODE
        if phase != NODE:
            # Begin a block: the cell enters its layer, or meets the layer's other open lines.
            n = end - begin
            # Lines begin at a multiple of eight, behind those still in use.
            line = (end_lines + 7) & -8
            if counters[TESTS] >= last_tests:
                status = PAUSED
                break
            room_for_lines = line_unit.shape[0] - line - 8
            if phase == ENTER:
                room_for_lines -= first_row[layer + 1] - first_row[layer]
            else:
                room_for_lines -= end_lines - first - n_lines
            if (
                vertices + n > x.shape[0]
                or top + n > entries.shape[0]
                or room_for_lines < 0
                or block + 1 >= blocks.shape[0]
            ):
                status = NEEDS_SPACE
                break
            n_doubts = counters[DOUBTS]
            lay_vertices(x, y, errors, entries, begin, end, vertices, top)
            begin, end = top, top + n
            corner = vertices
            vertices, top = vertices + n, end
            if phase == ENTER:
                enter_maps(
                    plan.weights,
                    plan.weight_start,
                    sparse,
                    plan.bias,
                    plan.slope,
                    first_row,
                    offsets,
                    plan.n_outputs,
                    plan.plain,
                    state.maps,
                    state.taken,
                    state.row_stamps,
                    state.stamps,
                    pattern,
                    state.known,
                    state.columns,
                    state.factors,
                    at,
                    counters,
                    layer,
                )
                end_lines = meet_layer(
                    state.maps,
                    plan.tolerance,
                    plan.clear,
                    plan.stable,
                    first_row[layer],
                    first_row[layer + 1],
                    offsets[layer],
                    offsets[layer + 1],
                    x,
                    y,
                    errors,
                    corner,
                    vertices,
                    state.lowest,
                    state.highest,
                    pattern,
                    lines,
                    line_unit,
                    line,
                    counters,
                    widening,
                    rounding,
                )
                counters[TESTS] += offsets[layer + 1] - offsets[layer]
            else:
                counters[TESTS] += end_lines - first - n_lines
                end_lines = meet_rest(
                    lines,
                    line_unit,
                    first + n_lines,
                    end_lines,
                    line,
                    x,
                    y,
                    errors,
                    corner,
                    vertices,
                    state.lowest,
                    state.highest,
                    pattern,
                    counters,
                    rounding,
                )
            first, n_lines = line, min(8, end_lines - line)
            block += 1
            blocks[block, B_LAYER], blocks[block, B_FIRST] = layer, first
            blocks[block, B_LINES], blocks[block, B_END] = n_lines, end_lines
            valid = (1 << n_lines) - 1
            cell = 0
            if n_lines > 0:
                for v in range(corner, vertices):
                    signs[v] = signs_at(lines, first, valid, x[v], y[v])
                    cell |= signs[v]
            phase = NODE
            if careful and counters[DOUBTS] != n_doubts:
                status = THIN
                break
            if fixed_layers[layer] and excludes(
                asked,
                answers,
                pattern,
                offsets[layer],
                offsets[layer + 1],
                line_unit,
                first,
                end_lines,
            ):
                leave = True
                continue
        ties = (cell >> ZERO) & ~(cell >> SETTLED) & ALL_LINES
        if ties != 0 and careful:
            doubtful = True
            if errors is not None:
                cell, doubtful = told_apart(
                    lines, first, ties, x, y, errors, signs, entries, begin, end, cell, rounding
                )
            if doubtful:
                counters[DOUBTS] += 1
                status = THIN
                break
            ties = (cell >> ZERO) & ~(cell >> SETTLED) & ALL_LINES
        cutting = cell & (cell >> BELOW) & ALL_LINES
        ties &= ~cutting
        if ties != 0:
            note_ties(lines, first, ties, x, y, entries, begin, end, counters, share)
            cell |= ties << SETTLED
        if cutting == 0:
            for k in range(n_lines):
                put_bit(pattern, line_unit[first + k], (cell >> k) & 1)
            if first + n_lines < end_lines:
                phase = REST
                continue
            if fixed_layers[layer] and excludes(
                asked,
                answers,
                pattern,
                offsets[layer],
                offsets[layer + 1],
                line_unit,
                end_lines,
                end_lines,
            ):
                leave = True
                continue
            if layer >= at[COUNTED]:
                if state.prefix_left[layer] == 0:
                    status = PARKED
                    break
                if layer == n_layers - 1 and (
                    n_emitted == state.patterns.shape[0]
                    or (detail == POLYGONS and at[CORNERS] + end - begin > state.corners.shape[0])
                ):
                    status = PAUSED
                    break
                state.prefix_left[layer] -= 1
                state.prefix_counts[layer] += 1
            if layer < n_layers - 1:
                layer += 1
                phase = ENTER
                continue
            for word in range(pattern.shape[0]):
                state.patterns[n_emitted, word] = alone(pattern[word])
            if detail == CENTRES:
                centre(x, y, entries, begin, end, state.centres, n_emitted)
            elif detail == POLYGONS:
                hand_out(
                    x,
                    y,
                    entries,
                    begin,
                    end,
                    state.corners,
                    state.corner_label,
                    state.corner_end,
                    at,
                    n_emitted,
                )
            n_emitted += 1
            leave = True
            continue
        k = lowest_bit(cutting)
        keep = detail != PATTERNS or layer < n_layers - 1 or first + n_lines < end_lines
        unit = line_unit[first + k]
        if detail == POLYGONS:
            if at[NAMED] == state.cut_unit.shape[0]:
                status = PAUSED
                break
            state.cut_unit[at[NAMED]] = unit
            at[NAMED] += 1
        if not keep and cutting & (cutting - 1) == 0:
            # The last cut: both children are regions, and nobody asks for their vertices.
            settled = cell | (1 << (SETTLED + k))
            low = (settled & ~(1 << k), top, top)
            high = (settled & ~(1 << (BELOW + k)), top, top)
        else:
            n = end - begin
            if vertices + 2 > x.shape[0] or top + 2 * (n + 2) > entries.shape[0]:
                status = NEEDS_SPACE
                break
            low, high, vertices, top = cut_polygon(
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
                (1 << n_lines) - 1,
                lines,
                N_SIDES + n_cuts,
                vertices,
                top,
                keep,
                rounding,
            )
            if top < 0:
                status = THIN if careful else STUCK
                break
        n_cuts += 1
        if fixed[unit] < 0:
            levels[n_levels, L_UNIT], levels[n_levels, L_BLOCK] = unit, block
            levels[n_levels, L_SIGNS] = high[0]
            levels[n_levels, L_BEGIN], levels[n_levels, L_END] = high[1], high[2]
            levels[n_levels, L_VERTICES], levels[n_levels, L_ENTRIES] = vertices, top
            levels[n_levels, L_PENDING] = 1
            n_levels += 1
        cell, begin, end = high if fixed[unit] == 1 else low
    at[LAYER], at[PHASE], at[BLOCK], at[SIGNS] = layer, phase, block, cell
    at[BEGIN], at[END], at[VERTICES], at[ENTRIES] = begin, end, vertices, top
    at[LEVELS], at[EMITTED], counters[CUTS] = n_levels, n_emitted, n_cuts
    return status
