"""Bounds over batches: never above what the network takes, in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.property import LinearRows
from cpwl_milp.verification.ascent import Ascent, Choices, Head
from cpwl_milp.verification.exact import exact_excess, exact_outputs
from cpwl_milp.verification.passes import Nodes, Passes
from tests.networks import degenerate_network, random_network
from tests.verification.test_verify import rational_outputs

SEEDS = st.integers(0, 10**6)


def case(seed: int) -> tuple[np.random.Generator, Network, Box, LinearRows]:
    """A network with slopes of all kinds, a box, and rows that mix inputs and outputs."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 4))
    if rng.random() < 0.5:
        network = degenerate_network(rng, n, (5, 4), 2)
    else:
        plain = random_network(rng, n, (5, 4), 2)
        slopes = [rng.choice([0.0, 0.1, 1.0, -1.0, 1.5], 5), rng.choice([0.0, 0.3, 1.0], 4)]
        layers = zip(plain.layers, slopes, strict=True)
        network = Network(tuple(Layer(a.affine, s) for a, s in layers), plain.output)
    box = Box(np.full(n, -1.0), rng.uniform(0.5, 1.5, n))
    rows = LinearRows.closed(rng.normal(size=(2, 2)), rng.normal(size=2), rng.normal(size=(2, n)))
    return rng, network, box, rows


def nodes_within(
    rng: np.random.Generator, box: Box, count: int, *, points: bool
) -> tuple[np.ndarray, np.ndarray]:
    one, two = box.sample(count, rng), box.sample(count, rng)
    return (one, one) if points else (np.minimum(one, two), np.maximum(one, two))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SEEDS, st.booleans())
def test_bounds_of_boxes_hold_exactly(seed: int, points: bool) -> None:
    """A box may be a point: then nothing but the charge for rounding keeps the bound below."""
    rng, network, box, rows = case(seed)
    passes = Passes(network, box, pre_activation_bounds(network, box))
    lower, upper = nodes_within(rng, box, 6, points=points)
    nodes = passes.bounded(lower, upper)
    x = rng.uniform(lower, upper)
    for k, z in enumerate(network.pre_activations(x)):
        slack = 1e-12 * (1 + np.abs(z))
        assert np.all(nodes.low[k] <= z + slack)
        assert np.all(nodes.high[k] >= z - slack)
    owner = np.repeat(np.arange(6), 2)
    row = np.tile(np.arange(2), 6)
    found = passes.minima(
        nodes,
        passes.lines(nodes),
        owner,
        rows.on_outputs[row],
        rows.on_inputs[row],
        -rows.limit[row],
    )
    for node in range(6):
        exact = exact_excess(network, rows, x[node])
        least = found.minimum[owner == node]
        assert all(Fraction(m) <= value for m, value in zip(least, exact, strict=True))
        if points:
            near = [float(value - Fraction(m)) for m, value in zip(least, exact, strict=True)]
            assert max(near) < 1e-9


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SEEDS, st.booleans())
def test_improved_bounds_hold_where_signs_are_as_decided(seed: int, points: bool) -> None:
    rng, network, box, rows = case(seed)
    one = LinearRows.closed(rows.on_outputs[:1], rows.limit[:1], rows.on_inputs[:1])
    bounds = pre_activation_bounds(network, box)
    passes = Passes(network, box, bounds)
    lower, upper = nodes_within(rng, box, 5, points=points)
    x = rng.uniform(lower, upper)
    signs, low, high = [], [], []
    for k, z in enumerate(network.pre_activations(x)):
        open_here = (bounds.lower[k] < 0) & (bounds.upper[k] > 0) & (network.layers[k].slope != 1)
        decided = open_here & (rng.random(z.shape) < 0.5) & (np.abs(z) > 1e-9)
        sign = np.where(decided, np.sign(z), 0).astype(np.int8)
        signs.append(sign)
        low.append(np.where(sign > 0, 0.0, np.tile(bounds.lower[k], (5, 1))))
        high.append(np.where(sign < 0, 0.0, np.tile(bounds.upper[k], (5, 1))))
    nodes = Nodes(lower, upper, low, high)
    lines = passes.lines(nodes)
    begin = Choices(
        [line.lower_slope.astype(np.float32) for line in lines],
        [rng.exponential(0.1, sign.shape).astype(np.float32) for sign in signs],
        np.ones((5, 1)),
    )
    ascent = Ascent(passes, Head(passes, one), nodes, signs, lines)
    plain = ascent.run(begin, 0).least
    found = ascent.run(begin, 15).least
    assert np.all(found >= plain)
    for node in range(5):
        (exact,) = exact_excess(network, one, x[node])
        assert Fraction(found[node]) <= exact


def test_an_ascent_gains_much() -> None:
    """Decided signs and free slopes are worth something: gains on nearly every network."""
    gains = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        network = random_network(rng, 6, (12, 12), 1)
        box = Box.uniform(-1, 1, 6)
        passes = Passes(network, box, pre_activation_bounds(network, box))
        nodes = passes.unbounded(box.lower[None], box.upper[None])
        lines = passes.lines(nodes)
        signs = [np.zeros((1, 12), dtype=np.int8) for _ in range(2)]
        rows = LinearRows.closed(np.ones((1, 1)), np.zeros(1), np.zeros((1, 6)))
        beta = [np.zeros((1, 12)) for _ in range(2)]
        begin = Choices([line.lower_slope for line in lines], beta, np.ones((1, 1)))
        ascent = Ascent(passes, Head(passes, rows), nodes, signs, lines)
        plain, better = (float(ascent.run(begin, steps).least[0]) for steps in (0, 60))
        assert better >= plain
        gains.append((better - plain) / abs(plain))
    assert np.median(gains) > 0.05


@settings(max_examples=50, deadline=None, derandomize=True)
@given(SEEDS)
def test_exact_outputs(seed: int) -> None:
    rng, network, box, rows = case(seed)
    x = box.sample(1, rng)[0]
    x[rng.random(x.size) < 0.2] = rng.choice([0.0, 5e-324, -1e-310, 2.0**-60])
    expected = rational_outputs(network, x)
    assert exact_outputs(network, x) == expected
    for k, value in enumerate(exact_excess(network, rows, x)):
        left = sum(Fraction(c) * y for c, y in zip(rows.on_outputs[k], expected, strict=True))
        left += sum(Fraction(c) * Fraction(v) for c, v in zip(rows.on_inputs[k], x, strict=True))
        assert value == left - Fraction(rows.limit[k])


@pytest.mark.parametrize("seed", range(5))
def test_exact_outputs_of_sparse_maps(seed: int) -> None:
    import scipy.sparse as sp

    from cpwl_milp.core.affine import Affine

    rng = np.random.default_rng(seed)
    weight = sp.random_array((6, 4), density=0.3, rng=rng, format="csr")
    network = Network(
        (Layer(Affine(sp.csr_array(weight), rng.normal(size=6)), np.zeros(6)),),
        Affine(rng.normal(size=(2, 6)), np.zeros(2)),
    )
    x = rng.normal(size=4)
    dense = Network(
        (Layer(Affine(weight.toarray(), network.layers[0].affine.bias), np.zeros(6)),),
        network.output,
    )
    assert exact_outputs(network, x) == rational_outputs(dense, x)
