from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.bounding import METHODS, pre_activation_bounds
from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import DomainError, InputError
from cpwl_milp.core.network import Network
from tests.bounding.reference import Polytope
from tests.networks import degenerate_network, random_network

CHEAP = METHODS[:3]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_methods_only_tighten_and_never_cut_a_sample(seed: int) -> None:
    rng = np.random.default_rng(seed)
    build = degenerate_network if rng.random() < 0.7 else random_network
    widths = rng.integers(1, 7, size=rng.integers(1, 4)).tolist()
    network = build(rng, int(rng.integers(1, 5)), widths)
    box = Box(-rng.random(network.n_inputs), rng.random(network.n_inputs))
    found = [pre_activation_bounds(network, box, method=m) for m in CHEAP]
    for loose, tight in itertools.pairwise(found):
        for k in range(len(network.layers)):
            assert np.all(loose.lower[k] <= tight.lower[k])
            assert np.all(tight.upper[k] <= loose.upper[k])
    # float64 evaluation errs by about 1e-15 of the values; the exact tests allow nothing.
    for k, z in enumerate(network.pre_activations(box.sample(300, rng))):
        slack = 1e-13 * (1 + np.abs(z).max(axis=0))
        assert np.all(found[-1].lower[k] <= z.min(axis=0) + slack)
        assert np.all(z.max(axis=0) <= found[-1].upper[k] + slack)


def test_bits_of_samples_agree_with_stability() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        network = degenerate_network(rng, 2, [6, 6])
        box = Box.uniform(-0.5, 0.5, 2)
        bits = network.bits(box.sample(500, rng))
        stability = pre_activation_bounds(network, box, method="lp").stability(network)
        for k, known in enumerate(stability):
            own = bits[:, network.layer_bits(k)]
            assert own[:, known.always_active].all()
            assert not own[:, known.always_inactive].any()


def test_inequalities_tighten() -> None:
    network = random_network(np.random.default_rng(1), 2, [6, 6])
    box = Box.uniform(-1, 1, 2)
    half = Polytope(box, np.array([[1.0, 1.0]]), np.array([-0.5]))
    over_box = pre_activation_bounds(network, box, method="lp")
    over_half = pre_activation_bounds(network, half, method="lp")
    assert all(np.all(a >= b) for a, b in zip(over_half.lower, over_box.lower, strict=True))
    assert all(np.all(a <= b) for a, b in zip(over_half.upper, over_box.upper, strict=True))
    assert np.any(over_half.upper[0] < over_box.upper[0] - 0.1)


def test_a_network_without_layers_has_no_bounds() -> None:
    bounds = pre_activation_bounds(Network((), Affine.identity(2)), Box.uniform(0, 1, 2))
    assert bounds.lower == ()


def test_what_cannot_be_bounded_is_named() -> None:
    network = random_network(np.random.default_rng(0), 2, [3])
    with pytest.raises(InputError, match=r"guess.*interval, crown, lp, milp"):
        pre_activation_bounds(network, Box.uniform(0, 1, 2), method="guess")
    with pytest.raises(DomainError, match=r"3 coordinates.*2"):
        pre_activation_bounds(network, Box.uniform(0, 1, 3))


def test_a_domain_proved_empty_is_an_error() -> None:
    """Empty by less than the solver's tolerance, which the safe bounds see all the same."""
    network = random_network(np.random.default_rng(0), 1, [3])
    for layer in network.layers:
        layer.affine.bias[:] = 0
    empty = Polytope(Box.uniform(-1, 1, 1), np.array([[1.0], [-1.0]]), np.array([0.0, -1e-8]))
    with pytest.raises(DomainError, match="empty"):
        pre_activation_bounds(network, empty, method="lp")
