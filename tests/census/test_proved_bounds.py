"""Bounds that are theorems: fates of units and samples, against exact oracles."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from cpwl_milp.bounding import pre_activation_bounds
from cpwl_milp.census.proved_fates import proved_fates
from cpwl_milp.census.proved_samples import clearly, proved_samples
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.network import Network
from cpwl_milp.core.problem import Problem
from tests.networks import degenerate_network, mlp, one_layer, random_network
from tests.oracles_exact import exact_patterns


def _exact_signs(network: Network, x: list[float]) -> list[int]:
    values = [Fraction(v) for v in x]
    signs = []
    for layer in network.layers:
        rows, biases = layer.affine.dense().tolist(), layer.affine.bias.tolist()
        z = [
            sum((Fraction(w) * v for w, v in zip(row, values, strict=True)), Fraction(b))
            for row, b in zip(rows, biases, strict=True)
        ]
        signs += [(v > 0) - (v < 0) for v in z]
        slopes = layer.slope.tolist()
        values = [v if v > 0 else Fraction(s) * v for v, s in zip(z, slopes, strict=True)]
    return signs


def test_signs_called_clear_are_the_true_ones() -> None:
    rng = np.random.default_rng(0)
    network = random_network(rng, 3, [8, 8, 6])
    x = rng.uniform(-1, 1, (40, 3))
    bits = network.bits(x)
    assert clearly(network, x, bits).all()
    for point, own in zip(x.tolist(), bits.tolist(), strict=True):
        assert [sign > 0 for sign in _exact_signs(network, point)] == own
    # Values that rounding alone tells from 0 are not clear.
    near = one_layer([[0.1, 0.2, -0.3]], [0.0])
    at = np.array([[1.0, 1.0, 1.0 + k * 2.0**-52] for k in range(-1, 2)])
    assert not clearly(near, at, near.bits(at)).any()


@pytest.mark.parametrize("seed", range(12))
def test_samples_prove_no_region_that_is_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    make = degenerate_network if seed % 2 else random_network
    network = make(rng, 2, [4, 3])
    box = Box.uniform(-1, 1, 2)
    problem = Problem.of(network, box)
    bounds = pre_activation_bounds(network, box)
    truth = len(exact_patterns(network, box))
    found = proved_samples(problem, bounds, 2000, seed)
    assert 0 < found.regions <= truth
    assert found.regions == found.floats + found.rationals or found.rationals > 0


def test_a_sample_where_a_unit_is_zero_on_the_whole_region_counts() -> None:
    # The unit of the second layer is fed by one that is dead where x < 0.
    network = mlp(([[1.0]], [0.0]), ([[1.0]], [0.0]), ([[1.0]], [0.0]))
    problem = Problem.of(network, Box.uniform(-1, 1, 1))
    bounds = pre_activation_bounds(network, problem.domain)
    found = proved_samples(problem, bounds, 100, 0)
    assert (found.regions, found.rationals) == (2, 1)


def test_samples_of_a_ball() -> None:
    network = random_network(np.random.default_rng(1), 2, [5])
    problem = Problem.of(network, Ball(np.zeros(2), 1.0, "2"))
    bounds = pre_activation_bounds(network, problem.domain)
    found = proved_samples(problem, bounds, 500, 0)
    assert found.regions == found.floats > 1


def test_a_unit_that_only_touches_zero_is_fixed_in_rationals() -> None:
    # Largest values: 0.1 + 0.2 - c with c the exact sum, a little above, and a little below it.
    total = Fraction(0.1) + Fraction(0.2)
    above = float(np.nextafter(float(total), 1.0))
    network = one_layer([[0.1, 0.2], [0.1, 0.2], [1.0, 1.0]], [-above, -0.3 + 1e-15, 0.0])
    box = Box.uniform(-1, 1, 2)
    found = proved_fates(network, box, pre_activation_bounds(network, box))
    fixed = found.bounds.stability(network)[0]
    assert Fraction(above) >= total
    assert fixed.always_inactive.tolist() == [True, False, False]
    assert found.rationals >= 1


def test_fates_agree_with_the_definition() -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        network = degenerate_network(rng, 2, [4, 3])
        box = Box.uniform(-1, 1, 2)
        fates = proved_fates(network, box, pre_activation_bounds(network, box))
        bits = np.array(sorted(exact_patterns(network, box)), dtype=bool)
        for index, stability in enumerate(fates.bounds.stability(network)):
            own = bits[:, network.layer_bits(index)]
            assert own[:, stability.always_active].all()
            assert not own[:, stability.always_inactive].any()
