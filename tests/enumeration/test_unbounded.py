"""Unbounded regions: closed forms of one layer, and boxes that grow."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import WholeSpace
from cpwl_milp.core.pattern import unpack
from cpwl_milp.engines.exact.recession import ExactRecession
from cpwl_milp.enumeration.unbounded import unbounded
from tests.domains.counting import listed_on
from tests.networks import grid, moment_curve, one_layer, random_network
from tests.slivers import sliver_network


@pytest.mark.parametrize(("dim", "n", "bounded"), [(2, 4, 3), (2, 6, 10), (3, 5, 4), (1, 5, 4)])
def test_generic_arrangements_have_binomially_many_bounded_cells(
    dim: int, n: int, bounded: int
) -> None:
    network = moment_curve(dim, n)
    patterns = listed_on(network, WholeSpace(dim)).regions.patterns
    assert np.count_nonzero(~unbounded(network, patterns)) == bounded


def test_parallel_lines_bound_nothing_and_a_grid_its_inner_cells() -> None:
    strips = one_layer([[1.0, 1.0]] * 3, [0.0, 1.0, 2.0])
    assert unbounded(strips, listed_on(strips, WholeSpace(2)).regions.patterns).all()
    cells = grid(3, 4)
    marks = unbounded(cells, listed_on(cells, WholeSpace(2)).regions.patterns)
    assert np.count_nonzero(~marks) == 2 * 3


@pytest.mark.parametrize("seed", range(5))
def test_unbounded_regions_are_those_that_reach_any_box(seed: int) -> None:
    network = random_network(np.random.default_rng(seed), 2, [5, 4])
    patterns = listed_on(network, WholeSpace(2)).regions.patterns
    marks = unbounded(network, patterns)
    # Of a box that holds all vertices of the arrangement, the unbounded ones meet an edge.
    box = Box.uniform(-1e4, 1e4, 2)
    there: set[bytes] = set()
    for side, along in itertools.product((-1e4, 1e4), (0, 1)):
        lower, upper = box.lower.copy(), box.upper.copy()
        lower[along] = upper[along] = side
        there |= listed_on(network, Box(lower, upper)).patterns
    assert {row.tobytes() for row in patterns[marks]} == there


@pytest.mark.parametrize(("slope", "bounded"), [(0.0, 0), (2.0**-52, 1), (-(2.0**-52), 1)])
def test_lines_that_are_parallel_but_for_an_ulp(slope: float, bounded: int) -> None:
    # y = 0, y = 1 + slope x and x = 0: the strip is closed by a triangle far out, or is none.
    network = one_layer([[0.0, 1.0], [slope, -1.0], [1.0, 0.0]], [0.0, 1.0, 0.0])
    patterns = listed_on(network, WholeSpace(2)).regions.patterns
    assert len(patterns) == 6 + bounded
    assert np.count_nonzero(~unbounded(network, patterns)) == bounded


@pytest.mark.parametrize("seed", range(20))
def test_float_proves_what_whole_numbers_find(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 5))
    family = sliver_network if seed % 2 else random_network
    network = family(rng, d, [int(k) for k in rng.integers(1, 6, int(rng.integers(1, 4)))])
    patterns = listed_on(network, WholeSpace(d)).regions.patterns
    exact = ExactRecession(network)
    expected = [exact.recedes(bits.astype(np.uint8)) for bits in unpack(patterns, network.n_units)]
    assert unbounded(network, patterns).tolist() == expected
