"""Gaussian noise on known networks: quadrature's answers, bounds, limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from cpwl_milp.core.errors import DataError
from cpwl_milp.information.activations.kde import kde_bounds
from cpwl_milp.information.activations.mixtures import Centres, log_kernel_sums
from cpwl_milp.information.activations.propagation import (
    noisy_network_information,
    noisy_output_information,
)
from cpwl_milp.information.labels import as_labels

NATS = float(np.log(2))
X = np.array([-3.0, -1.0, 1.0, 3.0])


def relu(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0)


def quadrature(points: np.ndarray, sigma: float) -> float:
    """I(S; S + Z) in bits of equally probable points on the line."""

    def density(t: float) -> float:
        return float(np.exp(-((t - points) ** 2) / (2 * sigma**2)).mean())

    constant = sigma * np.sqrt(2 * np.pi)
    low, high = points.min() - 10 * sigma, points.max() + 10 * sigma
    entropy = quad(
        lambda t: -density(t) / constant * np.log(density(t) / constant + 1e-300),
        low, high, points=np.unique(points), limit=400,
    )[0]  # fmt: skip
    return (entropy - 0.5 * np.log(2 * np.pi * np.e * sigma**2)) / NATS


# Activation, weight, bias, sigma, published I in nats.
@pytest.mark.parametrize(
    ("f", "w", "b", "sigma", "nats"),
    [
        (np.tanh, 1, 0, 0.1, 1.102057),
        (np.tanh, 1, 0, 0.3, 0.75518),
        (np.tanh, 1, 0, 0.01, np.log(4)),
        (np.tanh, 1, 2, 0.1, 0.84504),
        (np.tanh, 1, 2, 0.3, 0.60219),
        (np.tanh, 1, -2, 0.1, 0.845037),
        (np.tanh, 5, 0, 0.1, 0.693147),
        (np.tanh, 5, -10, 0.1, 0.562335),
        (np.tanh, 0, 0, 0.1, 0.0),
        (relu, 1, 0, 0.1, 1.039720),
        (relu, 1, 2, 0.1, np.log(4)),
        (relu, 0.2, 0, 0.1, 0.76138),
        (relu, 1, -2, 0.1, 0.562334),
    ],
)
def test_single_neurons(f: object, w: float, b: float, sigma: float, nats: float) -> None:
    points = f(w * X + b)  # type: ignore[operator]
    assert quadrature(points, sigma) * NATS == pytest.approx(nats, abs=2e-5)
    values = np.tile(points, 500)[:, None]
    found = noisy_output_information(values, sigma, n_draws=20, seed=1)
    assert abs(found.inputs * NATS - nats) < 4 * found.inputs_error + 1e-5
    bounds = kde_bounds(points[:, None], sigma)
    assert bounds.lower - 1e-5 <= nats / NATS <= bounds.upper + 1e-5


@pytest.mark.parametrize(
    ("levels", "sigma", "bits"),
    [
        (2, 2, 0.160747), (2, 1, 0.485944), (2, 0.5, 0.912822), (2, 0.25, 0.999865),
        (4, 2, 0.576508), (4, 1, 1.219413), (4, 0.5, 1.869233), (4, 0.25, 1.999798),
    ],
)  # fmt: skip
def test_amplitude_modulation(levels: int, sigma: float, bits: float) -> None:
    points = np.array([-1.0, 1.0]) if levels == 2 else X
    assert quadrature(points, sigma) == pytest.approx(bits, abs=1e-5)
    values = np.tile(points, 1000)[:, None]
    found = noisy_output_information(values, sigma, n_draws=10)
    assert abs(found.inputs - bits) < 4 * found.inputs_error + 1e-6


def test_kolchinsky_tracey() -> None:
    bounds = kde_bounds(np.tanh(X)[:, None], 0.1)
    assert np.array([bounds.lower, bounds.upper]) * NATS == pytest.approx(
        [0.976864, 1.322819], abs=1e-6
    )
    with pytest.raises(DataError, match="sigma"):
        kde_bounds(X[:, None], 0.0)
    labels = as_labels(np.array([0, 0, 1, 1]), 4)
    far = kde_bounds(100 * X[:, None], 0.1, labels)
    assert (far.upper, far.labels_upper, far.labels_lower) == pytest.approx((2, 1, 1))


@pytest.mark.parametrize("sigma", [0.5, 1.0])
def test_corners_of_a_cube(sigma: float) -> None:
    """{-1, 1}^d is d antipodal signals; nine coordinates, .63272 and .33683 nats each."""
    corners = np.stack(np.meshgrid(*[[-1.0, 1.0]] * 9), axis=-1).reshape(-1, 9)
    truth = 9 * {0.5: 0.63272, 1.0: 0.33683}[sigma] / NATS
    found = noisy_output_information(corners, sigma, n_draws=20)
    assert abs(found.inputs - truth) < 4 * found.inputs_error + 1e-3
    assert found.ceiling == 9
    # The sign of one coordinate is a label with one antipodal signal's information.
    labels = as_labels((corners[:, 0] > 0).astype(int), len(corners))
    told = noisy_output_information(corners, sigma, labels, n_draws=20)
    assert told.labels is not None
    assert told.labels_error is not None
    assert abs(told.labels - truth / 9) < 4 * told.labels_error + 1e-3


@pytest.mark.parametrize("d", [1, 2, 4, 9])
@pytest.mark.parametrize("sigma", [0.5, 1.0])
def test_pairwise_distances_enclose_the_truth(d: int, sigma: float) -> None:
    corners = np.stack(np.meshgrid(*[[-1.0, 1.0]] * d), axis=-1).reshape(-1, d)
    truth = d * quadrature(np.array([-1.0, 1.0]), sigma)
    bounds = kde_bounds(corners, sigma)
    assert bounds.lower < truth < bounds.upper


@pytest.mark.parametrize(("dim", "nats"), [(10, -38.793788), (7, -27.155652)])
def test_entropy_of_the_noise_alone(dim: int, nats: float) -> None:
    """N(0, .005^2 I) around one centre: the density at noisy points, by the kernel sums."""
    sigma = 0.005
    assert dim / 2 * np.log(2 * np.pi * np.e * sigma**2) == pytest.approx(nats, abs=1e-6)
    centre = np.full((1, dim), 3.0)
    noisy = centre + sigma * np.random.default_rng(0).normal(size=(40_000, dim))
    log_density = log_kernel_sums(noisy, Centres.of(centre), sigma)
    log_density -= dim / 2 * np.log(2 * np.pi * sigma**2)
    error = log_density.std() / np.sqrt(len(noisy))
    assert abs(-log_density.mean() - nats) < 4 * error
    # And so a constant layer tells nothing.
    alone = noisy_output_information(np.repeat(centre, 50, axis=0), sigma)
    assert alone.inputs == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("n", "nats"), [(100, 2.546), (400, 2.697), (1600, 2.744)])
def test_a_linear_gaussian_channel(n: int, nats: float) -> None:
    """Means of a simulation at .5 logdet(I + A A' / sigma^2) = 2.75151: the low bias by n."""
    truth, sigma = 2.75151, 0.5
    # Two equal singular values that give the truth.
    gain = sigma * np.sqrt(np.exp(truth) - 1)
    rng = np.random.default_rng(n)
    runs = [
        noisy_output_information(gain * rng.normal(size=(n, 2)), sigma, n_draws=4, seed=k).inputs
        for k in range(max(4, 12_000 // n))
    ]
    found, error = np.mean(runs) * NATS, np.std(runs) * NATS / np.sqrt(len(runs))
    assert found < truth
    # Another matrix A of the same information has a bias of the same size.
    assert abs(found - nats) < 4 * error + 0.06


def test_a_gaussian_channel_is_underestimated() -> None:
    rng = np.random.default_rng(0)
    truth = 0.5 * np.log2(1 + 1 / 0.25) * 2
    few, more, many = (
        np.mean(
            [noisy_output_information(rng.normal(size=(n, 2)), 0.5).inputs for _ in range(repeats)]
        )
        for n, repeats in ((10, 40), (100, 20), (3000, 1))
    )
    assert few < truth - 0.2
    assert few < more < truth
    assert many == pytest.approx(truth, abs=0.05)


def test_errors_are_those_of_repeated_runs() -> None:
    values = np.tanh(np.random.default_rng(0).normal(size=(100, 2)))
    runs = [noisy_output_information(values, 0.3, n_draws=5, seed=k) for k in range(100)]
    spread = np.std([run.inputs for run in runs])
    assert np.mean([run.inputs_error for run in runs]) == pytest.approx(spread, rel=0.3)


def test_a_noisy_chain() -> None:
    """Two linear stages: I(X; T_2) of binary X through two Gaussian noises is that of their sum."""
    x = np.tile([-1.0, 1.0], 400)[:, None]
    labels = as_labels((x[:, 0] > 0).astype(int), len(x))
    stages = [lambda a: 2.0 * a, lambda a: 0.5 * a]
    first, second = noisy_network_information(
        stages, x, 0.5, labels, n_draws=10, n_conditioned=60, n_repeats=200
    )
    assert first.inputs == pytest.approx(quadrature(np.array([-2.0, 2.0]), 0.5), abs=0.01)
    # T_2 = x + Z_1 / 2 + Z_2.
    truth = quadrature(np.array([-1.0, 1.0]), np.hypot(0.25, 0.5))
    assert second.inputs == pytest.approx(truth, abs=0.05)
    assert second.labels == pytest.approx(truth, abs=0.05)
    with pytest.raises(DataError, match="at least 2"):
        noisy_network_information(stages, x, 0.5, n_repeats=1)


def test_kernel_sums_of_near_and_far_points() -> None:
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(size=(300, 3)) + 1e3, 2, axis=0)
    centres = Centres.of(values)
    assert len(centres.points) == 300
    points = np.concatenate([values[:5], values[:5] + 40.0])
    squares = ((points[:, None] - values[None]) ** 2).sum(axis=2)
    exponents = -squares / (2 * 0.2**2)
    largest = exponents.max(axis=1)
    expected = largest + np.log(np.exp(exponents - largest[:, None]).mean(axis=1))
    assert log_kernel_sums(points, centres, 0.2) == pytest.approx(expected, abs=1e-6)
