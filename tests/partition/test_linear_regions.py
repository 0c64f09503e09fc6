"""Distinct maps and connected pieces, against known answers and an independent walk."""

from __future__ import annotations

import numpy as np
import pytest

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.cell import Cell
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Ball, Polytope
from cpwl_milp.core.errors import DataError
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import pack
from cpwl_milp.core.problem import Problem
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.engines.choice import EngineSettings
from cpwl_milp.enumeration.listing import list_regions
from cpwl_milp.partition.linear_regions import LinearRegions, linear_regions
from tests.definitions import SERRA_FIG2, STARGALLA, tent
from tests.engines.listing import listed, tree
from tests.networks import degenerate_network, mlp, random_network
from tests.oracles import OracleDoubtError, germ_bits, interior_facets, region_rows


def regions_of(network: Network, box: Box) -> RegionBatch:
    return listed(tree(network, box, with_points=True)).regions


def grouped(network: Network, box: Box, *, points: bool = True) -> LinearRegions:
    regions = regions_of(network, box)
    return linear_regions(network, box, regions.patterns, regions.points if points else None)


def walked(network: Network, box: Box, regions: RegionBatch) -> tuple[int, int]:
    """(distinct maps, connected pieces) by comparing all maps and an LP for every facet."""
    bits = np.array(
        [np.unpackbits(p, count=network.n_units, bitorder="little") for p in regions.patterns]
    ).astype(bool)
    maps = []
    for row in bits:
        output = Cell.of(network, row).output
        maps.append(np.concatenate([output.dense().ravel(), output.bias]))
    scale = max(1e-300, max(np.abs(m).max() for m in maps))
    same = [[np.abs(a - b).max() <= 1e-7 * scale for b in maps] for a in maps]
    group = [row.index(True) for row in same]
    place = {row.tobytes(): k for k, row in enumerate(bits)}
    root = list(range(len(bits)))

    def find(k: int) -> int:
        while root[k] != k:
            k = root[k]
        return k

    for k, row in enumerate(bits):
        _, facets = interior_facets(*region_rows(network, row), box)
        for point, normal in facets:
            j = place[germ_bits(network, point, normal).tobytes()]
            if group[j] == group[k]:
                root[find(j)] = find(k)
    return len(set(group)), len({find(k) for k in range(len(bits))})


@pytest.mark.parametrize("points", [True, False])
class TestKnownAnswers:
    def test_serra_figure_2(self, points: bool) -> None:
        found = grouped(SERRA_FIG2, Box.uniform(-1, 2, 1), points=points)
        assert len(found.map_ids) == 5
        assert (found.affine_maps, found.linear_regions) == (4, 4)

    def test_stargalla(self, points: bool) -> None:
        found = grouped(STARGALLA, Box.uniform(-2, 2, 2), points=points)
        assert len(found.map_ids) == 5
        assert (found.affine_maps, found.linear_regions) == (3, 3)

    @pytest.mark.parametrize("depth", [2, 3, 5])
    def test_tent_on_the_line(self, depth: int, points: bool) -> None:
        found = grouped(tent(depth), Box.uniform(-1, 2, 1), points=points)
        assert len(found.map_ids) == 2**depth + 2
        assert found.affine_maps == 2**depth + 1
        assert found.linear_regions == 2**depth + 2

    @pytest.mark.parametrize("depth", [1, 4])
    def test_tent_on_the_unit_interval(self, depth: int, points: bool) -> None:
        found = grouped(tent(depth), Box.uniform(0, 1, 1), points=points)
        assert found.affine_maps == found.linear_regions == 2**depth

    def test_tent_of_depth_1_on_the_line(self, points: bool) -> None:
        found = grouped(tent(1), Box.uniform(-1, 2, 1), points=points)
        assert len(found.map_ids) == found.affine_maps == found.linear_regions == 3

    def test_patterns_one_bit_apart_that_do_not_touch(self, points: bool) -> None:
        # |x| - 1 > 0 on both sides; x flips between them, and the output ignores x's sign.
        network = mlp(
            ([[1.0], [-1.0]], [0.0, 0.0]),
            ([[1.0, 1.0]], [-1.0]),
            ([[0.0]], [0.0]),
        )
        box = Box.uniform(-2, 2, 1)
        whole = grouped(network, box, points=points)
        assert (whole.affine_maps, whole.linear_regions) == (1, 1)
        # The outer two alone: one map, no shared facet.
        regions = regions_of(network, box)
        outer = np.abs(regions.points[:, 0]) > 1
        assert outer.sum() == 2
        found = linear_regions(
            network, box, regions.patterns[outer], regions.points[outer] if points else None
        )
        assert (found.affine_maps, found.linear_regions) == (1, 2)

    def test_a_unit_without_weight_in_the_output(self, points: bool) -> None:
        network = mlp(
            ([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 0.0], [2.0, 0.0]], [0.0, 1.0])
        )
        found = grouped(network, Box.uniform(-1, 1, 2), points=points)
        assert len(found.map_ids) == 4
        assert (found.affine_maps, found.linear_regions) == (2, 2)

    def test_duplicate_opposite_and_parallel_units(self, points: bool) -> None:
        # relu(x) three times, relu(-x), and their sum cancelled: one map everywhere.
        network = mlp(
            ([[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -3.0]], [0.0] * 5),
            ([[2.0, -1.0, 0.0, 3.0, -1.0]], [1.0]),
        )
        found = grouped(network, Box.uniform(-1, 1, 2), points=points)
        assert len(found.map_ids) == 4
        assert (found.affine_maps, found.linear_regions) == (1, 1)


@pytest.mark.parametrize("seed", range(40))
def test_agrees_with_a_walk_over_all_facets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 4))
    widths = rng.integers(1, 5, size=rng.integers(1, 4)).tolist()
    network = degenerate_network(rng, n, widths)
    box = Box(rng.uniform(-2, -0.5, n), rng.uniform(0.5, 2, n))
    regions = regions_of(network, box)
    try:
        expected = walked(network, box, regions)
    except OracleDoubtError:
        pytest.skip("too close to a degenerate network for the oracle")
    for points in (regions.points, None):
        found = linear_regions(network, box, regions.patterns, points)
        assert (found.affine_maps, found.linear_regions) == expected


def test_neither_order_nor_units_of_the_input_matter() -> None:
    rng = np.random.default_rng(3)
    network = degenerate_network(rng, 2, [5, 4, 3], 2)
    box = Box.uniform(-1, 1, 2)
    regions = regions_of(network, box)
    found = linear_regions(network, box, regions.patterns, regions.points)
    order = rng.permutation(len(regions))
    shuffled = linear_regions(network, box, regions.patterns[order], regions.points[order])
    for ids, other in ((found.map_ids, shuffled.map_ids), (found.piece_ids, shuffled.piece_ids)):
        pairs = np.unique(np.stack([ids[order], other]), axis=1)
        assert pairs.shape[1] == len(np.unique(ids)) == len(np.unique(other))
    size = np.array([1e6, 1e-6])
    stretched = network.restricted(Affine(np.diag(1 / size), np.zeros(2)))
    wide = linear_regions(stretched, Box(-size, size), regions.patterns, regions.points * size)
    assert (wide.affine_maps, wide.linear_regions) == (found.affine_maps, found.linear_regions)


def test_slope_and_pass_on_units() -> None:
    # A pass-on unit beside an absolute value: |x| + x has two maps.
    layer = Layer(Affine(np.array([[1.0], [1.0]]), np.zeros(2)), np.array([-1.0, 1.0]))
    network = Network((layer,), Affine(np.array([[1.0, 1.0]]), np.zeros(1)))
    found = grouped(network, Box.uniform(-1, 1, 1))
    assert (len(found.map_ids), found.affine_maps, found.linear_regions) == (2, 2, 2)


def test_no_units_and_no_regions() -> None:
    network = mlp(([[1.0, 2.0]], [0.5]))
    box = Box.uniform(0, 1, 2)
    one = linear_regions(network, box, pack(np.zeros((1, 0), dtype=bool)))
    assert (one.affine_maps, one.linear_regions) == (1, 1)
    none = linear_regions(network, box, np.zeros((0, 1), dtype=np.uint8))
    assert (none.affine_maps, none.linear_regions) == (0, 0)


def test_generic_networks_have_a_map_for_each_active_region() -> None:
    network = random_network(np.random.default_rng(5), 2, [8, 8], 3)
    box = Box.uniform(-1, 1, 2)
    regions = regions_of(network, box)
    found = linear_regions(network, box, regions.patterns, regions.points)
    assert (found.affine_maps, found.linear_regions) == walked(network, box, regions)


def test_refuses_what_does_not_fit() -> None:
    network = tent(2)
    box = Box.uniform(0, 1, 1)
    regions = regions_of(network, box)
    with pytest.raises(DataError, match="twice"):
        linear_regions(network, box, np.concatenate([regions.patterns] * 2))
    with pytest.raises(DataError, match="interior points"):
        linear_regions(network, box, regions.patterns, regions.points[:-1])
    with pytest.raises(DataError, match="shape"):
        linear_regions(network, box, np.zeros((3, 2), dtype=np.uint8))


def in_domain(network: Network, domain: Ball | Polytope, *, points: bool) -> tuple[int, int, int]:
    """Regions, linear regions and affine maps."""
    problem = Problem.of(network, domain)
    regions, outcome = list_regions(problem, EngineSettings(with_points=True))
    assert outcome.complete
    found = linear_regions(
        problem.network, problem.domain, regions.patterns, regions.points if points else None
    )
    return len(regions), found.linear_regions, found.affine_maps


def polygon(n: int, radius: float) -> Polytope:
    angles = 0.1 + 2 * np.pi * np.arange(n) / n
    normals = np.column_stack([np.cos(angles), np.sin(angles)])
    return Polytope(
        normals,
        np.full(n, radius * np.cos(np.pi / n)),
        Box.uniform(-radius, radius, 2),
        np.zeros(2),
    )


def test_a_disc_is_between_polygons() -> None:
    """Where an inscribed and a circumscribed polygon agree, so does the disc between them."""
    agreed = merged = 0
    for seed in range(30):
        network = degenerate_network(np.random.default_rng(seed), 2, [4, 4])
        radius, n = 0.9, 200
        inner = in_domain(network, polygon(n, radius), points=True)
        outer = in_domain(network, polygon(n, radius / np.cos(np.pi / n)), points=True)
        if inner == outer:
            agreed += 1
            merged += inner[1] < inner[0]
            disc = Ball(np.zeros(2), radius, "2")
            assert in_domain(network, disc, points=True) == inner
            assert in_domain(network, disc, points=False) == inner
    assert agreed > 15
    assert merged > 5


def test_regions_of_one_map_that_meet_outside_the_ball() -> None:
    # relu(y - |x|) is 0 right and left of the wedge y > |x|; the two sides share x = 0, y < 0.
    network = mlp(
        ([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], [0.0, 0.0, 10.0]),
        ([[-1.0, -1.0, 1.0]], [-10.0]),
        ([[1.0]], [0.0]),
    )
    for radius, expected in ((1.4, (2, 2, 2)), (1.9, (4, 4, 3)), (2.1, (4, 3, 3))):
        for points in (True, False):
            ball = Ball(np.array([0.0, 2.0]), radius, "2")
            assert in_domain(network, ball, points=points) == expected


@pytest.mark.parametrize("seed", range(12))
def test_pieces_in_a_ball_need_no_points(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 5))
    network = degenerate_network(rng, d, [4, 3])
    ball = Ball(np.round(rng.normal(size=d)), float(rng.choice([0.5, 1.0, 2.0])), "2")
    assert in_domain(network, ball, points=True) == in_domain(network, ball, points=False)
