"""Exact entropies by volume: closed forms, sums, and large samples."""

from __future__ import annotations

import numpy as np
import pytest

from cpwl_milp.core.domain import Box
from cpwl_milp.core.domains import Ball
from cpwl_milp.core.errors import CheckFailedError, DataError, DomainError
from cpwl_milp.core.network import Network
from cpwl_milp.domains import polytope
from cpwl_milp.information import region_volumes as module
from cpwl_milp.information.volumes import (
    ExactInformation,
    decided_regions,
    decisions,
    exact_information,
    with_decisions,
)
from tests.definitions import SERRA_FIG2, tent
from tests.networks import mlp, random_network


def exact(network: Network, box: Box) -> ExactInformation:
    return exact_information(network, decided_regions(network, box))


def test_serra_figure_2() -> None:
    found = exact(SERRA_FIG2, Box.uniform(-1, 2, 1)).layers[-1].prefix
    assert found.regions == 5
    assert found.entropy_bits == pytest.approx(2.251629, abs=1e-6)
    assert (found.smallest, found.largest) == pytest.approx((1 / 6, 1 / 3))


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_tent_information_appears_at_one_layer(depth: int) -> None:
    folded = tent(depth)
    # Y = [tent^(k-1)(x) > 1/2], which is the second unit of the last layer.
    label = mlp(([[0.0, 1.0]], [0.0])).output
    network = Network(folded.layers, label)
    found = exact(network, Box.uniform(0, 1, 1))
    assert found.label_entropy_bits == pytest.approx(1)
    assert found.volume_share == pytest.approx(1, abs=1e-12)
    for k in found.layers:
        assert k.prefix.entropy_bits == pytest.approx(k.layer, abs=1e-9)
        assert k.own.entropy_bits == pytest.approx(1, abs=1e-9)
        expected = 1.0 if k.layer == depth else 0.0
        assert k.prefix.mi_labels_bits == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("dim", "widths", "method"),
    [
        (1, [8, 8], "cells"),
        (2, [6, 5], "cells"),
        (3, [5, 4], "cells"),
        (4, [6, 3], "hulls"),
        (5, [5, 3], "hulls"),
    ],
)
def test_large_samples_agree(dim: int, widths: list[int], method: str) -> None:
    rng = np.random.default_rng(dim)
    network = random_network(rng, dim, widths, n_outputs=3)
    box = Box.uniform(-1, 1, dim)
    parts = decided_regions(network, box)
    assert parts.method == method
    assert parts.volume_share == pytest.approx(1, abs=1e-9)
    found = exact_information(network, parts)
    x = box.sample(200_000, rng)
    classes = network(x).argmax(axis=1)
    for k in found.layers:
        for part, bits in (
            (k.own, network.bits(x)[:, network.layer_bits(k.layer - 1)]),
            (k.prefix, network.bits(x)[:, : network.offsets[k.layer]]),
        ):
            place = np.unique(bits, axis=0, return_inverse=True)[1].ravel()
            table = np.zeros((place.max() + 1, 3))
            np.add.at(table, (place, classes), 1 / len(x))
            # Plug-in bias and spread are both below 0.01 here.
            assert part.regions >= len(table)
            assert part.entropy_bits == pytest.approx(bits_of(table.sum(axis=1)), abs=0.02)
            told = bits_of(table.sum(axis=1)) + bits_of(table.sum(axis=0)) - bits_of(table)
            assert part.mi_labels_bits == pytest.approx(told, abs=0.02)
            both = part.mi_labels_bits + part.label_entropy_given_region_bits
            assert both == pytest.approx(found.label_entropy_bits)


def bits_of(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


def test_a_noisy_label() -> None:
    """A decision that a binary symmetric channel flips: I = H(flip) less, in closed form."""
    network = mlp(([[1.0]], [0.0]), ([[1.0], [-1.0]], [-0.5, 0.5]))
    parts = decided_regions(network, Box.uniform(-1, 1, 1))
    flip = 0.1
    channel = np.array([[1 - flip, flip], [flip, 1 - flip]])
    found = exact_information(network, parts, channel)
    # x > 0 is the region, of which the half x > 1/2 decides for 0.
    given = (bits_of(np.array([0.5, 0.5])) + bits_of(np.array([flip, 1 - flip]))) / 2
    label = bits_of(np.array([0.25, 0.75]) @ channel)
    assert found.label_entropy_bits == pytest.approx(label)
    assert found.layers[0].own.mi_labels_bits == pytest.approx(label - given)
    for bad in (np.ones((2, 2)), np.ones((3, 1)), np.array([[2.0, -1.0], [0.0, 1.0]])):
        with pytest.raises(DataError, match="probabilities"):
            exact_information(network, parts, bad)


def test_a_polytope() -> None:
    triangle = polytope(
        np.array([[1.0, 1.0]]), np.array([1.0]), within=Box.uniform(0, 1, 2), origin="triangle"
    )
    network = mlp(([[1.0, -1.0]], [0.0]), ([[1.0]], [-10.0]))
    found = exact_information(network, decided_regions(network, triangle))
    assert found.layers[0].own.entropy_bits == pytest.approx(1)
    assert found.label_entropy_bits == pytest.approx(0, abs=1e-12)


def test_decisions_are_those_of_argmax() -> None:
    rng = np.random.default_rng(0)
    network = random_network(rng, 3, [4], n_outputs=4)
    extended = with_decisions(network)
    x = rng.normal(size=(500, 3))
    bits = extended.bits(x)[:, network.n_units :]
    assert np.array_equal(decisions(bits, 4), network(x).argmax(axis=1))
    # The first of equals.
    same = mlp(([[1.0]], [0.0]), ([[1.0], [1.0], [0.0]], [0.0, 0.0, -1.0]))
    bits = with_decisions(same).bits(np.array([[0.5]]))[:, 1:]
    assert decisions(bits, 3).tolist() == [0]


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network(np.random.default_rng(0), 7, [3])
    with pytest.raises(DomainError, match="--draws"):
        decided_regions(network, Box.uniform(-1, 1, 7))
    network = random_network(np.random.default_rng(0), 2, [3])
    with pytest.raises(DomainError, match="curved"):
        decided_regions(network, Ball(np.zeros(2), 1.0, "2"))
    by_cells = module._by_cells

    def lacking(problem: object) -> tuple[np.ndarray, np.ndarray]:
        patterns, volumes = by_cells(problem)  # type: ignore[arg-type]
        return patterns[1:], volumes[1:]

    monkeypatch.setattr(module, "_by_cells", lacking)
    with pytest.raises(CheckFailedError, match="of the domain"):
        decided_regions(network, Box.uniform(-1, 1, 2))
