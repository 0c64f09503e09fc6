"""Distances to activation boundaries against rays, facets and shifted inputs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from cpwl_milp.core.network import Network
from cpwl_milp.local.boundary import nearest_boundaries, sign_changes, unit_gradients
from tests.definitions import tent
from tests.local.balls import NORMS, ORDER, first_change, random_question
from tests.networks import mlp, one_layer


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(12))
def test_no_ray_changes_sooner_and_one_does_there(seed: int, norm: str) -> None:
    network, ball = random_question(seed, norm)
    x = ball.centre
    near = nearest_boundaries(network, x[None], norm)
    distance = float(near.distance[0])
    random = np.random.default_rng(seed)
    ways = random.normal(size=(30, x.size))
    ways /= np.linalg.norm(ways, ord=ORDER[norm], axis=1)[:, None]
    for way in ways:
        assert first_change(network, x, way) >= distance * (1 - 1e-9)
    if not np.isfinite(distance):
        return
    layers = list(unit_gradients(network, x[None]))
    z, gradient = (part[0, near.unit[0]] for part in layers[near.layer[0]])
    way = -np.sign(z) * _steepest(gradient, norm)
    assert np.linalg.norm(way, ord=ORDER[norm]) == pytest.approx(1.0)
    assert first_change(network, x, way) == pytest.approx(distance, rel=1e-6, abs=2e-6)


def _steepest(gradient: np.ndarray, norm: str) -> np.ndarray:
    """A way of length 1 in the norm along which the linear function grows fastest."""
    if norm == "2":
        return gradient / np.linalg.norm(gradient)
    if norm == "inf":
        return np.where(gradient >= 0, 1.0, -1.0)
    way = np.zeros_like(gradient)
    k = int(np.argmax(np.abs(gradient)))
    way[k] = np.sign(gradient[k])
    return way


@pytest.mark.parametrize("seed", range(8))
def test_is_the_distance_to_the_nearest_facet(seed: int) -> None:
    # The least infinity-norm step onto each row of the own cell, staying in it, by a program.
    network, ball = random_question(2 * seed, "inf")
    x = ball.centre
    rows, z = [], []
    for values, gradients in unit_gradients(network, x[None]):
        rows.append(gradients[0])
        z.append(values[0])
    g, value = np.concatenate(rows), np.concatenate(z)
    there = np.abs(g).sum(axis=1) > 0
    g, value = g[there], value[there]
    inward = np.where(value > 0, 1.0, -1.0)
    least = np.inf
    for k in range(len(g)):
        n = x.size
        stay = np.concatenate([-inward[:, None] * g, np.zeros((len(g), 1))], axis=1)
        size = np.block([[np.eye(n), -np.ones((n, 1))], [-np.eye(n), -np.ones((n, 1))]])
        found = linprog(
            np.append(np.zeros(n), 1.0),
            A_ub=np.concatenate([stay, size]),
            b_ub=np.concatenate([inward * value, np.zeros(2 * n)]),
            A_eq=np.append(g[k], 0.0)[None],
            b_eq=[-value[k]],
            bounds=[(None, None)] * n + [(0, None)],
        )
        if found.status == 0:
            least = min(least, found.fun)
    near = nearest_boundaries(network, x[None], "inf")
    assert near.distance[0] == pytest.approx(least, rel=1e-6, abs=1e-9)


def test_units_without_a_gradient_have_no_boundary() -> None:
    # The second layer is fed by a dead unit: z = 0 there, yet nothing changes.
    network = mlp(([[0.0]], [-1.0]), ([[1.0], [2.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0]))
    near = nearest_boundaries(network, np.array([[0.3]]), "2")
    assert near.distance.tolist() == [np.inf]
    assert near.layer.tolist() == near.unit.tolist() == [-1]
    assert (
        nearest_boundaries(Network((), network.output), np.zeros((2, 2)), "2").distance.tolist()
        == [np.inf] * 2
    )


def test_tent_distances() -> None:
    # Two layers of tents fold [0, 1] at 1/4, 1/2, 3/4.
    near = nearest_boundaries(tent(2), np.array([[0.3], [0.45], [0.8]]), "2")
    assert near.distance == pytest.approx([0.05, 0.05, 0.05])
    assert near.layer.tolist() == [1, 0, 1]


def test_density_of_one_unit() -> None:
    network = one_layer([[3.0, 4.0]], [-1.0])
    x = np.array([[0.2, 0.1]])
    near = nearest_boundaries(network, x, "2", sigma=0.5)
    assert near.density[0] == pytest.approx(5.0 * np.exp(0.0) / (0.5 * np.sqrt(2 * np.pi)))


def test_density_is_the_expected_area_under_random_biases() -> None:
    # One input: the boundaries of unit w x + b + noise lie at -(b + noise) / w; their density at x.
    network = one_layer([[2.0], [-1.5]], [0.3, 0.4])
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.5, size=(200_000, 2))
    roots = -(np.array([0.3, 0.4]) + noise) / np.array([2.0, -1.5])
    x, h = 0.1, 0.02
    seen = np.sum(np.abs(roots - x) < h) / len(noise) / (2 * h)
    near = nearest_boundaries(network, np.array([[x]]), "2", sigma=0.5)
    assert near.density[0] == pytest.approx(seen, rel=0.03)


def test_sign_changes_are_between_none_and_the_crossing_units() -> None:
    network = one_layer([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [-0.5, 5.0, 0.0])
    points = np.array([[0.0, 0.0], [3.0, 3.0]])
    random = np.random.default_rng(0)
    # A full basis in the plane: a unit through the centre always changes.
    changes = sign_changes(network, points, 1.0, 5, random)
    assert changes.tolist()[1] == 0
    assert 1 <= changes[0] <= 2


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    network, _ = random_question(4, "2")
    points = np.random.default_rng(1).normal(size=(17, network.n_inputs))
    whole = nearest_boundaries(network, points, "1")
    monkeypatch.setattr("cpwl_milp.local.boundary._BLOCK_ENTRIES", 1)
    single = nearest_boundaries(network, points, "1")
    assert np.allclose(whole.distance, single.distance, rtol=1e-9)
    assert np.allclose(whole.density, single.density)
