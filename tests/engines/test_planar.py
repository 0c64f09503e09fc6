"""The planar kernels of the cells engine, where they differ from the general ones."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba import njit

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.exploration import Budget
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import pack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines import lanes
from cpwl_milp.engines.cells import CellsEngine
from cpwl_milp.engines.cells.planar import memory
from cpwl_milp.engines.tree import TreeEngine
from tests.engines.listing import listed
from tests.networks import degenerate_network, mlp, one_layer, random_network

_BOX = Box.uniform(-1, 1, 2)


def _engines(network: Network, box: Box = _BOX) -> tuple[CellsEngine, TreeEngine]:
    problem = Problem.of(network, box)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    return CellsEngine(problem, bounds), TreeEngine(problem, bounds)


@njit
def _in_lanes(a, b, out):  # type: ignore[no-untyped-def]
    for k in range(0, a.size, lanes.N_LANES):
        u, v = lanes.load(a, k), lanes.load(b, k)
        lanes.store(out[0], k, lanes.plus_scaled(u, v, 3.0))
        lanes.store(out[1], k, lanes.least(u, v))
        lanes.store(out[2], k, lanes.most(u, lanes.minus(v)))
    return lanes.above(lanes.load(a, 0), lanes.load(b, 0)), lanes.above_zero(lanes.load(a, 0))


def test_lanes_compute_as_numpy() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 24))
    a[3] = b[3]
    a[5] = 0.0
    out = np.zeros((3, 24))
    above, positive = _in_lanes(a, b, out)
    assert np.allclose(out, [a + 3 * b, np.minimum(a, b), np.maximum(a, -b)], rtol=1e-15)
    assert above == sum(1 << k for k in range(8) if a[k] > b[k])
    assert positive == sum(1 << k for k in range(8) if a[k] > 0)


@pytest.mark.parametrize("bit", [0, 1, 31, 62, 63])
def test_the_lowest_bit_of_a_word(bit: int) -> None:
    find = njit(lambda word: lanes.lowest_bit(word))
    assert find(np.int64(-1) << bit) == bit


@pytest.mark.parametrize(
    "widths",
    # Blocks of eight lines, patterns of several words, layers that share a word or straddle one.
    [[90], [9, 1, 66, 2], [63, 2], [64, 64], [16] * 8],
    ids=str,
)
def test_all_widths(widths: list[int]) -> None:
    cells, tree = _engines(random_network(np.random.default_rng(7), 2, widths))
    found, expected = listed(cells), listed(tree)
    assert np.array_equal(found.regions.patterns, expected.regions.patterns)
    assert found.prefix_counts == expected.prefix_counts


@pytest.mark.parametrize("seed", range(12))
def test_wide_degenerate_networks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    box = Box(-np.ones(2) * rng.integers(0, 3), np.ones(2) * rng.integers(1, 4))
    network = degenerate_network(rng, 2, [int(k) for k in rng.integers(8, 40, 2)])
    cells, tree = _engines(network, box)
    assert np.array_equal(listed(cells).regions.patterns, listed(tree).regions.patterns)


def test_a_polygon_may_have_any_number_of_sides() -> None:
    # 120 tangents of a circle: its polygon has 120 sides, which the next layer cuts again.
    angles = np.linspace(0, 2 * np.pi, 121)[:-1]
    tangents = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rng = np.random.default_rng(0)
    network = mlp(
        (tangents.tolist(), [-0.7] * 120),
        (rng.normal(0, 0.1, (6, 120)).tolist(), rng.normal(0, 0.1, 6).tolist()),
        ([[1.0] * 6], [0.0]),
    )
    cells, tree = _engines(network)
    assert np.array_equal(listed(cells).regions.patterns, listed(tree).regions.patterns)


def test_stacks_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(np.random.default_rng(3), 2, [30, 30])
    cells, _ = _engines(network)
    expected = listed(cells)
    monkeypatch.setattr(memory, "_LEAST_ROOM", 8)
    cells, _ = _engines(network)
    assert np.array_equal(listed(cells).regions.patterns, expected.regions.patterns)


def test_threads_share_an_engine() -> None:
    cells, _ = _engines(random_network(np.random.default_rng(4), 2, [24, 24]))
    expected = listed(cells).patterns
    cubes = [Cube.of([(u + 1) * s for u, s in enumerate(signs)]) for signs in _signs(3)]
    with ThreadPoolExecutor(4) as pool:
        advances = pool.map(lambda c: cells.advance(c, Budget(10**6, time.monotonic() + 60)), cubes)
    found = [bytes(row) for advance in advances for row in advance.regions.patterns]
    assert len(found) == len(expected)
    assert set(found) == expected


def _signs(n: int) -> list[tuple[int, ...]]:
    return [tuple(1 if k >> i & 1 else -1 for i in range(n)) for k in range(2**n)]


def test_centres_lie_in_their_regions() -> None:
    network = random_network(np.random.default_rng(5), 2, [20, 20, 20])
    problem = Problem.of(network, _BOX)
    bounds = pre_activation_bounds(network, _BOX)
    found = CellsEngine(problem, bounds, with_points=True).advance(
        ROOT, Budget(10**6, time.monotonic() + 60)
    )
    assert np.array_equal(pack(network.bits(found.regions.points)), found.regions.patterns)


def test_cubes_that_hold_nothing() -> None:
    # x > 0.5 and x < 0.25 at once; and a bit that the whole box does not have.
    network = one_layer([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [-0.5, -0.25, 2.0])
    cells, _ = _engines(network)
    for literals in ((1, -2), (-3,), (2, -3)):
        advance = cells.advance(Cube.of(literals), Budget(10, time.monotonic() + 60))
        assert len(advance.regions) == 0
        assert not advance.open
