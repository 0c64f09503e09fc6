"""The point of a cell nearest to the centre, by a dual active-set method.

Goldfarb and Idnani, Mathematical Programming 27, 1983, for the distance of 0 to
``{x: g_i.x + h_i >= 0}``. Rows are added one by one while the dual objective

    D(m) = -|sum m_i g_i|^2 - 2 sum m_i h_i,  m >= 0,

grows; by weak duality it never exceeds the squared distance. So the search may stop as soon as
D >= 1: the multipliers at hand prove that the cell does not reach into the unit ball, whatever
the condition of the active rows.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from cpwl_milp.engines.ball.state import (
    ERROR,
    LAST,
    LEAST,
    PADDING,
    STEPS,
    SURROUNDED,
    TOTAL,
    VALUE,
)
from cpwl_milp.engines.compiled import inlined_kernel, kernel

# Outcomes of `nearest`.
REACHED = 0  # the slot holds the nearest point
BEYOND = 1  # the cell keeps off the ball of the given squared radius
FAILED = 2  # rounding keeps the search from ending
FULL = 3  # more active rows than a slot can hold

# A row counts as violated beyond this share of the point's norm: rounding of its terms.
_ROUNDING = 4e-15
# A row whose part orthogonal to the active rows is below this is spanned by them.
_SPANNED = 1e-13
# An orthogonal part whose square is below this has lost digits, and is computed twice.
_CANCELLED = 1e-2
# Rows that may be added, beyond two for each coordinate, before rounding is tolerated more and
# more, and before the search has failed.
_PATIENCE = 20
_MOST = 80

# Sums may be reordered: they run in vectors then.
summing_kernel = partial(kernel, fastmath={"contract", "nnan", "nsz", "reassoc"}, forceinline=True)


@summing_kernel
def dot(a, b):
    """The inner product."""
    total = 0.0
    for k in range(a.shape[0]):
        total += a[k] * b[k]
    return total


@inlined_kernel
def add_scaled(a, factor, b):
    """``a += factor * b``."""
    for k in range(a.shape[0]):
        a[k] += factor * b[k]


@inlined_kernel
def clear_slot(state, s):
    """Put the centre itself into a slot, nothing active."""
    state.sizes[s] = 0
    state.x[s, :] = 0.0


@inlined_kernel
def copy_slot(state, source, target):
    """Copy the point and its active rows."""
    m = state.sizes[source]
    state.sizes[target] = m
    for k in range(state.x.shape[1]):
        state.x[target, k] = state.x[source, k]
    for i in range(m):
        state.active[target, i] = state.active[source, i]
        state.multipliers[target, i] = state.multipliers[source, i]
        for k in range(state.x.shape[1]):
            state.basis[target, i, k] = state.basis[source, i, k]
        for j in range(i, m):
            state.triangle[target, i, j] = state.triangle[source, i, j]


@kernel
def nearest(state, s, rests, n_rows, entering, limit):
    """Move a slot's point to the point nearest to 0 of a smaller cell.

    Parameters
    ----------
    s : int
        A slot that holds the nearest point of a cell of some of the rows (or 0, none active).
    rests : float64 (capacity,)
        The constants h of the rows.
    n_rows : int
        The first so many rows of the path are the smaller cell.
    entering : int
        A row that the point violates.
    limit : float
        Stop as soon as the squared distance is at least this.

    Returns
    -------
    code : int
        REACHED, BEYOND, FAILED or FULL. With the first two, `state.found` has the dual
        objective, the sum of the multipliers, that of each times its row's error, and the
        multiplier of the last row; with REACHED
        also the least slack of the rows that are not active.
    """
    x, sizes = state.x[s], state.sizes
    active, multipliers = state.active[s], state.multipliers[s]
    basis, triangle = state.basis[s], state.triangle[s]
    share, step, way, found = state.share, state.step, state.way, state.found
    slack, path, signs, normals = state.slack, state.path, state.signs, state.normals
    errors = state.errors
    d = x.shape[0]
    m = sizes[s]
    value = dot(x, x)
    found[SURROUNDED] = 0.0
    tolerance = _ROUNDING
    for added in range(2 * d + _MOST):
        if added > 2 * d + _PATIENCE:
            tolerance *= 1.2
        sign, normal = signs[entering], normals[path[entering]]
        height = sign * dot(normal, x) + rests[entering]
        multiplier = 0.0
        while True:
            state.counters[STEPS] += 1
            for k in range(d):
                way[k] = sign * normal[k]
            for i in range(m):
                share[i] = dot(basis[i], way)
            for i in range(m):
                add_scaled(way, -share[i], basis[i])
            square = dot(way, way)
            if m > 0 and square < _CANCELLED:
                for i in range(m):
                    part = dot(basis[i], way)
                    share[i] += part
                    add_scaled(way, -part, basis[i])
                square = dot(way, way)
            size = 1.0
            for i in range(m - 1, -1, -1):
                total = share[i]
                for j in range(i + 1, m):
                    total -= triangle[i, j] * step[j]
                step[i] = total / triangle[i, i]
                size += abs(step[i])
            leaving = -1
            blocked = np.inf
            for i in range(m):
                if step[i] > 1e-14 and multipliers[i] < blocked * step[i]:
                    blocked = multipliers[i] / step[i]
                    leaving = i
            spanned = m == d or square <= (_SPANNED * size) ** 2
            full = np.inf if spanned else -height / square
            length = min(blocked, full)
            if length == np.inf:
                # The multipliers may grow along a ray, and the dual objective with them.
                if m == d and surround(errors, active, triangle, step, way, m, entering, n_rows):
                    found[SURROUNDED] = 1.0
                length = -2.0 / height
            value += length * (-2.0 * height - length * square)
            multiplier += length
            for i in range(m):
                multipliers[i] -= length * step[i]
            if value >= limit or (leaving < 0 and spanned):
                total = multiplier
                error = multiplier * errors[entering]
                last = multiplier if entering == n_rows - 1 else 0.0
                for i in range(m):
                    total += multipliers[i]
                    error += multipliers[i] * errors[active[i]]
                    if active[i] == n_rows - 1:
                        last = multipliers[i]
                found[VALUE], found[TOTAL], found[LAST] = value, total, last
                found[ERROR] = error
                sizes[s] = m
                return BEYOND
            if not spanned:
                add_scaled(x, length, way)
                height += length * square
            if full <= blocked:
                break
            drop(active, multipliers, basis, triangle, m, leaving)
            m -= 1
        if m == multipliers.shape[0]:
            return FULL
        norm = square**0.5
        for k in range(d):
            basis[m, k] = way[k] / norm
        for i in range(m):
            triangle[i, m] = share[i]
        triangle[m, m] = norm
        active[m], multipliers[m] = entering, multiplier
        m += 1
        value = dot(x, x)
        measure(state.columns, rests, n_rows, x, slack)
        off = 0.0
        for i in range(m):
            off = max(off, abs(slack[active[i]]))
        if off > _ROUNDING * value**0.5:
            correct(x, active, basis, triangle, slack, step, m)
            measure(state.columns, rests, n_rows, x, slack)
        for i in range(m):
            slack[active[i]] = np.inf
        least = np.inf
        for i in range(n_rows):
            least = min(least, slack[i])
        if least >= -tolerance * value**0.5:
            total = 0.0
            error = 0.0
            last = 0.0
            for i in range(m):
                total += multipliers[i]
                error += multipliers[i] * errors[active[i]]
                if active[i] == n_rows - 1:
                    last = multipliers[i]
            found[VALUE], found[TOTAL], found[LAST], found[LEAST] = value, total, last, least
            found[ERROR] = error
            sizes[s] = m
            return REACHED
        entering = 0
        while slack[entering] > least:
            entering += 1
    return FAILED


@kernel
def stand_on(state, slot, rests):
    """Move a slot's point to its active rows with other constants.

    They stay active if all multipliers stay positive; else the point goes back to the centre.
    Cost: O(d m).
    """
    m = state.sizes[slot]
    triangle, multipliers, step = state.triangle[slot], state.multipliers[slot], state.step
    # x = basis^T t with triangle^T t = -rests, and triangle multipliers = t.
    for i in range(m):
        total = -rests[state.active[slot, i]]
        for j in range(i):
            total -= triangle[j, i] * step[j]
        step[i] = total / triangle[i, i]
    state.x[slot, :] = 0.0
    for i in range(m):
        add_scaled(state.x[slot], step[i], state.basis[slot, i])
    for i in range(m - 1, -1, -1):
        total = step[i]
        for j in range(i + 1, m):
            total -= triangle[i, j] * multipliers[j]
        multipliers[i] = total / triangle[i, i]
        if multipliers[i] < 0.0:
            clear_slot(state, slot)
            break


@inlined_kernel
def measure(columns, rests, n_rows, x, slack):
    """``g.x + h`` of the first rows of the path, in whole vectors. Cost: O(d n_rows)."""
    end = (n_rows + PADDING - 1) // PADDING * PADDING
    for i in range(end):
        slack[i] = rests[i]
    for k in range(x.shape[0]):
        column, factor = columns[k], x[k]
        for i in range(end):
            slack[i] += factor * column[i]


@kernel
def surround(errors, active, triangle, step, scratch, m, entering, n_rows):
    """Whether d active rows and the entering one surround the origin, the last row among them.

    With ``g_e = sum step_i g_i``, all step_i below 0 by more than the rows' errors can change.
    Then minus the last row's g is a positive combination of the others', which span the space.
    """
    worst = errors[entering]
    total = 1.0
    is_last = entering == n_rows - 1
    for i in range(m):
        worst = max(worst, errors[active[i]])
        total += abs(step[i])
        is_last = is_last or active[i] == n_rows - 1
    for i in range(m - 1, -1, -1):
        reach = 1.0
        for j in range(i + 1, m):
            reach += abs(triangle[i, j]) * scratch[j]
        scratch[i] = reach / abs(triangle[i, i])
        if step[i] >= -2.0 * worst * total * scratch[i]:
            return False
    return is_last


@kernel
def correct(x, active, basis, triangle, slack, step, m):
    """Take back what rounding has moved the point off its active rows. Cost: O(d m)."""
    # Move by basis^T t with triangle^T t = -slack.
    for i in range(m):
        total = -slack[active[i]]
        for j in range(i):
            total -= triangle[j, i] * step[j]
        step[i] = total / triangle[i, i]
        add_scaled(x, step[i], basis[i])


@kernel
def drop(active, multipliers, basis, triangle, m, leaving):
    """Take an active row out; Givens rotations make the triangle one again. Cost: O(d m)."""
    for j in range(leaving + 1, m):
        active[j - 1], multipliers[j - 1] = active[j], multipliers[j]
        for i in range(j + 1):
            triangle[i, j - 1] = triangle[i, j]
    for i in range(leaving, m - 1):
        a, b = triangle[i, i], triangle[i + 1, i]
        size = (a * a + b * b) ** 0.5
        cosine, sine = a / size, b / size
        triangle[i, i], triangle[i + 1, i] = size, 0.0
        for j in range(i + 1, m - 1):
            a, b = triangle[i, j], triangle[i + 1, j]
            triangle[i, j] = cosine * a + sine * b
            triangle[i + 1, j] = cosine * b - sine * a
        for k in range(basis.shape[1]):
            a, b = basis[i, k], basis[i + 1, k]
            basis[i, k] = cosine * a + sine * b
            basis[i + 1, k] = cosine * b - sine * a
