"""Proofs of right and of wrong lists, against exact rational oracles."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cpwl_milp.core.affine import Affine
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains import Ball, WholeSpace
from cpwl_milp.core.errors import DomainError
from cpwl_milp.core.network import Layer, Network
from cpwl_milp.core.problem import Problem
from cpwl_milp.domains import polytope
from cpwl_milp.engines.choice import EngineSettings
from cpwl_milp.engines.proof import prove
from cpwl_milp.enumeration.listing import list_regions
from tests.certificates import certified, leaves
from tests.definitions import tent
from tests.networks import degenerate_network, grid, mlp, one_layer, random_network
from tests.oracles_exact import exact_patterns
from tests.slivers import sliver_network


def _drawn(seed: int) -> tuple[Network, Box]:
    rng = np.random.default_rng(seed)
    dim = int(rng.integers(1, 4))
    widths = [int(k) for k in rng.integers(1, 4, rng.integers(1, 4 if dim < 3 else 3))]
    make = (degenerate_network, random_network, degenerate_network, sliver_network)[seed % 4]
    if seed % 3:
        return make(rng, dim, widths), Box.uniform(-1, 1, dim)
    corner = np.floor(rng.normal(0, 2, (2, dim)) * 4) / 4
    return make(rng, dim, widths), Box(corner[0] - 1, corner[1] + 8)


@pytest.mark.parametrize("seed", range(10))
def test_lists_of_an_independent_oracle_are_proved_and_checked(seed: int) -> None:
    """500 networks in all, random and degenerate."""
    for k in range(50):
        network, box = _drawn(50 * seed + k)
        truth = set(exact_patterns(network, box))
        made = certified(network, box, truth)
        assert made.proof.complete
        assert (made.proof.missed, made.proof.phantom) == (0, 0)
        assert made.proof.regions == len(truth)
        assert made.checked() == truth


def test_wrong_lists_are_put_right() -> None:
    for seed in range(60):
        network, box = _drawn(seed)
        truth = set(exact_patterns(network, box))
        rng = np.random.default_rng(seed)
        kept = {pattern for pattern in truth if rng.random() < 0.6}
        strange = {tuple(rng.integers(0, 2, network.n_units).tolist()) for _ in range(2)}
        made = certified(network, box, kept | strange)
        assert made.proof.complete
        assert made.proof.missed == len(truth - kept - strange)
        assert made.proof.phantom == len(strange - truth)
        assert made.checked() == truth


def test_a_row_listed_twice_is_a_phantom() -> None:
    rows = np.array([[0], [1], [1]], dtype=np.bool_)
    proof = certified(one_layer([[1.0]], [0.0]), Box.uniform(-1, 1, 1), rows).proof
    assert (proof.regions, proof.phantom, proof.missed) == (2, 1, 0)


def test_prefixes_are_counted_from_the_proved_list() -> None:
    network, box = _drawn(5)
    truth = set(exact_patterns(network, box))
    proof = certified(network, box, truth).proof
    ends = list(itertools.accumulate(network.widths))
    assert proof.prefix_regions == tuple(len({p[:end] for p in truth}) for end in ends)


def _near_parallel() -> Network:
    slope = np.nextafter(0.5, 1.0)
    return one_layer([[1.0, 0.5], [1.0, slope], [slope, 1.0]], [0.0, 0.0, 0.25])


def _scaled(exponent: int) -> Network:
    network = degenerate_network(np.random.default_rng(3), 2, [4, 3])
    layers = tuple(
        Layer(
            Affine(np.ldexp(layer.affine.dense(), exponent), np.ldexp(layer.affine.bias, exponent)),
            layer.slope,
        )
        for layer in network.layers
    )
    return Network(layers, network.output)


FAMILIES: dict[str, tuple[Network, Domain]] = {
    "zero bias": (
        one_layer([[1.0, 0.3], [-0.2, 1.0], [1.0, -1.0], [0.7, 0.9]], [0.0] * 4),
        Box.uniform(-1, 1, 2),
    ),
    "parallel": (one_layer([[1.0, 2.0]] * 3, [0.0, 0.25, -0.5]), Box.uniform(-1, 1, 2)),
    "duplicate": (one_layer([[1.0, 2.0]] * 3, [0.25] * 3), Box.uniform(-1, 1, 2)),
    "opposite": (one_layer([[1.0, 2.0], [-1.0, -2.0]], [0.25, -0.25]), Box.uniform(-1, 1, 2)),
    "tent at its kinks": (tent(4), Box.uniform(0.0, 1.0, 1)),
    "integers": (
        mlp(
            ([[1, 2], [2, -1], [1, 1]], [0, 1, -1]),
            ([[1, -1, 1], [-1, 2, 0]], [0, -1]),
            ([[1, 1]], [0]),
        ),
        Box.uniform(-2, 2, 2),
    ),
    "grid, aligned with the box": (grid(2, 2), Box.uniform(1.0, 2.0, 2)),
    "grid": (grid(3, 2), Box.uniform(0.0, 4.0, 2)),
    "three lines through a point": (
        one_layer([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.5, 0.25, 0.75]),
        Box.uniform(-1, 1, 2),
    ),
    "near-parallel by one ulp": (_near_parallel(), Box.uniform(-1, 1, 2)),
    "weights times 2^-40": (_scaled(-40), Box.uniform(-1, 1, 2)),
    "weights times 2^40": (_scaled(40), Box.uniform(-1, 1, 2)),
    "weights beyond floats' reach": (
        one_layer([[1e-200, 1e-200], [1e200, -1e200]], [0.0, 0.0]),
        Box.uniform(-1, 1, 2),
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_degenerate_families(family: str) -> None:
    network, box = FAMILIES[family]
    assert isinstance(box, Box)
    truth = set(exact_patterns(network, box))
    made = certified(network, box, truth)
    assert made.proof.complete
    assert (made.proof.missed, made.proof.phantom) == (0, 0)
    assert made.checked() == truth


@pytest.mark.parametrize(
    "domain",
    [
        polytope(
            np.array([[1.0, 1.0], [-1.0, 2.0], [-2.0, -1.0]]),
            np.array([0.5, 0.75, 2.0]),
            within=Box.uniform(-1, 1, 2),
            origin="test",
        ),
        WholeSpace(2),
        Ball(np.zeros(2), 0.5, "1"),
        Box(np.array([-1.0, 0.5]), np.array([1.0, 0.5])),
    ],
    ids=["polytope", "whole space", "cross-polytope", "a fixed input"],
)
def test_all_domains_with_linear_faces(domain: Domain) -> None:
    network = random_network(np.random.default_rng(1), 2, [5, 4])
    problem = Problem.of(network, domain)
    regions, outcome = list_regions(problem, EngineSettings(name="tree"))
    assert outcome.complete
    proof = prove(problem, [regions.patterns])
    assert (proof.reason, proof.missed, proof.phantom) == ("", 0, 0)
    assert proof.regions == len(regions)


def test_a_larger_list_takes_floats_alone_and_passes_the_checker() -> None:
    network = random_network(np.random.default_rng(0), 3, [12, 12])
    problem = Problem.of(network, Box.uniform(-1, 1, 3))
    regions, _ = list_regions(problem, EngineSettings(name="tree"))
    bits = np.unpackbits(regions.patterns, axis=1, count=24, bitorder="little")
    made = certified(network, Box.uniform(-1, 1, 3), bits.astype(np.bool_))
    assert made.proof.regions == len(regions) > 1000
    assert made.proof.rationals < made.proof.floats / 1000
    assert len(leaves(made.data, problem)) == len(regions)


def test_a_round_face_is_refused() -> None:
    network = random_network(np.random.default_rng(0), 2, [3])
    problem = Problem.of(network, Ball(np.zeros(2), 1.0, "2"))
    with pytest.raises(DomainError, match="round face"):
        prove(problem, [])


def test_a_proof_that_runs_out_of_time_says_so() -> None:
    zero_bias = one_layer([[1.0, 0.3], [-0.2, 1.0], [1.0, -1.0]], [0.0] * 3)
    problem = Problem.of(zero_bias, Box.uniform(-1, 1, 2))
    regions, _ = list_regions(problem, EngineSettings(name="tree"))
    proof = prove(problem, [regions.patterns], deadline=0.0)
    assert proof.reason == "max-seconds"
    assert not proof.complete
    assert proof.regions < len(regions)
