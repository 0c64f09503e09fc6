"""The 12-bit data set: published sums and informations."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from tests.models.manifest import MODELS


def entropy_bits(counts: np.ndarray) -> float:
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log2(p)).sum())


def information_bits(a: np.ndarray, b: np.ndarray) -> float:
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    return entropy_bits(table.sum(axis=0)) + entropy_bits(table.sum(axis=1)) - entropy_bits(table)


@pytest.fixture
def szt() -> tuple[np.ndarray, np.ndarray]:
    return np.load(MODELS / "szt" / "szt_x.npy"), np.load(MODELS / "szt" / "szt_y.npy")


def test_published_numbers(szt: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = szt
    assert len(np.unique(x, axis=0)) == 4096
    assert set(np.unique(x)) == {0, 1}
    assert y.sum() == 2118
    assert entropy_bits(np.bincount(y)) == pytest.approx(0.9991571209, abs=1e-9)
    assert information_bits(x.sum(axis=1), y) == pytest.approx(0.627641, abs=1e-6)
    for bit in x.T:
        assert information_bits(bit, y) == pytest.approx(0.033906, abs=1e-6)


def test_the_script_still_makes_these_data(szt: tuple[np.ndarray, np.ndarray]) -> None:
    path = MODELS.parent / "scripts" / "training" / "szt.py"
    spec = importlib.util.spec_from_file_location("szt", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for made, shipped in zip(module.inputs_and_labels(), szt, strict=True):
        assert np.array_equal(made, shipped)
