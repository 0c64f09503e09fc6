"""Volumes as fractions: against the definition, the shoelace formula and hulls."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.errors import CheckFailedError, DomainError
from cpwl_milp.core.network import Network
from cpwl_milp.core.pattern import Packed, pack
from cpwl_milp.core.problem import Problem
from cpwl_milp.domains import polytope
from cpwl_milp.engines.choice import EngineSettings
from cpwl_milp.enumeration.listing import list_regions
from cpwl_milp.partition.exact_cells import ExactPolytope
from cpwl_milp.partition.exact_volumes import exact_volumes
from cpwl_milp.partition.volumes import hull_volumes
from tests.networks import degenerate_network, one_layer, random_network
from tests.oracles_exact import exact_patterns


def _listed(network: Network, domain: Domain) -> tuple[Problem, Packed, np.ndarray]:
    problem = Problem.of(network, domain)
    regions, outcome = list_regions(problem, EngineSettings("tree", with_inradii=True))
    assert outcome.complete
    return problem, regions.patterns, regions.points


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_a_box_and_its_corner(dim: int) -> None:
    box = ExactPolytope.box([6] * dim)
    assert box.volume() == 6**dim
    # y_1 + .. + y_d <= 3 is a simplex with legs of 3.
    low, high = box.cut((-3, *[1] * dim))
    simplex = Fraction(3**dim, [1, 1, 2, 6, 24][dim])
    assert (low.volume(), high.volume()) == (simplex, 6**dim - simplex)


def test_cuts_through_corners_and_edges_of_a_cube() -> None:
    box = ExactPolytope.box([2, 2, 2])
    # Six tetrahedra around a diagonal: y_a >= y_b for every order.
    parts = [box]
    for row in ((0, 1, -1, 0), (0, 0, 1, -1), (0, 1, 0, -1)):
        parts = [
            piece
            for part in parts
            for piece in (
                part.cut(row) if min(part.values(row)) < 0 < max(part.values(row)) else (part,)
            )
        ]
    assert [part.volume() for part in parts] == [Fraction(8, 6)] * 6
    # A double pyramid: four edges at the apex, so more walls than dimensions meet there.
    octahedron = ExactPolytope.box([2, 2, 2])
    for signs in itertools.product((1, -1), repeat=3):
        octahedron = octahedron.cut((1 - sum(signs) * -1, *(-s for s in signs)))[1]
    assert octahedron.volume() == Fraction(4, 3)
    assert len(octahedron.corners) == 6


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_volumes_add_up_and_agree_with_hulls(dim: int) -> None:
    network = random_network(np.random.default_rng(dim), dim, [5, 4])
    box = Box(np.full(dim, -1.0), np.full(dim, 0.75))
    problem, patterns, points = _listed(network, box)
    found = exact_volumes(problem, patterns)
    assert found.of_domain == Fraction(7, 4) ** dim == sum(found.of_regions)
    assert min(found.of_regions) > 0
    if dim > 1:
        hulls = hull_volumes(problem.network, problem.domain, patterns, points)
        np.testing.assert_allclose([float(v) for v in found.of_regions], hulls, rtol=1e-6)


def test_degenerate_networks_are_measured_and_their_lists_confirmed() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        dim = 1 + seed % 3
        network = degenerate_network(rng, dim, [3, 3])
        box = Box.uniform(-1, 1, dim)
        rows = np.array(sorted(exact_patterns(network, box)), dtype=np.bool_)
        found = exact_volumes(Problem.of(network, box), pack(rows.reshape(len(rows), -1)))
        assert sum(found.of_regions) == 2**dim
        assert min(found.of_regions) > 0


def test_wrong_lists_are_refused() -> None:
    network = random_network(np.random.default_rng(3), 2, [4, 3])
    problem, patterns, _ = _listed(network, Box.uniform(-1, 1, 2))
    for row in range(len(patterns)):
        with pytest.raises(CheckFailedError):
            exact_volumes(problem, np.delete(patterns, row, axis=0))
    strange = np.concatenate([patterns, patterns[:1]])
    with pytest.raises(CheckFailedError, match="twice"):
        exact_volumes(problem, strange)


def test_slivers_have_volumes() -> None:
    # Two lines one ulp apart.
    slope = float(np.nextafter(0.5, 1.0))
    network = one_layer([[1.0, 0.5], [1.0, slope]], [0.0, 0.0])
    box = Box.uniform(-1, 1, 2)
    rows = np.array(sorted(exact_patterns(network, box)), dtype=np.bool_)
    found = exact_volumes(Problem.of(network, box), pack(rows))
    assert len(found.of_regions) == 4
    assert sum(found.of_regions) == 4
    assert min(found.of_regions) == Fraction(1, 1 << 54)


def test_polytopes() -> None:
    triangle = polytope(
        np.array([[1.0, 1.0]]), np.array([0.5]), within=Box.uniform(0, 1, 2), origin="test"
    )
    network = one_layer([[1.0, -1.0]], [0.0])
    problem, patterns, _ = _listed(network, triangle)
    found = exact_volumes(problem, patterns)
    assert found.of_domain == Fraction(1, 8)
    assert found.of_regions == (Fraction(1, 16),) * 2


@pytest.mark.parametrize("domain", [Ball(np.zeros(2), 1.0, "2"), Box.uniform(-1, 1, 5)])
def test_what_has_no_such_volumes_is_refused(domain: Domain) -> None:
    network = random_network(np.random.default_rng(0), domain.dim, [3])
    with pytest.raises(DomainError, match="--exact-volumes"):
        exact_volumes(Problem.of(network, domain), np.zeros((1, 1), dtype=np.uint8))
