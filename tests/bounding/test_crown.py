from __future__ import annotations

import time

import numpy as np
import pytest
import scipy.sparse as sp

from cpwl_milp.bounding import crown
from cpwl_milp.bounding.crown import open_units, refined_by_crown
from cpwl_milp.bounding.interval import interval_bounds
from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Layer, Network
from tests.bounding.reference import (
    assert_exactly_inside,
    corners,
    exact_pre_activations,
    extreme_points,
)
from tests.networks import degenerate_network, mlp, random_network


@pytest.mark.parametrize("seed", range(25))
def test_no_point_leaves_the_bounds_in_exact_arithmetic(seed: int) -> None:
    rng = np.random.default_rng(seed)
    build = random_network if seed % 3 == 0 else degenerate_network
    network = build(rng, int(rng.integers(1, 4)), rng.integers(2, 6, size=3).tolist())
    box = Box(-rng.random(network.n_inputs), rng.random(network.n_inputs))
    bounds = refined_by_crown(network, box, every_row=True)
    points = corners(box) + extreme_points(network, box, rng, n=100, rounds=8)
    assert_exactly_inside(network, bounds, points)


def test_what_interval_arithmetic_forgets() -> None:
    """Both branches carry the same unit: relu(x) - relu(x) is 0, interval says [-1, 1]."""
    network = mlp(([[1.0], [1.0]], [0.0, 0.0]), ([[1.0, -1.0]], [0.0]), ([[1.0]], [0.0]))
    box = Box.uniform(-1, 1, 1)
    assert interval_bounds(network, box).upper[1][0] >= 1
    bounds = refined_by_crown(network, box)
    # Chord minus support: max(0.5 x + 0.5 - s x) over the box, with s = 0 as both sides are equal.
    assert bounds.upper[1][0] == pytest.approx(1.0, abs=1e-12)
    shifted = Box(np.array([-0.5]), np.array([1.0]))
    # l = -1/2, u = 1: support slope 1, chord 2/3 x + 1/3; the difference is largest at x = -1/2.
    assert refined_by_crown(network, shifted).upper[1][0] == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize(
    ("slope", "expected"),
    # Chord m x + t, support s x (both sides are equally wide), less x; interval where better.
    [(0.0, (-1.0, 1.0)), (-1.0, (-1.0, 2.0)), (1.5, (-0.5, 0.5))],
)
def test_one_unit_by_hand(slope: float, expected: tuple[float, float]) -> None:
    """z2 = f(x) - x on [-1, 1]; the second path is a pass-on unit."""
    first = Layer(Affine(np.array([[1.0], [1.0]]), np.zeros(2)), np.array([slope, 1.0]))
    second = Layer(Affine(np.array([[1.0, -1.0]]), np.zeros(1)), np.zeros(1))
    network = Network((first, second), Affine.identity(1))
    bounds = refined_by_crown(network, Box.uniform(-1, 1, 1))
    assert bounds.lower[1][0] == pytest.approx(expected[0], abs=1e-12)
    assert bounds.upper[1][0] == pytest.approx(expected[1], abs=1e-12)


def test_affine_chains_are_exact() -> None:
    """Without kinks backward substitution is composition."""
    rng = np.random.default_rng(3)
    maps = [Affine(rng.normal(size=(4, 4)), rng.normal(size=4)) for _ in range(4)]
    network = Network(tuple(Layer(m, np.ones(4)) for m in maps), Affine.identity(4))
    box = Box.uniform(-1, 2, 4)
    composed = maps[3].after(maps[2]).after(maps[1]).after(maps[0])
    expected = interval_bounds(Network((Layer(composed, np.ones(4)),), network.output), box)
    bounds = refined_by_crown(network, box, every_row=True)
    np.testing.assert_allclose(bounds.lower[3], expected.lower[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(bounds.upper[3], expected.upper[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_cancellation_on_the_way_back_is_charged(seed: int, sparse: bool) -> None:
    """Two large paths nearly cancel: the composed row is small, the error of composing it not."""
    rng = np.random.default_rng(seed)
    row = rng.normal(size=(3, 4))
    inner = np.concatenate([row, row * (1 + 1e-9 * rng.random((3, 1)))])
    outer = 1e8 * np.concatenate([np.eye(3), -np.eye(3)], axis=1) * (1 + rng.random((3, 1)))
    maps = [Affine(inner, rng.normal(size=6) * (seed % 2)), Affine(outer, np.zeros(3))]
    network = Network(tuple(Layer(m, np.ones(m.n_out)) for m in maps), Affine.identity(3))
    network = _sparse(network) if sparse else network
    box = Box(-rng.random(4), rng.random(4))
    bounds = refined_by_crown(network, box, every_row=True)
    assert_exactly_inside(network, bounds, corners(box))
    # The margin is that of the large path, not more: the range itself is about 1.
    exact = np.array(
        [[float(v) for v in exact_pre_activations(network, c)[1]] for c in corners(box)]
    )
    np.testing.assert_allclose(bounds.lower[1], exact.min(axis=0), atol=1e-4)
    np.testing.assert_allclose(bounds.upper[1], exact.max(axis=0), atol=1e-4)


def test_pass_on_units_are_never_open() -> None:
    layer = Layer(Affine.identity(3), np.array([0.0, 1.0, -1.0]))
    assert open_units(layer, -np.ones(3), np.ones(3)).tolist() == [0, 2]
    assert open_units(layer, np.array([-1.0, -1.0, 0.5]), np.array([0.0, 1.0, 1.0])).size == 0


def _sparse(network: Network) -> Network:
    layers = tuple(
        Layer(Affine(sp.csr_array(k.affine.weight), k.affine.bias), k.slope) for k in network.layers
    )
    return Network(layers, network.output)


@pytest.mark.parametrize("seed", range(6))
def test_sparse_weights_and_small_blocks_change_nothing(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    network = degenerate_network(rng, 3, [9, 8, 7])
    box = Box.uniform(-1, 1, 3)
    dense = refined_by_crown(network, box, every_row=True)
    monkeypatch.setattr(crown, "_BLOCK_ENTRIES", 20)
    # One limit keeps every product sparse, the other makes the first one dense.
    for share in (2.0, 0.0):
        monkeypatch.setattr(crown, "_DENSE_SHARE", share)
        sparse = refined_by_crown(_sparse(network), box, every_row=True)
        for a, b in zip((*dense.lower, *dense.upper), (*sparse.lower, *sparse.upper), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


def test_settled_rows_are_skipped_and_open_rows_the_same() -> None:
    network = random_network(np.random.default_rng(8), 6, [20, 20, 20])
    box = Box.uniform(-0.03, 0.03, 6)
    every = refined_by_crown(network, box, every_row=True)
    some = refined_by_crown(network, box)
    floor = interval_bounds(network, box)
    asked = open_units(network.layers[1], floor.lower[1], floor.upper[1])
    skipped = np.setdiff1d(np.arange(20), asked)
    assert skipped.size
    assert asked.size
    np.testing.assert_allclose(some.upper[1][asked], every.upper[1][asked], rtol=1e-9, atol=1e-12)
    assert np.all(some.upper[1] >= every.upper[1] - 1e-12)
    assert np.any(some.upper[1][skipped] > every.upper[1][skipped] + 1e-6)


def test_a_passed_deadline_leaves_interval_bounds() -> None:
    network = random_network(np.random.default_rng(0), 3, [6, 6])
    box = Box.uniform(-1, 1, 3)
    floor = interval_bounds(network, box)
    bounds = refined_by_crown(network, box, deadline=time.monotonic() - 1)
    for a, b in zip(floor.lower, bounds.lower, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_overflow_is_no_error_and_no_claim() -> None:
    huge = ([[1e200, -1e200], [1e200, 1e200]], [0.0, 0.0])
    network = mlp(huge, huge, huge, ([[1.0, 1.0]], [0.0]))
    bounds = refined_by_crown(network, Box.uniform(-1, 1, 2))
    assert bounds.lower[2].tolist() == [-np.inf] * 2
    assert bounds.upper[2].tolist() == [np.inf] * 2


def test_a_wide_network_takes_under_a_second() -> None:
    network = random_network(np.random.default_rng(0), 784, [256] * 4, 10)
    box = Box.uniform(0, 0.05, 784)
    start = time.process_time()
    bounds = refined_by_crown(network, box, every_row=True)
    assert time.process_time() - start < 2.0
    assert all(np.isfinite(b).all() for b in (*bounds.lower, *bounds.upper))
