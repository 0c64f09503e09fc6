"""What units do on a domain: by bounds, samples, the solver's series and proved lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Ball, WholeSpace
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.pattern import unpack
from cpwl_milp.core.problem import Problem
from cpwl_milp.enumeration.listing import list_regions
from cpwl_milp.simplification import StateSettings, UnitState, unit_states
from cpwl_milp.simplification.states import PROOFS
from tests.networks import degenerate_network, mlp, random_network

_FREE = 1e-9
# Also where kernels are compiled on a busy machine.
PATIENT = StateSettings(max_seconds=600)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_states_are_those_of_all_regions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 4))
    widths = [int(k) for k in rng.integers(1, 6, int(rng.integers(1, 4)))]
    network, box = degenerate_network(rng, d, widths), Box.uniform(-1, 1, d)
    found = unit_states(network, box, PATIENT)
    regions, outcome = list_regions(Problem.of(network, box))
    assert outcome.complete
    bits = unpack(regions.patterns, network.n_units)
    x = box.sample(4000, rng)
    z = np.concatenate(network.pre_activations(x), axis=1)
    assert np.isin(found.states, (UnitState.BOTH, UnitState.ON, UnitState.OFF)).all()
    for unit, state in enumerate(found.states):
        if state == UnitState.OFF:
            assert not bits[:, unit].any()
            assert z[:, unit].max() <= _FREE
        elif state == UnitState.ON:
            assert z[:, unit].min() >= -_FREE
        else:
            assert bits[:, unit].any()
            assert not bits[:, unit].all()


def corner_unit() -> Network:
    """Six inputs; unit 0 of the second layer is on near one corner only, which samples miss."""
    first = Layer(Affine(np.eye(6), np.full(6, -0.5)), np.zeros(6))
    weight = np.array([np.ones(6), np.ones(6)])
    second = Layer(Affine(weight, np.array([-2.9, -3.1])), np.zeros(2))
    return Network((first, second), Affine(np.ones((1, 2)), np.zeros(1)))


def test_the_solver_finds_what_samples_miss_and_lists_prove_what_it_claims() -> None:
    box = Box.uniform(0, 1, 6)
    by_bounds = unit_states(corner_unit(), box, StateSettings(solver=False))
    assert by_bounds.states[6] == UnitState.OPEN
    # Bounds show what is exact over one layer: the sum is at most 3.
    assert by_bounds.states[7] == UnitState.OFF
    found = unit_states(corner_unit(), box, PATIENT)
    assert found.states[6] == UnitState.BOTH
    assert PROOFS[found.proofs[6]] == "solver"


def test_claims_stay_claims_without_a_list() -> None:
    rng = np.random.default_rng(12)
    for _ in range(40):
        network = random_network(rng, 3, (5, 5, 5))
        box = Box.uniform(-0.6, 0.6, 3)
        short = unit_states(network, box, StateSettings(max_seconds=600, max_regions=1))
        claimed = np.isin(short.states, (UnitState.CLAIMED_ON, UnitState.CLAIMED_OFF))
        if claimed.any():
            break
    else:
        pytest.fail("no network with a unit that only the solver settles")
    whole = unit_states(network, box, PATIENT)
    expected = np.where(short.states == UnitState.CLAIMED_ON, UnitState.ON, UnitState.OFF)
    assert np.array_equal(whole.states[claimed], expected[claimed])
    assert all(PROOFS[k] == "list" for k in whole.proofs[claimed])


def test_other_domains() -> None:
    network = mlp(([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, 2.0, -3.0]), ([[1.0] * 3], [0.0]))
    expected = [UnitState.BOTH, UnitState.ON, UnitState.OFF]
    assert unit_states(network, Ball(np.zeros(2), 1.0, "2", "test")).states.tolist() == expected
    with pytest.raises(DomainError, match="bounded"):
        unit_states(network, WholeSpace(2, "test"))
    fixed = Box(np.array([1.0, -1.0]), np.array([1.0, 1.0]))
    assert unit_states(network, fixed).states.tolist() == [
        UnitState.ON,
        UnitState.ON,
        UnitState.OFF,
    ]


def test_a_network_without_units() -> None:
    assert not len(unit_states(mlp(([[1.0]], [0.0])), Box.uniform(0, 1, 1)).states)
