from __future__ import annotations

import numpy as np
import pytest

from cpwl_milp.core.domain import Box
from cpwl_milp.core.pattern import pack
from cpwl_milp.engines.milp.certificate import Kind, judge
from cpwl_milp.engines.milp.facets import neighbours
from cpwl_milp.engines.milp.rounding import clear_patterns, composed_noise
from tests import definitions
from tests.networks import degenerate_network, mlp, random_network
from tests.oracles import OracleDoubtError, facet_walk_regions


@pytest.mark.parametrize("case", definitions.CASES[:8], ids=lambda case: case.name)
def test_every_pattern_of_the_table_is_judged(case: definitions.Case) -> None:
    network = case.network
    box = Box.uniform(-2, 2, network.n_inputs)
    every = (np.arange(2**network.n_units)[:, None] >> np.arange(network.n_units)) & 1
    kinds = [judge(network, box, bits.astype(np.bool_)).kind for bits in every]
    assert kinds.count(Kind.PROPER) == case.proper
    assert kinds.count(Kind.PROPER) + kinds.count(Kind.THIN) == case.half_open
    assert Kind.UNDECIDED not in kinds


def test_proper_pattern_comes_with_its_ball() -> None:
    network = mlp(([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0]))
    verdict = judge(network, Box.uniform(-1, 3, 2), np.array([True, False]))
    assert verdict.kind is Kind.PROPER
    assert verdict.radius == pytest.approx(0.5)
    assert verdict.point is not None
    np.testing.assert_array_equal(network.bits(verdict.point[None])[0], [True, False])


def test_tiny_region_is_proper() -> None:
    """A small net with biases of 1e-5 has regions that float tools lose."""
    width = 1e-7
    network = mlp(([[1.0], [-1.0]], [0.0, width]), ([[1.0, 1.0]], [0.0]))
    verdict = judge(network, Box.uniform(-1, 1, 1), np.array([True, True]))
    assert verdict.kind is Kind.PROPER
    assert verdict.radius == pytest.approx(width / 2, rel=1e-6)


def test_cancelling_weights_are_zero_within_their_noise() -> None:
    """0.1 + 0.2 - 0.3 is no unit of its own: z is identically zero, and its bit is 0."""
    network = mlp(
        ([[1.0]], [5.0]),
        ([[0.1], [0.2], [0.3]], [0.0] * 3),
        ([[1.0, 1.0, -1.0]], [0.0]),
        ([[1.0]], [0.0]),
    )
    box = Box.uniform(-1, 1, 1)
    kinds = [judge(network, box, np.array([True] * 4 + [on])).kind for on in (False, True)]
    assert kinds == [Kind.PROPER, Kind.SPURIOUS]


@pytest.mark.parametrize("seed", range(5))
def test_noise_bounds_the_error_of_float32_like_arithmetic(seed: int) -> None:
    """Longdouble evaluation differs from float64 by less than the bound."""
    rng = np.random.default_rng(seed)
    network = random_network(rng, 6, [20, 20, 20])
    x = rng.uniform(-1, 1, (50, 6))
    exact: np.ndarray = x.astype(np.longdouble)
    bits, clear = clear_patterns(network, x)
    assert clear.all()
    for k, z in enumerate(network.pre_activations(x)):
        exact_z = exact @ network.layers[k].affine.dense().astype(np.longdouble).T
        exact_z = exact_z + network.layers[k].affine.bias
        for row in range(len(x)):
            noise = composed_noise(network, bits[row], np.ones(6))[network.layer_bits(k)]
            error = np.abs((exact_z[row] - z[row]).astype(float))
            assert (error <= noise).all()
            assert (noise < 1e-10).all()
        exact = np.maximum(exact_z, 0)


def test_points_on_a_boundary_are_not_clear() -> None:
    network = mlp(([[1.0, -1.0]], [0.0]), ([[1.0]], [0.0]))
    bits, clear = clear_patterns(network, np.array([[0.5, 0.5], [0.5, 0.4]]))
    np.testing.assert_array_equal(clear, [False, True])
    np.testing.assert_array_equal(bits[:, 0], [False, True])


@pytest.mark.parametrize("seed", range(12))
def test_crossing_facets_stays_among_the_regions_and_reaches_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    make = degenerate_network if seed % 2 else random_network
    network = make(rng, int(rng.integers(1, 3)), rng.integers(1, 5, 2).tolist())
    box = Box.uniform(-1, 1, network.n_inputs)
    try:
        expected = facet_walk_regions(network, box)
    except OracleDoubtError:
        pytest.skip("too close to degenerate for the oracle")
    every = np.ones(network.n_units, dtype=np.bool_)
    start = next(bits for bits in _unpacked(network.n_units, expected))
    reached, todo = {pack(start[None]).tobytes()}, [start]
    while todo:
        for across in neighbours(network, box, todo.pop(), every):
            key = pack(across[None]).tobytes()
            if key not in reached and judge(network, box, across).kind is Kind.PROPER:
                reached.add(key)
                todo.append(across)
    assert reached == expected


def _unpacked(n_units: int, keys: set[bytes]) -> list[np.ndarray]:
    rows = np.array([np.frombuffer(key, dtype=np.uint8) for key in sorted(keys)])
    return list(np.unpackbits(rows, axis=1, count=n_units, bitorder="little").astype(np.bool_))
