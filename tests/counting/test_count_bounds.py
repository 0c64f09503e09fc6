"""Bounds of counts: published values, order, and soundness against exact counts."""

from __future__ import annotations

import time
from math import log10

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.affine import Affine
from cpwl_milp.core.bounds import UnitStability
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import CheckFailedError
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.counting import CountBounds, count_bounds
from tests.known_answers import KNOWN_ANSWERS, KnownAnswer
from tests.networks import degenerate_network, mlp, random_network
from tests.oracles import OracleDoubtError, facet_walk_regions, own_patterns, prefix_patterns
from tests.oracles_arrangement import exact_regions

UPPER = ("trivial", "raghu", "montufar2017", "serra2018", "hinz2021", "stability")


def _values(bounds: CountBounds) -> dict[str, int | None]:
    return {bound.name: bound.value for bound in bounds.bounds}


def _of_widths(n_inputs: int, widths: list[int]) -> CountBounds:
    return count_bounds(random_network(np.random.default_rng(0), n_inputs, widths), None)


# n_0, widths, trivial, Montufar 2017, Serra 2018, Montufar 2014, Serra 2018 (lower)
PUBLISHED = [
    (2, [4, 4], 256, 121, 121, 44, None),
    (2, [8, 8], 65536, 1369, 1369, 592, 925),
    (2, [5, 5, 5], 32768, 4096, 4096, 256, None),
    (2, [2, 8], 1024, 148, 56, 37, None),
    (2, [8, 2], 1024, 148, 148, 64, None),
    (2, [16, 16], 2**32, 18769, 18769, 8768, 11097),
    (3, [8, 8], 65536, 8649, 8649, 744, None),
    (5, [3, 3, 3], 512, 512, 211, None, None),
    (784, [10, 10], 1048576, 1048576, 616666, None, None),
]


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row[0]}-{row[1]}")
def test_published_values(
    row: tuple[int, list[int], int, int, int, int | None, int | None],
) -> None:
    n_inputs, widths, trivial, montufar, serra, montufar_lower, serra_lower = row
    values = _values(_of_widths(n_inputs, widths))
    assert values["trivial"] == trivial
    assert values["montufar2017"] == montufar
    assert values["serra2018"] == serra
    assert values["montufar2014"] == montufar_lower
    assert values["serra2018-lower"] == serra_lower


def test_hinz_is_sharper_in_the_plane() -> None:
    assert _values(_of_widths(2, [4, 4]))["hinz2021"] == 109


def test_names_kinds_and_what_they_bound() -> None:
    bounds = count_bounds(random_network(np.random.default_rng(0), 2, [6, 6]), None, n_sampled=17)
    assert [b.name for b in bounds.bounds if b.kind == "upper"] == list(UPPER)
    lower = {b.name: b.of for b in bounds.bounds if b.kind == "lower"}
    assert lower == {
        "montufar2014": "architecture",
        "serra2018-lower": "architecture",
        "samples": "network",
    }
    # What other weights reach says nothing of these.
    assert bounds.lower == 17 < _values(bounds)["montufar2014"]
    for bound in bounds.bounds:
        assert (bound.value is None) == (bound.log10 is None)
        assert bound.value is not None or bound.reason
        assert bound.source


def test_more_samples_than_regions_is_a_failed_check() -> None:
    network = random_network(np.random.default_rng(0), 1, [3])
    assert count_bounds(network, None, n_sampled=4).upper == 4
    with pytest.raises(CheckFailedError, match="at most 4"):
        count_bounds(network, None, n_sampled=5)


def test_an_affine_network_is_one_region() -> None:
    bounds = count_bounds(Network((), Affine(np.ones((1, 3)), np.zeros(1))), None)
    assert (bounds.lower, bounds.upper, bounds.layers) == (1, 1, ())


@pytest.mark.parametrize("answer", KNOWN_ANSWERS, ids=lambda answer: answer.name)
def test_known_answers_lie_below(answer: KnownAnswer) -> None:
    stability = pre_activation_bounds(answer.network, answer.box).stability(answer.network)
    bounds = count_bounds(answer.network, stability)
    assert all(b.value >= answer.regions for b in bounds.bounds if b.name in UPPER and b.value)
    for index, layer in enumerate(bounds.layers):
        if answer.prefix is not None:
            assert layer.prefix_upper >= answer.prefix[index]
        if answer.own is not None:
            assert layer.own_upper >= answer.own[index]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_serra_and_hinz_are_reached_over_one_input(depth: int) -> None:
    answer = next(a for a in KNOWN_ANSWERS if a.name == "serra_maximal(3, 3) on [0, 1]")
    bounds = count_bounds(answer.network.truncated(depth), None)
    assert bounds.upper == 4**depth == _values(bounds)["serra2018"]


def test_braids_reach_the_rank_version() -> None:
    """x_i - x_j of three inputs have rank 2: the shape alone would allow 8 cells, not 7."""
    network = next(a for a in KNOWN_ANSWERS if a.name == "braid(3)").network
    values = _values(count_bounds(network, None))
    assert values["montufar2017"] == 8
    assert values["serra2018"] == 7


def _with_skips(network: Network, rng: np.random.Generator) -> Network:
    """The same with some units turned into ones that pass their input on."""
    layers = []
    for layer in network.layers:
        slope = layer.slope.copy()
        slope[rng.random(slope.size) < 0.3] = 1.0
        layers.append(Layer(layer.affine, slope))
    return Network(tuple(layers), network.output)


def _random_problem(seed: int, largest_dim: int) -> tuple[Network, Box]:
    rng = np.random.default_rng(seed)
    dim = int(rng.integers(1, largest_dim + 1))
    widths = rng.integers(1, 6, rng.integers(1, 4)).tolist()
    make = random_network if rng.random() < 0.3 else degenerate_network
    network = make(rng, dim, widths)
    if rng.random() < 0.5:
        network = _with_skips(network, rng)
    return network, Box.uniform(-1, 1, dim) if rng.random() < 0.5 else Box.uniform(-9, 9, dim)


def _check(network: Network, box: Box, total: int, prefix: list[int], own: list[int]) -> None:
    stability = pre_activation_bounds(network, box).stability(network)
    for fates in (None, stability):
        bounds = count_bounds(network, fates, n_sampled=total)
        values = _values(bounds)
        for name in UPPER:
            assert values[name] is None or values[name] >= total, name
        for layer, n_prefix, n_own in zip(bounds.layers, prefix, own, strict=True):
            assert layer.prefix_upper >= n_prefix
            assert layer.own_upper >= n_own
        assert values["hinz2021"] <= values["serra2018"] <= values["montufar2017"]
        assert values["montufar2017"] <= values["raghu"] <= values["trivial"]
        if fates is not None:
            assert values["stability"] <= values["hinz2021"]
            assert bounds.upper == values["stability"]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_bounds_hold_and_are_ordered(seed: int) -> None:
    network, box = _random_problem(seed, 2)
    patterns = [region.pattern for region in exact_regions(network, box)]
    prefix = [len({p[:end] for p in patterns}) for end in network.offsets[1:]]
    slices = [network.layer_bits(k) for k in range(len(network.layers))]
    own = [len({p[part] for p in patterns}) for part in slices]
    _check(network, box, len(patterns), prefix, own)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_bounds_hold_in_three_and_four_dimensions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dim = int(rng.integers(3, 5))
    network = degenerate_network(rng, dim, rng.integers(1, 5, 2).tolist())
    if rng.random() < 0.5:
        network = _with_skips(network, rng)
    box = Box.uniform(-2, 2, dim)
    try:
        found = facet_walk_regions(network, box)
    except OracleDoubtError:
        return  # the oracle does not vouch for this network
    depth = len(network.layers)
    prefix = [len(prefix_patterns(network, found, k + 1)) for k in range(depth)]
    own = [len(own_patterns(network, found, k)) for k in range(depth)]
    _check(network, box, len(found), prefix, own)


def _layer(weight: list[list[float]], slope: list[float]) -> Layer:
    return Layer(Affine(np.array(weight), np.zeros(len(weight))), np.array(slope))


def test_passed_on_values_keep_the_dimension() -> None:
    """One ReLU beside a value passed on: the layer above still sees a line when it is off."""
    eye = [[1.0, 0.0], [0.0, 1.0]]
    lines = Layer(Affine(np.array([[0.0, 1.0]] * 3), np.array([0.0, -1.0, 1.0])), np.zeros(3))
    end = Affine(np.ones((1, 3)), np.zeros(1))
    network = Network((_layer(eye, [0.0, 1.0]), lines), end)
    # x <= 0 or x > 0, and four strips of y in each: 8 regions.
    assert len(exact_regions(network, Box.uniform(-2, 2, 2))) == 8
    assert count_bounds(network, None).upper == 8
    # If the second value were a ReLU, it would be 0 on a half-plane.
    plain = Network((_layer(eye, [0.0, 0.0]), lines), end)
    assert len(exact_regions(plain, Box.uniform(-2, 2, 2))) == 6 <= count_bounds(plain, None).upper


@pytest.mark.parametrize("slope", [0.1, -1.0, 1.5])
def test_units_that_keep_their_value_keep_the_dimension(slope: float) -> None:
    """Two LeakyReLU or Abs units lose nothing: Serra's bound is not allowed to bite."""
    rng = np.random.default_rng(1)
    network = random_network(rng, 2, [2, 8])
    leaky = Network(
        tuple(Layer(k.affine, np.full_like(k.slope, slope)) for k in network.layers),
        network.output,
    )
    assert _values(count_bounds(leaky, None))["serra2018"] == 4 * 37
    assert _values(count_bounds(network, None))["serra2018"] == 56


def test_own_patterns_are_one_arrangement_in_the_layer_below() -> None:
    network = random_network(np.random.default_rng(0), 6, [20, 2, 10])
    assert count_bounds(network, None).layers[2].own_upper == 56  # zas(10, 2), not 1024


def test_a_stably_linear_layer_adds_no_dimension_to_own_patterns() -> None:
    network = random_network(np.random.default_rng(0), 2, [30, 10])
    on = UnitStability(np.ones(30), np.full(30, 2.0))
    free = UnitStability(-np.ones(10), np.ones(10))
    bounds = count_bounds(network, (on, free))
    assert bounds.layers[0].prefix_upper == 1
    assert bounds.layers[1].own_upper == 56


def _sparse_network(n_inputs: int, widths: list[int]) -> Network:
    rng = np.random.default_rng(0)
    layers, m = [], n_inputs
    for n in widths:
        k = min(m, 9)
        entries = (np.repeat(np.arange(n), k), rng.integers(0, m, n * k))
        weight = sp.csr_array((rng.normal(size=n * k), entries), shape=(n, m))
        layers.append(Layer(Affine(weight, rng.normal(size=n)), np.zeros(n)))
        m = n
    return Network(tuple(layers), Affine(np.zeros((1, m)), np.zeros(1)))


@pytest.mark.parametrize("n_inputs", [2, 10, 784, 3072])
@pytest.mark.parametrize("widths", [[100_000], [10_000] * 10, [1000] * 100, [50_000, 50] * 2])
def test_a_hundred_thousand_units(n_inputs: int, widths: list[int]) -> None:
    network = _sparse_network(n_inputs, widths)
    before = time.process_time()
    bounds = count_bounds(network, None)
    assert time.process_time() - before < 5
    values = _values(bounds)
    assert values["trivial"] == 2 ** sum(widths)
    for bound in bounds.bounds:
        if bound.value is not None:
            assert bound.log10 == pytest.approx(log10(bound.value))
            assert bounds.upper <= bound.value or bound.kind == "lower"
        else:
            assert bound.reason
    assert values["raghu"] >= values["montufar2017"] >= bounds.upper


def test_beyond_the_range_of_floats() -> None:
    bounds = count_bounds(_sparse_network(784, [10_000] * 10), None)
    assert bounds.upper > 10**11_000
    assert all(b.log10 is None or np.isfinite(b.log10) for b in bounds.bounds)


def test_stability_reports_the_units() -> None:
    network = mlp(([[1.0], [1.0], [1.0]], [5.0, -5.0, 0.0]), ([[1.0, 1.0, 1.0]], [0.0]))
    stability = pre_activation_bounds(network, Box.uniform(-1, 1, 1)).stability(network)
    (layer,) = count_bounds(network, stability).layers
    assert (layer.units, layer.always_active, layer.always_inactive) == (3, 1, 1)
    assert (layer.unstable, layer.prefix_upper, layer.own_upper) == (1, 2, 2)
    assert layer.prefix_name == "stability"
