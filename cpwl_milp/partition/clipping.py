"""Clipping of many convex polygons (Sutherland and Hodgman 1974), compiled.

A row (a, b, g) keeps ``a x + b y + g >= 0``. Every vertex carries the label of the edge after it,
so that a picture can tell which unit drew which line.
"""

from __future__ import annotations

import numpy as np
from numba import njit

OUTLINE = -1
BETWEEN_CLASSES = -2


@njit(cache=True)
def clipped(rows, corners):  # type: ignore[no-untyped-def]
    """Clip the polygon `corners` by each region's rows.

    Parameters
    ----------
    rows : ndarray, shape (n, m, 3)
    corners : ndarray, shape (k, 2)

    Returns
    -------
    vertices : ndarray, shape (total, 2)
    sides : ndarray of int64, shape (total,)
        The row that the edge after each vertex lies on, OUTLINE for the corners' own.
    counts : ndarray of int64, shape (n,)
        Vertices of each region; 0 where nothing is left.
    """
    n, m, _ = rows.shape
    room = len(corners) + m
    now, then = np.empty((room, 2)), np.empty((room, 2))
    label, new_label = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    height = np.empty(room)
    counts = np.zeros(n, dtype=np.int64)
    out = np.empty((max(16, 8 * n), 2))
    sides = np.empty(len(out), dtype=np.int64)
    total = 0
    for r in range(n):
        size = len(corners)
        now[:size] = corners
        label[:size] = OUTLINE
        for i in range(m):
            cut = cut_polygon(rows[r, i], i, now, label, size, then, new_label, height)
            if cut < 0:
                continue
            size = cut
            now, then = then, now
            label, new_label = new_label, label
            if size == 0:
                break
        counts[r] = size
        if total + size > len(out):
            out, sides = grown(out, sides, total, total + size)
        out[total : total + size] = now[:size]
        sides[total : total + size] = label[:size]
        total += size
    return out[:total].copy(), sides[:total].copy(), counts


@njit(cache=True)
def split_by_winner(outputs, vertices, sides, starts):  # type: ignore[no-untyped-def]
    """Divide each polygon by the output that is largest on it.

    Parameters
    ----------
    outputs : ndarray, shape (n, n_outputs, 3)
        The affine outputs (a, b, g) of each region.
    vertices, sides, starts
        The regions' polygons.

    Returns
    -------
    vertices, sides, counts
        As `clipped` gives them, of the parts.
    winners : ndarray of int64
        The largest output on each part.
    regions : ndarray of int64
        The region that each part is of.
    """
    n, n_outputs, _ = outputs.shape
    room = n_outputs + 2
    for r in range(n):
        room = max(room, starts[r + 1] - starts[r] + n_outputs)
    now, then = np.empty((room, 2)), np.empty((room, 2))
    label, new_label = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    height = np.empty(room)
    out = np.empty((len(vertices) + 16, 2))
    out_sides = np.empty(len(out), dtype=np.int64)
    counts = np.zeros(n + 16, dtype=np.int64)
    winners, regions = np.zeros_like(counts), np.zeros_like(counts)
    total = parts = 0
    for r in range(n):
        begin, end = starts[r], starts[r + 1]
        for c in range(n_outputs):
            size = end - begin
            now[:size] = vertices[begin:end]
            label[:size] = sides[begin:end]
            for j in range(n_outputs):
                if j == c or size == 0:
                    continue
                row = outputs[r, c] - outputs[r, j]
                if j < c and not row.any():
                    # Two outputs that are one and the same: the first wins.
                    size = 0
                    break
                cut = cut_polygon(row, BETWEEN_CLASSES, now, label, size, then, new_label, height)
                if cut >= 0:
                    size = cut
                    now, then = then, now
                    label, new_label = new_label, label
            if size == 0:
                continue
            if total + size > len(out):
                out, out_sides = grown(out, out_sides, total, total + size)
            if parts == len(counts):
                more = np.zeros(2 * parts, dtype=np.int64)
                more[:parts] = counts
                counts = more
                more = np.zeros(2 * parts, dtype=np.int64)
                more[:parts] = winners
                winners = more
                more = np.zeros(2 * parts, dtype=np.int64)
                more[:parts] = regions
                regions = more
            out[total : total + size] = now[:size]
            out_sides[total : total + size] = label[:size]
            total += size
            counts[parts], winners[parts], regions[parts] = size, c, r
            parts += 1
    return (
        out[:total].copy(),
        out_sides[:total].copy(),
        counts[:parts].copy(),
        winners[:parts].copy(),
        regions[:parts].copy(),
    )


@njit(cache=True)
def cut_polygon(row, name, now, label, size, then, new_label, height):  # type: ignore[no-untyped-def]
    """Clip one polygon by one row into `then`; its new size, 0 for nothing, -1 for no change."""
    lowest = highest = 0.0
    for k in range(size):
        height[k] = row[2] + row[0] * now[k, 0] + row[1] * now[k, 1]
        lowest = min(lowest, height[k])
        highest = max(highest, height[k])
    if lowest >= 0.0:
        return -1
    if highest <= 0.0:
        return 0
    kept = 0
    for k in range(size):
        after = k + 1 if k + 1 < size else 0
        if height[k] >= 0.0:
            then[kept] = now[k]
            new_label[kept] = label[k] if height[k] > 0.0 or height[after] >= 0.0 else name
            kept += 1
        if (height[k] > 0.0 and height[after] < 0.0) or (height[k] < 0.0 and height[after] > 0.0):
            share = height[k] / (height[k] - height[after])
            then[kept, 0] = now[k, 0] + share * (now[after, 0] - now[k, 0])
            then[kept, 1] = now[k, 1] + share * (now[after, 1] - now[k, 1])
            new_label[kept] = name if height[k] > 0.0 else label[k]
            kept += 1
    return kept if kept >= 3 else 0


@njit(cache=True)
def grown(out, sides, used, needed):  # type: ignore[no-untyped-def]
    """Larger arrays with the same first entries."""
    size = 2 * len(out) + needed
    more, more_sides = np.empty((size, 2)), np.empty(size, dtype=np.int64)
    more[:used] = out[:used]
    more_sides[:used] = sides[:used]
    return more, more_sides
