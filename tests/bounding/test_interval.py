from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.bounding.interval import activation_bounds, affine_bounds, interval_bounds
from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box
from cpwl_milp.core.network import Layer, Network
from tests.bounding.reference import assert_exactly_inside, corners
from tests.networks import degenerate_network, mlp

WIDE = st.builds(lambda m, e: float(np.ldexp(m, e)), st.floats(-1, 1), st.integers(-40, 40))


@st.composite
def wide_layers(draw: st.DrawFn) -> tuple[Affine, Box]:
    n, m = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    weight = np.array(draw(st.lists(WIDE, min_size=n * m, max_size=n * m))).reshape(m, n)
    bias = np.array(draw(st.lists(WIDE, min_size=m, max_size=m)))
    ends = np.array(draw(st.lists(st.tuples(WIDE, WIDE), min_size=n, max_size=n)))
    return Affine(weight, bias), Box(ends.min(axis=1), ends.max(axis=1))


@settings(max_examples=150, deadline=None)
@given(wide_layers())
def test_one_layer_contains_its_exact_range(question: tuple[Affine, Box]) -> None:
    affine, box = question
    network = Network((Layer(affine, np.zeros(affine.n_out)),), Affine.identity(affine.n_out))
    bounds = interval_bounds(network, box)
    assert_exactly_inside(network, bounds, corners(box))
    for i in range(affine.n_out):
        # And is not wider than the exact range by more than the rounding of its terms.
        row = [Fraction(float(w)) for w in affine.weight[i]]
        ends = [
            [r * Fraction(float(v)) for v in pair]
            for r, pair in zip(row, zip(box.lower, box.upper, strict=True), strict=True)
        ]
        bias = Fraction(float(affine.bias[i]))
        size = float(sum(max(abs(a), abs(b)) for a, b in ends) + abs(bias))
        slack = 1e-14 * size + 1e-290
        assert float(sum(min(e) for e in ends) + bias) - bounds.lower[0][i] <= slack
        assert bounds.upper[0][i] - float(sum(max(e) for e in ends) + bias) <= slack


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([0.0, 0.1, -1.0, 1.0, 1.5, 0.25, -0.3, 3.0]), WIDE, WIDE, st.floats(0, 1))
def test_units_of_any_slope(slope: float, a: float, b: float, t: float) -> None:
    low, high = min(a, b), max(a, b)
    layer = Layer(Affine.identity(1), np.array([slope]))
    lower, upper = activation_bounds(layer, np.array([low]), np.array([high]))
    inside = min(max(low + t * (high - low), low), high)
    for z in [low, high, inside, min(max(0.0, low), high)]:
        value = Fraction(z) if z > 0 else Fraction(slope) * Fraction(z)
        assert float(lower[0]) <= value <= float(upper[0])
    ends = [v if v > 0 else slope * v for v in (low, high)] + [0.0] * (low <= 0 <= high)
    assert lower[0] == pytest.approx(min(ends), rel=1e-15, abs=1e-300)
    assert upper[0] == pytest.approx(max(ends), rel=1e-15, abs=1e-300)


def test_copies_and_vanishing_sums_stay_exact() -> None:
    """A unit that cannot exceed 0 must not become unstable by a margin."""
    box = Box(np.array([0.1, -0.3]), np.array([0.7, 0.3]))
    network = mlp(
        ([[1.0, 0.0], [0.0, -1.0], [0.3, 0.1]], [0.0, 0.0, 0.0]),
        ([[-0.3, -0.7, -0.9], [1.0, 0.0, 0.0]], [0.0, 0.0]),
        ([[1.0, 1.0]], [0.0]),
    )
    bounds = interval_bounds(network, box)
    assert bounds.lower[0][:2].tolist() == [0.1, -0.3]
    assert bounds.upper[0][:2].tolist() == [0.7, 0.3]
    assert bounds.lower[1][1] == 0.1
    # Relu values are >= 0, so the best case of the second layer's first unit is near 0 at least.
    zero = mlp(([[1.0], [-1.0]], [0.0, 0.0]), ([[-0.3, -0.7]], [0.0]), ([[1.0]], [0.0]))
    assert interval_bounds(zero, Box.uniform(-1, 1, 1)).upper[1][0] == 0.0


def test_sparse_and_dense_agree() -> None:
    rng = np.random.default_rng(5)
    weight = rng.normal(size=(30, 40)) * (rng.random((30, 40)) < 0.1)
    low = rng.normal(size=40)
    high = low + rng.random(40)
    bias = rng.normal(size=30)
    dense = affine_bounds(Affine(weight, bias), low, high)
    sparse = affine_bounds(Affine(sp.csr_array(weight), bias), low, high)
    for d, s in zip(dense, sparse, strict=True):
        np.testing.assert_allclose(d, s, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("seed", range(20))
def test_degenerate_networks_in_exact_arithmetic(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = degenerate_network(rng, int(rng.integers(1, 4)), [5, 4, 3])
    box = Box.uniform(-1, 1, network.n_inputs)
    bounds = interval_bounds(network, box)
    assert_exactly_inside(network, bounds, corners(box) + list(box.sample(5, rng)))


def test_overflow_gives_infinite_bounds() -> None:
    huge = ([[1e300, -1e300]] * 2, [0.0, 0.0])
    network = mlp(huge, huge, huge, ([[1.0, 1.0]], [0.0]))
    bounds = interval_bounds(network, Box.uniform(-1, 1, 2))
    assert bounds.lower[2].tolist() == [-np.inf] * 2
    assert bounds.upper[2].tolist() == [np.inf] * 2


def test_underflow_is_charged() -> None:
    network = mlp(([[1e-200]], [0.0]), ([[1.0]], [0.0]))
    bounds = interval_bounds(network, Box(np.array([-1e-200]), np.array([1e-200])))
    assert_exactly_inside(network, bounds, [np.array([-1e-200]), np.array([1e-200])])
