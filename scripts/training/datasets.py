"""The data sets of the examples, each split into a training and a held-out part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training import szt


@dataclass(frozen=True)
class Dataset:
    """Inputs (rows, float32) and integer labels."""

    train_x: NDArray[np.float32]
    train_y: NDArray[np.int64]
    test_x: NDArray[np.float32]
    test_y: NDArray[np.int64]


def _split(
    x: NDArray[np.floating | np.integer], y: NDArray[np.integer], n_train: int, seed: int
) -> Dataset:
    """Shuffle the rows and cut after `n_train` of them."""
    order = np.random.default_rng(seed).permutation(len(x))
    x, y = x[order].astype(np.float32), y[order].astype(np.int64)
    return Dataset(x[:n_train], y[:n_train], x[n_train:], y[n_train:])


def moons(seed: int) -> Dataset:
    """Two half circles with Gaussian noise of 0.2: 1000 points to train on, 1000 held out."""
    from sklearn.datasets import make_moons

    x, y = make_moons(2000, noise=0.2, random_state=seed)
    return _split(x, y, 1000, seed)


def digits(seed: int) -> Dataset:
    """The 8x8 digits of scikit-learn, grey levels 0..16 divided by 16; 1297 and 500 rows."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return _split(x / 16, y, 1297, seed)


def szt_bits(seed: int) -> Dataset:
    """The 12-bit inputs of Shwartz-Ziv and Tishby: 80 % to train on, the rest held out."""
    x, y = szt.inputs_and_labels()
    return _split(x, y, round(0.8 * len(x)), seed)
