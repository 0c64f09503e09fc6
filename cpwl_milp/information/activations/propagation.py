"""The sample-propagation estimator of Goldfeld et al. (ICML 2019) for noisy networks.

In a noisy network ``T_l = S_l + Z_l``, ``S_l = f_l(T_(l-1))``, ``Z_l ~ N(0, sigma^2 I)``, I(X; T_l)
is finite and meaningful. Samples of S_l make T_l a Gaussian mixture whose entropy is a Monte Carlo
mean of -ln of its density. The error over n samples is of order ``c^dim / sqrt(n)`` and no
estimator is better in rate; what is reported is the Monte Carlo error alone.

The mixture's entropy is too low on average (it is concave), so the information of a layer whose S
depends on x alone is too low, and at most ln n; for samples that are all inputs it is exact but
for the Monte Carlo error. In deeper noisy layers both entropies are estimated, and the second one's
bias is up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from cpwl_milp.core.affine import Dense, Vector
from cpwl_milp.core.errors import DataError
from cpwl_milp.information.activations.mixtures import Centres, log_kernel_sums, require_noise
from cpwl_milp.information.labels import Labels

_LN2 = float(np.log(2.0))

Stage: TypeAlias = Callable[[Dense], Dense]
"""From a layer's values, shape (n, dim), to the next layer's."""


@dataclass(frozen=True)
class Propagated:
    """Informations of one layer in bits, with Monte Carlo standard errors.

    Negative values are noise and are left as they are.

    Attributes
    ----------
    inputs, inputs_error : float
        I(X; T).
    labels, labels_error : float or None
        I(Y; T).
    ceiling : float
        log2 of the number of samples: no larger I(X; T) can be seen.
    """

    inputs: float
    inputs_error: float
    labels: float | None
    labels_error: float | None
    ceiling: float


def noisy_output_information(
    values: Dense,
    sigma: float,
    labels: Labels | None = None,
    *,
    n_draws: int = 10,
    seed: int = 0,
) -> Propagated:
    """I(X; S + Z) and I(Y; S + Z) where S is a function of x, noise being added to it alone.

    Parameters
    ----------
    values : ndarray, shape (n, dim)
        S of each sample.
    sigma : float
        Standard deviation of the noise.
    labels : Labels, optional
    n_draws : int
        Noise vectors for each sample; work is n times n_draws times the distinct values of S.
    seed : int

    Raises
    ------
    DataError
        If sigma is not above 0.
    """
    require_noise(sigma)
    rng = np.random.default_rng(seed)
    centres = Centres.of(values)
    told, of_labels = [], []
    for _ in range(n_draws):
        noise = rng.normal(size=values.shape)
        t = values + sigma * noise
        whole = log_kernel_sums(t, centres, sigma)
        # The same noise in both terms: ln phi(z) has no variance of its own.
        told.append(-0.5 * np.einsum("ij,ij->i", noise, noise) - whole)
        if labels is not None:
            of_labels.append(_within(t, values, labels, sigma) - whole)
    inputs, inputs_error = _mean(told)
    return _answer((inputs, inputs_error), of_labels, len(values))


def _answer(inputs: tuple[float, float], of_labels: Sequence[Vector], n: int) -> Propagated:
    ceiling = float(np.log2(n))
    if not of_labels:
        return Propagated(*inputs, None, None, ceiling)
    told, error = _mean(of_labels)
    return Propagated(*inputs, told, error, ceiling)


def _within(t: Dense, values: Dense, labels: Labels, sigma: float) -> Vector:
    """``ln`` of the kernel sum over the samples of each point's own class."""
    found = np.empty(len(t))
    for k in range(len(labels.classes)):
        rows = labels.ids == k
        if rows.any():
            found[rows] = log_kernel_sums(t[rows], Centres.of(values[rows]), sigma)
    return found


def _mean(parts: Sequence[Vector]) -> tuple[float, float]:
    """Mean over samples and draws in bits, and its Monte Carlo standard error.

    The samples are given, so only what varies between draws of one sample is error.
    """
    table = np.array(parts) / _LN2
    spread = table.var(axis=0, ddof=1).mean() if len(table) > 1 else table.var()
    return float(table.mean()), float(np.sqrt(spread / table.size))


def noisy_network_information(
    stages: Sequence[Stage],
    inputs: Dense,
    sigma: float,
    labels: Labels | None = None,
    *,
    n_draws: int = 10,
    n_conditioned: int = 200,
    n_repeats: int = 100,
    seed: int = 0,
) -> tuple[Propagated, ...]:
    """I(X; T_l) and I(Y; T_l) of every layer, noise being injected at each.

    Parameters
    ----------
    stages : sequence of callable
        f_1, ..., f_L.
    inputs : ndarray, shape (n, n_inputs)
        Each equally probable.
    sigma : float
    labels : Labels, optional
    n_draws : int
        Noise vectors for each sample in the Monte Carlo means.
    n_conditioned : int
        Inputs, drawn at random, of which h(T_l | X = x) is estimated (all, where there are fewer).
    n_repeats : int
        Noisy passes of each of them.
    seed : int

    Raises
    ------
    DataError
        If sigma is not above 0.
    """
    require_noise(sigma)
    if n_repeats < 2 or n_conditioned < 2:
        raise DataError("noisy passes", f"{min(n_repeats, n_conditioned)}", "at least 2")
    rng = np.random.default_rng(seed)
    n = len(inputs)
    chosen = rng.permutation(n)[: min(n, n_conditioned)]
    found = []
    current, repeated = inputs, np.repeat(inputs[chosen], n_repeats, axis=0)
    for depth, stage in enumerate(stages):
        values = stage(current)
        if depth == 0:
            # S_1 is a function of x: its own noise is all there is.
            found.append(
                noisy_output_information(
                    values, sigma, labels, n_draws=n_draws, seed=int(rng.integers(1 << 31))
                )
            )
            passed = stage(repeated)
        else:
            passed = stage(repeated)
            found.append(_deep(values, passed, len(chosen), sigma, labels, n_draws, rng))
        current = values + sigma * rng.normal(size=values.shape)
        repeated = passed + sigma * rng.normal(size=passed.shape)
    return tuple(found)


def _deep(
    values: Dense,
    passed: Dense,
    n_chosen: int,
    sigma: float,
    labels: Labels | None,
    n_draws: int,
    rng: np.random.Generator,
) -> Propagated:
    """A layer behind noise: h(T) - mean_x h(T | X = x), from samples of S and of S given x."""
    centres = Centres.of(values)
    entropy, of_labels = [], []
    for _ in range(n_draws):
        t = values + sigma * rng.normal(size=values.shape)
        whole = log_kernel_sums(t, centres, sigma)
        entropy.append(-whole)
        if labels is not None:
            of_labels.append(_within(t, values, labels, sigma) - whole)
    h, h_error = _mean(entropy)
    given = np.empty(n_chosen)
    for k, one in enumerate(np.split(passed, n_chosen)):
        t = np.concatenate([one + sigma * rng.normal(size=one.shape) for _ in range(n_draws)])
        given[k] = -log_kernel_sums(t, Centres.of(one), sigma).mean() / _LN2
    # What varies between inputs is error, too, as only some were looked at.
    error = float(np.hypot(h_error, given.std(ddof=1) / np.sqrt(n_chosen)))
    return _answer((h - float(given.mean()), error), of_labels, len(values))
