"""Cells with their geometry: volumes that fill the box, and facets seen from both sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import CheckFailedError, DomainError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import pack, unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.engines.cells import complex as cell_complexes
from cpwl_milp.engines.cells import memory as general_memory
from cpwl_milp.engines.cells.complex import CellComplex, Cells, cell_complex, cells_of
from cpwl_milp.engines.cells.planar import memory as planar_memory
from cpwl_milp.engines.tree import TreeEngine
from cpwl_milp.partition.adjacency import Surroundings, Walls, has_facet, patterns_behind
from cpwl_milp.partition.composed import composed_blocks
from cpwl_milp.partition.outlines import outline_of
from cpwl_milp.partition.polygons import region_polygons
from tests.engines.listing import listed
from tests.networks import degenerate_network, grid, moment_curve, random_network

# Distances below this are rounding.
_SLIVER = 1e-13


def _complex(network: Network, box: Box) -> CellComplex:
    return cell_complex(Problem.of(network, box), pre_activation_bounds(network, box))


def _box(rng: np.random.Generator, d: int) -> Box:
    return Box(-np.ones(d) * rng.integers(0, 3, d), np.ones(d) * rng.integers(1, 4, d))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_laws(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    network = degenerate_network(rng, d, [int(k) for k in rng.integers(1, 8, rng.integers(1, 4))])
    box = _box(rng, d)
    problem = Problem.of(network, box)
    bounds = pre_activation_bounds(network, box)
    found = cell_complex(problem, bounds)
    cells = found.cells
    # Slivers, which only whole numbers tell from nothing, have no corners in float64.
    expected = listed(TreeEngine(problem, bounds, with_points=True)).regions
    assert np.array_equal(cells.patterns, expected.patterns[expected.inradii > _SLIVER])

    # The volumes fill the box, and all corners lie in it.
    volume = float(np.prod(box.upper - box.lower))
    assert np.isclose(cells.volumes.sum(), volume, rtol=1e-9)
    assert cells.volumes.min() > 0
    assert np.all((cells.corners >= box.lower - 1e-12) & (cells.corners <= box.upper + 1e-12))

    # A facet has two sides, and two cells have at most one facet in common.
    assert np.all(found.pairs[:, 0] != found.pairs[:, 1])
    keys = np.sort(found.pairs, axis=1)
    assert len(np.unique(keys, axis=0)) == len(keys)

    # All units that change across a facet vanish on it, its own among them.
    bits = unpack(cells.patterns, network.n_units)
    changes = bits[found.pairs[:, 0]] != bits[found.pairs[:, 1]]
    assert changes[np.arange(len(changes)), found.units].all()
    assert not bits[found.pairs[:, 0], found.units].any()
    z = [z[:, layer.units] for layer, z in zip(network.layers, _z(network, found), strict=True)]
    assert np.abs(np.concatenate(z, axis=1)[changes]).max(initial=0.0) < 1e-8

    # The partition hangs together.
    assert len(_reached(len(cells), found.pairs)) == len(cells)


def _z(network: Network, found: CellComplex) -> list[np.ndarray]:
    return network.pre_activations(found.centres)


def _reached(n: int, pairs: np.ndarray) -> set[int]:
    beside: dict[int, list[int]] = {k: [] for k in range(n)}
    for a, b in pairs:
        beside[int(a)].append(int(b))
        beside[int(b)].append(int(a))
    seen, todo = {0}, [0]
    while todo:
        for k in beside[todo.pop()]:
            if k not in seen:
                seen.add(k)
                todo.append(k)
    return seen


@pytest.mark.parametrize(("d", "widths"), [(1, [8, 8]), (2, [5, 5, 3]), (3, [4, 4])])
def test_the_same_neighbours_as_by_linear_programmes(d: int, widths: list[int]) -> None:
    network, box = random_network(np.random.default_rng(d), d, widths), Box.uniform(-1, 1, d)
    found = _complex(network, box)
    place = {bytes(row): k for k, row in enumerate(found.cells.patterns)}
    around = Surroundings(np.zeros((0, d)), np.zeros(0))
    expected = set()
    for block in composed_blocks(network, found.cells.patterns, with_rows=True):
        assert block.rows is not None
        for bits, rows in zip(block.bits, block.rows, strict=True):
            walls = Walls.of(rows, bits, np.ones(network.n_units))
            here = place[bytes(pack(bits[None, :])[0])]
            for unit, behind in patterns_behind(network, bits, walls):
                there = place.get(bytes(pack(behind[None, :])[0]))
                if there is not None and has_facet(walls, unit, around):
                    expected.add((min(here, there), max(here, there)))
    assert {(min(a, b), max(a, b)) for a, b in found.pairs.tolist()} == expected


def test_areas_as_by_clipping() -> None:
    network = random_network(np.random.default_rng(8), 2, [14, 14])
    box = Box(np.array([-1.0, 3.0]), np.array([0.5, 4.0]))
    cells = _complex(network, box).cells
    clipped = region_polygons(network, outline_of(box), cells.patterns)
    assert np.allclose(cells.volumes, clipped.areas(), rtol=1e-7, atol=1e-15)


def test_volumes_as_by_convex_hulls() -> None:
    network = random_network(np.random.default_rng(9), 3, [6, 6])
    cells = _complex(network, Box(-np.ones(3), np.array([1.0, 2.0, 4.0]))).cells
    hulls = [ConvexHull(cells[k]).volume for k in range(len(cells))]
    assert np.allclose(cells.volumes, hulls, rtol=1e-7, atol=1e-15)


def test_known_complexes() -> None:
    # 3 by 4 lines: 20 rectangles, and 4 * 4 + 5 * 3 segments inside.
    found = _complex(grid(3, 4), Box(np.zeros(2), np.array([4.0, 5.0])))
    assert np.allclose(found.cells.volumes, 1.0)
    assert len(found.pairs) == 3 * 5 + 4 * 4
    assert np.allclose(found.measures, 1.0)
    # n planes in general position, all their vertices inside: faces of an arrangement.
    n = 5
    found = _complex(moment_curve(3, n), Box.uniform(-1000, 1000, 3))
    assert len(found.cells) == 1 + n + n * (n - 1) // 2 + n * (n - 1) * (n - 2) // 6
    assert len(found.pairs) == n * (1 + (n - 1) + (n - 1) * (n - 2) // 2)


@pytest.mark.parametrize(("d", "widths"), [(2, [12, 12]), (3, [6, 6])])
def test_batches_of_any_size(d: int, widths: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    network, box = random_network(np.random.default_rng(6), d, widths), Box.uniform(-1, 1, d)
    expected = _complex(network, box)
    monkeypatch.setattr(planar_memory, "_BATCH", 3)
    monkeypatch.setattr(planar_memory, "_CORNERS", 16)
    monkeypatch.setattr(general_memory, "_SHAPES", 7)
    found = _complex(network, box)
    assert np.array_equal(found.cells.corners, expected.cells.corners)
    assert np.array_equal(found.pairs, expected.pairs)
    batches = list(cells_of(Problem.of(network, box), pre_activation_bounds(network, box)))
    assert max(map(len, batches)) <= 7
    assert sum(float(batch.volumes.sum()) for batch in batches) == pytest.approx(2.0**d)


def test_an_affine_network_is_one_cell() -> None:
    for d in (1, 2, 3):
        network = Network((), Affine(np.ones((1, d)), np.zeros(1)))
        found = _complex(network, Box(np.zeros(d), np.full(d, 3.0)))
        assert found.cells.volumes.tolist() == [3.0**d]
        assert len(found.pairs) == 0


def test_what_is_refused() -> None:
    with pytest.raises(DomainError, match="at most 3"):
        _complex(random_network(np.random.default_rng(0), 4, [3]), Box.uniform(-1, 1, 4))


def test_a_missing_facet_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(np.random.default_rng(1), 2, [4])
    joined = cell_complexes._joined

    def moved(parts: list[Cells]) -> Cells:
        whole = joined(parts)
        whole.facets.centre[(whole.facets.label >= 4) & (whole.facets.cell == 0)] += 0.1
        return whole

    monkeypatch.setattr(cell_complexes, "_joined", moved)
    with pytest.raises(CheckFailedError, match="no counterpart"):
        _complex(network, Box.uniform(-1, 1, 2))
