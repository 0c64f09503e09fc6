"""Exact regions of tiny networks in any dimension, by corners in rational arithmetic.

A closed cell in a box is the hull of its corners, and each corner is where n of its hyperplanes
meet. So whether a unit takes both signs on a cell is read off the corners, all of them found by
trying every n of the hyperplanes. No simplex, nothing shared with the package; slow.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network

Row = tuple[Fraction, ...]


def exact_patterns(network: Network, box: Box) -> list[tuple[int, ...]]:
    """The patterns of all proper regions, in lexicographic order."""
    zero, one = Fraction(0), Fraction(1)
    n = box.dim
    inputs = [(*(one if k == c else zero for k in range(n)), zero) for c in range(n)]
    faces = []
    for c, (low, high) in enumerate(zip(box.lower.tolist(), box.upper.tolist(), strict=True)):
        faces.append((*inputs[c][:-1], -Fraction(low)))
        faces.append((*(-v for v in inputs[c][:-1]), Fraction(high)))
    found: list[tuple[int, ...]] = []
    _search(network, 0, inputs, [], (), faces, _corners(faces), found)
    return sorted(found)


def _search(network, layer, values, done, pattern, faces, corners, found) -> None:
    """Go through the units of a layer one by one; `done` are the layer's values so far."""
    if layer == len(network.layers):
        found.append(pattern)
        return
    this = network.layers[layer]
    unit = len(done)
    if unit == this.affine.n_out:
        _search(network, layer + 1, done, [], pattern, faces, corners, found)
        return
    weight = this.affine.dense()[unit].tolist()
    row = [
        sum((Fraction(w) * v[k] for w, v in zip(weight, values, strict=True)), Fraction(0))
        for k in range(len(values[0]))
    ]
    row[-1] += Fraction(float(this.affine.bias[unit]))
    slope = Fraction(float(this.slope[unit]))
    if slope == 1:
        _search(network, layer, values, [*done, tuple(row)], pattern, faces, corners, found)
        return
    heights = [_at(row, corner) for corner in corners]
    sides = [bit for bit in (0, 1) if (min(heights) < 0 if bit == 0 else max(heights) > 0)]
    for bit in sides or [0]:
        value = tuple(v if bit else slope * v for v in row)
        if len(sides) < 2:
            inner, around = faces, corners
        else:
            inner = [*faces, tuple(v if bit else -v for v in row)]
            around = _corners(inner)
        _search(network, layer, values, [*done, value], (*pattern, bit), inner, around, found)


def _at(row, point) -> Fraction:
    return sum((a * x for a, x in zip(row[:-1], point, strict=True)), row[-1])


def _corners(faces: list[Row]) -> list[tuple[Fraction, ...]]:
    n = len(faces[0]) - 1
    found = set()
    for chosen in itertools.combinations(faces, n):
        point = _meeting_point(chosen)
        if point is not None and all(_at(face, point) >= 0 for face in faces):
            found.add(point)
    return list(found)


def _meeting_point(rows) -> tuple[Fraction, ...] | None:
    """Where n hyperplanes meet in one point; None if they do not."""
    left = [list(row) for row in rows]
    for k in range(len(left)):
        pivot = next((i for i in range(k, len(left)) if left[i][k]), None)
        if pivot is None:
            return None
        left[k], left[pivot] = left[pivot], left[k]
        left[k] = [v / left[k][k] for v in left[k]]
        for i in range(len(left)):
            if i != k and left[i][k]:
                left[i] = [a - left[i][k] * b for a, b in zip(left[i], left[k], strict=True)]
    return tuple(-row[-1] for row in left)
