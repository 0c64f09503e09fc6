"""Exact counts in rational arithmetic: one-layer arrangements, and any network in 1-D and 2-D.

Float weights are dyadic rationals, so `fractions.Fraction` holds them without error and every
decision below is exact. Nothing here is shared with the package or with tests/oracles.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Network

Row = tuple[Fraction, ...]
Point = tuple[Fraction, ...]
Pattern = tuple[int, ...]


# --- arrangements: deletion and restriction ---------------------------------------------------


def hyperplanes(weight: Iterable[Sequence[float]], bias: Iterable[float]) -> list[Row]:
    """Rows (w, b) of the hyperplanes ``w x + b = 0``, each once; constant units are none."""
    rows = (tuple(Fraction(float(v)) for v in (*w, b)) for w, b in zip(weight, bias, strict=True))
    return _distinct(rows)


def arrangement_regions(rows: Sequence[Row]) -> int:
    """The number of open cells of an arrangement of distinct hyperplanes in R^n.

    A hyperplane H put into an arrangement cuts as many cells as the arrangement has on H
    (deletion and restriction, Zaslavsky 1975): ``r(A + H) = r(A) + r(A restricted to H)``.
    """
    return 1 + sum(
        arrangement_regions(_restricted(rows[:index], row)) for index, row in enumerate(rows)
    )


def _distinct(rows: Iterable[Row]) -> list[Row]:
    found: dict[Row, None] = {}
    for row in rows:
        lead = next((v for v in row[:-1] if v), None)
        if lead is not None:
            found[tuple(v / lead for v in row)] = None
    return list(found)


def _restricted(rows: Sequence[Row], onto: Row) -> list[Row]:
    """The traces of `rows` on the hyperplane `onto`, in the coordinates other than its pivot."""
    pivot = next(k for k, v in enumerate(onto[:-1]) if v)
    traces = []
    for row in rows:
        factor = row[pivot] / onto[pivot]
        rest = [a - factor * b for a, b in zip(row, onto, strict=True)]
        del rest[pivot]
        traces.append(tuple(rest))
    return _distinct(traces)


def box_holds_every_cell(rows: Sequence[Row], half_width: float) -> bool:
    """Whether every cell in R^n meets the interior of ``[-half_width, half_width]^n``.

    The closure of each cell holds a minimal flat, a nonempty intersection of as many independent
    hyperplanes as the rank; a flat that meets the open box lets the cell meet it. The point of
    each flat that has 0 for the free coordinates of the elimination is looked at.
    """
    limit = Fraction(half_width)
    rank = len(_reduced([row[:-1] for row in rows])[0])
    for chosen in itertools.combinations(rows, rank):
        reduced, pivots = _reduced(chosen)
        n = len(rows[0]) - 1
        if len(pivots) < rank or n in pivots:
            continue  # dependent, or empty
        if any(abs(row[n]) >= limit for row in reduced):
            return False
    return True


def _reduced(rows: Iterable[Sequence[Fraction]]) -> tuple[list[list[Fraction]], list[int]]:
    """Reduced row echelon form without zero rows, and its pivot columns."""
    left = [list(row) for row in rows]
    done: list[list[Fraction]] = []
    pivots: list[int] = []
    for column in range(len(left[0]) if left else 0):
        pivot = next((row for row in left if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        pivot = [v / pivot[column] for v in pivot]
        left = [[a - row[column] * b for a, b in zip(row, pivot, strict=True)] for row in left]
        done = [[a - row[column] * b for a, b in zip(row, pivot, strict=True)] for row in done]
        done.append(pivot)
        pivots.append(column)
    return done, pivots


# --- networks over 1 or 2 inputs --------------------------------------------------------------


@dataclass(frozen=True)
class ExactRegion:
    """A proper region: pattern, vertices (around, in 2-D) and the output's affine map."""

    pattern: Pattern
    vertices: tuple[Point, ...]
    output: tuple[Row, ...]


def exact_regions(network: Network, box: Box) -> list[ExactRegion]:
    """All proper regions of a network over 1 or 2 inputs, by clipping polygons exactly."""
    lower = [Fraction(float(v)) for v in box.lower]
    upper = [Fraction(float(v)) for v in box.upper]
    if box.dim == 1:
        corners: tuple[Point, ...] = ((lower[0],), (upper[0],))
    else:
        (x0, y0), (x1, y1) = lower, upper
        corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    zero, one = Fraction(0), Fraction(1)
    identity = [tuple(one if i == j else zero for j in range(box.dim + 1)) for i in range(box.dim)]
    cells: list[tuple[Pattern, tuple[Point, ...], list[Row]]] = [((), corners, identity)]
    for layer in network.layers:
        weight = _exact(layer.affine.dense())
        bias = [Fraction(float(v)) for v in layer.affine.bias]
        slope = [Fraction(float(v)) for v in layer.slope]
        following = []
        for pattern, polygon, values in cells:
            z = _composed(weight, bias, values)
            parts = [(pattern, polygon, [])]
            for row, negative in zip(z, slope, strict=True):
                grown = []
                for bits, part, out in parts:
                    if negative == 1:
                        grown.append((bits, part, [*out, row]))
                        continue
                    for bit, piece in _halves(row, part):
                        factor = one if bit else negative
                        value = tuple(factor * v for v in row)
                        grown.append(((*bits, bit), piece, [*out, value]))
                parts = grown
            following.extend(parts)
        cells = following
    weight = _exact(network.output.dense())
    bias = [Fraction(float(v)) for v in network.output.bias]
    return [
        ExactRegion(pattern, polygon, tuple(_composed(weight, bias, values)))
        for pattern, polygon, values in cells
    ]


def half_open_patterns(network: Network, box: Box) -> set[Pattern]:
    """The patterns (z > 0 / z <= 0) of all points of the open box, thin ones included.

    All signs are constant on the relative interior of each face of the complex of regions.
    """
    regions = exact_regions(network, box)
    corners = {v for region in regions for v in region.vertices}
    probes = set(corners)
    for region in regions:
        around = region.vertices
        for p, q in zip(around, (*around[1:], around[0]), strict=True):
            # A side may hold vertices of its neighbours: look at each of its pieces.
            inside = sorted({p, q} | {v for v in corners if _between(p, v, q)})
            probes |= {_middle(pair) for pair in itertools.pairwise(inside)}
    bounds = [
        (Fraction(float(a)), Fraction(float(b))) for a, b in zip(box.lower, box.upper, strict=True)
    ]
    inner = [x for x in probes if all(a < v < b for v, (a, b) in zip(x, bounds, strict=True))]
    return {region.pattern for region in regions} | {_pattern_at(network, x) for x in inner}


def affine_maps(regions: Sequence[ExactRegion]) -> int:
    """How many distinct affine maps the output has."""
    return len({region.output for region in regions})


def linear_regions(regions: Sequence[ExactRegion]) -> int:
    """Connected unions, across facets, of regions with one affine map."""
    groups = {k: k for k in range(len(regions))}

    def root(k: int) -> int:
        while groups[k] != k:
            k = groups[k]
        return k

    for i, j in itertools.combinations(range(len(regions)), 2):
        if regions[i].output == regions[j].output and _share_facet(regions[i], regions[j]):
            groups[root(i)] = root(j)
    return sum(root(k) == k for k in groups)


def _exact(weight: Sequence[Sequence[float]]) -> list[Row]:
    return [tuple(Fraction(float(v)) for v in row) for row in weight]


def _composed(weight: Sequence[Row], bias: Sequence[Fraction], values: Sequence[Row]) -> list[Row]:
    """Rows (gradient, constant) of ``weight @ values + bias``."""
    width = len(values[0])
    return [
        tuple(
            sum((w * v[k] for w, v in zip(row, values, strict=True) if w), Fraction(0))
            + (b if k == width - 1 else 0)
            for k in range(width)
        )
        for row, b in zip(weight, bias, strict=True)
    ]


def _at(row: Row, point: Point) -> Fraction:
    return sum((a * x for a, x in zip(row[:-1], point, strict=True)), row[-1])


def _halves(row: Row, polygon: tuple[Point, ...]) -> list[tuple[int, tuple[Point, ...]]]:
    """The sides of ``row > 0`` (bit 1) and ``row <= 0`` (bit 0) with an interior."""
    heights = [_at(row, p) for p in polygon]
    if max(heights) <= 0:
        return [(0, polygon)]
    if min(heights) >= 0:
        return [(1, polygon)]
    return [(1, _clipped(polygon, heights)), (0, _clipped(polygon, [-h for h in heights]))]


def _clipped(polygon: tuple[Point, ...], heights: list[Fraction]) -> tuple[Point, ...]:
    """The part of a polygon, or segment, where the height is at least 0."""
    kept: list[Point] = []
    sides = list(zip(polygon, heights, strict=True))
    pairs = (
        itertools.pairwise(sides)
        if len(polygon) == 2
        else zip(sides, (*sides[1:], sides[0]), strict=True)
    )
    for (p, hp), (q, hq) in pairs:
        if hp >= 0:
            kept.append(p)
        if (hp < 0 < hq) or (hq < 0 < hp):
            t = hp / (hp - hq)
            kept.append(tuple(a + t * (b - a) for a, b in zip(p, q, strict=True)))
    if len(polygon) == 2 and heights[1] >= 0:
        kept.append(polygon[1])
    return tuple(kept)


def _middle(points: Sequence[Point]) -> Point:
    return tuple(sum(c) / len(points) for c in zip(*points, strict=True))


def _cross(p: Point, q: Point, r: Point) -> Fraction:
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def _between(p: Point, v: Point, q: Point) -> bool:
    """Whether v lies on the segment from p to q."""
    if len(p) == 1:
        return min(p, q) <= v <= max(p, q)
    return _cross(p, q, v) == 0 and min(p, q) <= v <= max(p, q)


def _share_facet(one: ExactRegion, other: ExactRegion) -> bool:
    if len(one.vertices[0]) == 1:
        return bool(set(one.vertices) & set(other.vertices))
    for p, q in zip(one.vertices, (*one.vertices[1:], one.vertices[0]), strict=True):
        for r, s in zip(other.vertices, (*other.vertices[1:], other.vertices[0]), strict=True):
            on_one_line = _cross(p, q, r) == 0 == _cross(p, q, s)
            if on_one_line and max(min(p, q), min(r, s)) < min(max(p, q), max(r, s)):
                return True
    return False


def _pattern_at(network: Network, point: Point) -> Pattern:
    values: list[Fraction] = list(point)
    bits: list[int] = []
    for layer in network.layers:
        rows = zip(_exact(layer.affine.dense()), layer.affine.bias, layer.slope, strict=True)
        following = []
        for row, b, s in rows:
            z = sum((w * v for w, v in zip(row, values, strict=True)), Fraction(float(b)))
            following.append(z if z > 0 else Fraction(float(s)) * z)
            if s != 1.0:
                bits.append(int(z > 0))
        values = following
    return tuple(bits)
