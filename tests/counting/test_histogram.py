"""Tails of activation histograms against exact arrangements, and the recursion against itself."""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.domain import Box
from cpwl_milp.counting import histogram
from cpwl_milp.counting.binomial import binomial_row, zaslavsky
from cpwl_milp.counting.histogram import Work, push, start
from cpwl_milp.counting.shape import LayerShape
from tests.networks import one_layer
from tests.oracles_arrangement import exact_regions


def _shape(
    vanishing: int, keeping: int, passed: int, *, cut_rank: int = 10**6, image_rank: int = 10**6
) -> LayerShape:
    cutting = vanishing + keeping
    return LayerShape(
        cutting, 0, 0, vanishing, keeping, cutting + passed, cut_rank, image_rank, 10**6
    )


def _zas(n: int, d: int) -> int:
    return sum(comb(n, j) for j in range(min(n, d) + 1))


def test_binomials() -> None:
    for n in range(12):
        for d in range(14):
            assert zaslavsky(n, d) == _zas(n, d)
            assert binomial_row(n, d) == [comb(n, j) for j in range(min(n, d) + 1)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_no_arrangement_has_more_cells_of_low_depth(seed: int) -> None:
    """Cells with at most j inactive units, in exact arithmetic, against the sharper tails."""
    rng = np.random.default_rng(seed)
    d, n = int(rng.integers(1, 3)), int(rng.integers(1, 10))
    kind = rng.integers(4)
    if kind == 0:
        weight, bias = rng.normal(size=(n, d)), rng.normal(size=n)
    elif kind == 1:
        weight, bias = rng.integers(-2, 3, (n, d)), rng.integers(-1, 2, n)
    elif kind == 2:
        # Around a circle, active outside: no point is outside of all but few.
        angle = 2 * np.pi * (np.arange(n) + rng.random(n) / 3) / n
        weight = np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, :d]
        bias = -np.ones(n) * rng.choice([0.5, -0.5])
    else:
        # In bundles of nearly parallel lines.
        weight = rng.integers(-1, 2, (n, d)) + 0.01 * rng.normal(size=(n, d))
        bias = rng.normal(size=n)
    network = one_layer(np.asarray(weight, float).tolist(), np.asarray(bias, float).tolist())
    depths = [n - sum(r.pattern) for r in exact_regions(network, Box.uniform(-1e4, 1e4, d))]
    tails = histogram._line_tails(n) if d == 1 else histogram._plane_tails(n)
    assert tails[-1] == _zas(n, d)
    for j in range(n + 1):
        assert sum(depth <= j for depth in depths) <= tails[min(j, len(tails) - 1)]


@pytest.mark.parametrize("n", range(1, 9))
def test_the_tails_are_reached(n: int) -> None:
    """Lines around a circle, active inside, reach every tail in the plane below n / 2."""
    angle = 2 * np.pi * np.arange(n) / n + 0.01 * np.arange(n) ** 2 / n
    network = one_layer(np.stack([-np.cos(angle), -np.sin(angle)], axis=1).tolist(), [1.0] * n)
    depths = [n - sum(r.pattern) for r in exact_regions(network, Box.uniform(-1e4, 1e4, 2))]
    tails = histogram._plane_tails(n)
    for j in range((n - 1) // 2 + 1):
        assert sum(depth <= j for depth in depths) == tails[min(j, len(tails) - 1)]


def _tail(layer: LayerShape, d: int, j: int, sharp: bool) -> int:
    """T_d(j), term by term as in the module's docstring."""
    n, k, r = layer.vanishing, layer.keeping, min(d, layer.cut_rank)
    own = _zas(n, min(j, r))
    if sharp and r == 1:
        own = min(1 + 2 * j, n + 1)
    if sharp and r == 2:
        own = min(1 + n * j, _zas(n, 2))
    return min(_zas(n + k, r), own * _zas(k, r))


def _plain(layers: tuple[LayerShape, ...], n_inputs: int, sharp: bool) -> int:
    """The recursion backwards, one call a dimension."""

    @cache
    def bound(index: int, d: int) -> int:
        if index == len(layers):
            return 1
        layer = layers[index]
        total, before = 0, 0
        for j in range(layer.vanishing + 1):
            now = _tail(layer, d, j, sharp)
            image = min(d, layer.image_rank, layer.alive - j)
            total += (now - before) * bound(index + 1, image)
            before = now
        return total

    return bound(0, n_inputs)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9), sharp=st.booleans())
def test_pushing_forward_is_the_recursion(seed: int, sharp: bool) -> None:
    rng = np.random.default_rng(seed)
    n_inputs = int(rng.integers(1, 9))
    layers = tuple(
        _shape(
            int(rng.integers(0, 9)),
            int(rng.integers(0, 4) * rng.integers(0, 2)),
            int(rng.integers(0, 4) * rng.integers(0, 2)),
            cut_rank=int(rng.choice([1, 2, 3, 99])),
            image_rank=int(rng.choice([2, 4, 99])),
        )
        for _ in range(int(rng.integers(1, 5)))
    )
    current = start(n_inputs)
    for index, layer in enumerate(layers):
        current = push(current, layer, Work(), sharp=sharp)
        assert current.total == _plain(layers[: index + 1], n_inputs, sharp)
        assert not current.remarks


def test_serra_is_the_published_sum() -> None:
    """Theorem 1 as it is written, over all j of the index set."""

    def total(widths: list[int], d: int) -> int:
        if not widths:
            return 1
        n, *rest = widths
        return sum(comb(n, j) * total(rest, min(d, n - j)) for j in range(min(d, n) + 1))

    for n_inputs, widths in ((5, [3, 3, 3]), (2, [2, 8]), (4, [6, 5, 3]), (6, [4, 7, 2, 5])):
        current = start(n_inputs)
        for n in widths:
            current = push(current, _shape(n, 0, 0), Work(), sharp=False)
        assert current.total == total(widths, n_inputs)


def test_rounding_and_coarsening_only_raise_the_bound() -> None:
    layers = [_shape(60, 0, 0)] * 100
    exact = rounded = coarse = start(50)
    scarce, none = Work(exact=0.0), Work(exact=0.0, left=0.0)
    for layer in layers:
        exact = push(exact, layer, Work(1e12, 1e12), sharp=True)
        rounded = push(rounded, layer, scarce, sharp=True)
        coarse = push(coarse, layer, none, sharp=True)
    assert rounded.remarks.startswith("rounded up")
    assert exact.remarks == ""
    assert exact.total < rounded.total < coarse.total
    assert (rounded.total - exact.total) * 10**1000 < exact.total
