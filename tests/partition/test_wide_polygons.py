"""Polygons from the search, held to those that are clipped."""

from __future__ import annotations

import numpy as np
import pytest

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.problem import Problem
from cpwl_milp.domains import polytope
from cpwl_milp.enumeration.listing import list_regions
from cpwl_milp.partition.outlines import outline_of
from cpwl_milp.partition.polygons import class_polygons, region_polygons
from cpwl_milp.partition.wide_polygons import wide_polygons
from tests.networks import random_network

_BOX = Box(np.array([0.3, -0.2]), np.array([0.4, -0.05]))
_TRIANGLE = polytope(
    np.array([[1.0, 1.0], [-1.0, 0.5], [0.0, -1.0]]), np.array([0.3, -0.3, 0.15]), origin="triangle"
)


@pytest.mark.parametrize("domain", [_BOX, _TRIANGLE], ids=["box", "triangle"])
def test_polygons_of_the_search_are_those_that_are_clipped(domain: Domain) -> None:
    network = random_network(np.random.default_rng(0), 2, [900, 120], n_outputs=3)
    problem = Problem.of(network, domain)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    regions, outcome = list_regions(problem, bounds=bounds)
    assert outcome.complete
    assert len(regions) > 100
    wide = wide_polygons(problem, bounds, regions.patterns)
    assert wide is not None
    outline = outline_of(problem.domain)
    expected = region_polygons(problem.network, outline, regions.patterns)
    assert np.allclose(wide.polygons.areas(), expected.areas(), rtol=0, atol=1e-12)
    assert wide.polygons.areas().sum() == pytest.approx(outline.area, rel=1e-12)
    for k in range(len(regions)):
        here = slice(wide.polygons.starts[k], wide.polygons.starts[k + 1])
        there = slice(expected.starts[k], expected.starts[k + 1])
        assert set(wide.polygons.sides[here]) == set(expected.sides[there])
    parts, classes = class_polygons(wide.network, wide.polygons, wide.patterns)
    same, others = class_polygons(problem.network, expected, regions.patterns)
    for k in range(3):
        assert parts.areas()[classes == k].sum() == pytest.approx(
            same.areas()[others == k].sum(), abs=1e-12
        )


def test_a_part_of_the_list_and_one_that_is_none() -> None:
    network = random_network(np.random.default_rng(0), 2, [900, 120])
    problem = Problem.of(network, _BOX)
    bounds = pre_activation_bounds(problem.network, problem.domain)
    patterns = list_regions(problem, bounds=bounds)[0].patterns
    some = wide_polygons(problem, bounds, patterns[:50])
    assert some is not None
    assert len(some.polygons) == 50
    assert wide_polygons(problem, bounds, patterns[::-1]) is None
    small = Problem.of(random_network(np.random.default_rng(0), 2, [9]), _BOX)
    few = pre_activation_bounds(small.network, small.domain)
    assert wide_polygons(small, few, list_regions(small)[0].patterns) is None
