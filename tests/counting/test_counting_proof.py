"""The steps of docs/explanation/counting_proof.md in rank 2, on exact arrangements of lines.

Lines are integer triples ``a x + b y + c = 0``, inactive where ``<= 0``; each arrangement is looked
at with all choices of inactive sides.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from cpwl_milp.counting.histogram import _plane_tails

Line = tuple[int, int, int]
Signs = tuple[bool, ...]


@dataclass(frozen=True)
class Arrangement:
    """Edges as the signs of all lines at their middles, in order along each line."""

    edges: tuple[tuple[Signs, ...], ...]

    @staticmethod
    def of(lines: Sequence[Line]) -> Arrangement | None:
        """None unless it is in general position."""
        found = []
        for k, (a, b, c) in enumerate(lines):
            # Points of the line: base + t * direction.
            square = a * a + b * b
            if not square:
                return None
            base, direction = (Fraction(-a * c, square), Fraction(-b * c, square)), (-b, a)
            at = []
            for m, (p, q, r) in enumerate(lines):
                if m == k:
                    continue
                slope = p * direction[0] + q * direction[1]
                if slope == 0:
                    return None
                at.append(-(p * base[0] + q * base[1] + r) / Fraction(slope))
            at.sort()
            if len(set(at)) < len(at):
                return None
            ends = [at[0] - 1, *at, at[-1] + 1] if at else [Fraction(0), Fraction(1)]
            row = []
            for t0, t1 in itertools.pairwise(ends):
                t = (t0 + t1) / 2
                x, y = base[0] + t * direction[0], base[1] + t * direction[1]
                row.append(tuple(p * x + q * y + r > 0 for p, q, r in lines))
            found.append(tuple(row))
        return Arrangement(tuple(found))


def _with(signs: Signs, k: int, value: bool) -> Signs:
    return (*signs[:k], value, *signs[k + 1 :])


class _Classes:
    """Disjoint sets."""

    def __init__(self, items: Sequence[object]) -> None:
        self._parent = {item: item for item in items}

    def of(self, item: object) -> object:
        while self._parent[item] != item:
            item = self._parent[item]
        return item

    def join(self, one: object, other: object) -> None:
        self._parent[self.of(one)] = self.of(other)

    @property
    def number(self) -> int:
        return sum(self.of(item) == item for item in self._parent)


def _check(arrangement: Arrangement, flips: Signs, j: int) -> int:
    """Check every step for one choice of inactive sides; the number of classes."""
    n = len(arrangement.edges)
    edges = [
        [tuple(s != f for s, f in zip(signs, flips, strict=True)) for signs in row]
        for row in arrangement.edges
    ]
    sides = {_with(e, k, v) for k, row in enumerate(edges) for e in row for v in (False, True)}
    cells = [cell for cell in sides if cell.count(False) <= j]
    components = _Classes(cells)
    touches: list[set[object]] = []
    saved = Fraction(0)
    total = Fraction(0)
    for k, row in enumerate(edges):
        depth = [_with(e, k, True).count(False) for e in row]
        for e, d in zip(row, depth, strict=True):
            if d <= j - 1:
                components.join(_with(e, k, False), _with(e, k, True))
    for k, row in enumerate(edges):
        depth = [_with(e, k, True).count(False) for e in row]
        assert all(abs(a - b) == 1 for a, b in itertools.pairwise(depth))
        in_o = [
            list(group) for inside, group in itertools.groupby(depth, lambda d: d < j) if inside
        ]
        e_l, c_l = sum(map(len, in_o)), len(in_o)
        half = j - Fraction(e_l + c_l, 2)
        total += Fraction(e_l + c_l, 2)
        saved += half
        where = [i for i, d in enumerate(depth) if d <= j]
        if not where:
            assert half == j
            touches.append(set())
            continue
        parts = [
            [i for _, i in group]
            for _, group in itertools.groupby(enumerate(where), lambda pair: pair[1] - pair[0])
        ]
        gaps = [after[0] - before[-1] - 1 for before, after in itertools.pairwise(parts)]
        assert all(gap % 2 for gap in gaps)
        q = sum(all(not row[i][other] for i in where) for other in range(n) if other != k)
        assert half >= len(parts) - 1 + q + sum(Fraction(gap - 1, 2) for gap in gaps)
        touched = set()
        for part in parts:
            beside = {components.of(_with(row[i], k, True)) for i in part}
            assert len(beside) == 1  # one component touched by one run
            touched |= beside
        touches.append(touched)
    m = components.number
    assert len(cells) <= total + m
    classes = _Classes([cell for cell in cells if components.of(cell) == cell])
    for touched in touches:
        for one, other in itertools.pairwise(touched):
            classes.join(one, other)
    if m:
        assert saved >= m - 1
        if m > 1:
            assert set().union(*touches) == {components.of(cell) for cell in cells}
        if classes.number > 1:
            assert saved >= m
    tails = _plane_tails(n)
    assert len(cells) <= tails[min(j, len(tails) - 1)]
    return classes.number


def _lines(kind: str, rng: np.random.Generator, n: int) -> list[Line]:
    if kind == "generic":
        rows = rng.integers(-50, 51, (n, 3))
    elif kind == "tangents":
        angle = 2 * np.pi * (np.arange(n) + rng.random(n) / 3) / n
        rows = np.stack([np.cos(angle), np.sin(angle), -np.ones(n)], axis=1) * 1000
    else:
        # Bundles of nearly parallel lines: strips, whose outsides fall apart.
        angle = rng.integers(0, 2, n) * (np.pi / 2) + 0.05 * rng.random(n)
        rows = np.stack([np.cos(angle), np.sin(angle), rng.uniform(-1, 1, n)], axis=1) * 1000
    return [(int(a), int(b), int(c)) for a, b, c in np.round(rows)]


@pytest.mark.parametrize("kind", ["generic", "tangents", "bundles"])
def test_every_step_holds_for_all_sides_of_small_arrangements(kind: str) -> None:
    rng = np.random.default_rng(0)
    classes = 1
    seen = 0
    for n in (2, 3, 4, 5, 6):
        for _ in range(4 if n < 6 else 1):
            arrangement = Arrangement.of(_lines(kind, rng, n))
            if arrangement is None:
                continue
            seen += 1
            for flips in itertools.product((False, True), repeat=n):
                for j in range(1, n // 2 + 2):
                    classes = max(classes, _check(arrangement, flips, j))
    assert seen >= 10
    # The hard part of the proof is met.
    assert classes >= 2
