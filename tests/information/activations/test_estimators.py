"""Binning, nearest neighbours and clustering on values with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from cpwl_milp.core.errors import DataError
from cpwl_milp.information.activations.binning import BinRule, binned
from cpwl_milp.information.activations.clustering import clustering
from cpwl_milp.information.activations.measure import ActivationSettings, measure_activations
from cpwl_milp.information.activations.neighbours import ksg, ross
from cpwl_milp.information.labels import as_labels


def test_bins_neither_clip_silently_nor_wrap_around() -> None:
    values = np.array([[-5.0], [-1.0], [-0.2], [0.3], [1.0], [7.0]])
    rule = BinRule(count=4, low=-1.0, high=1.0)
    assert rule.places(values).ravel().tolist() == [0, 0, 1, 2, 3, 3]
    # Adaptive: the layer's own range.
    assert BinRule(count=4).places(values).ravel().tolist() == [0, 1, 1, 1, 2, 3]
    assert BinRule(width=0.5).places(values).ravel().tolist() == [-10, -2, -1, 0, 2, 14]
    assert BinRule(count=7).places(np.ones((3, 2))).tolist() == [[0, 0]] * 3


def test_a_layer_is_the_tuple_of_its_bins() -> None:
    values = np.array([[0.1, 0.1], [0.2, 0.9], [0.9, 0.1], [0.15, 0.05]])
    found = binned(values, BinRule(count=2, low=0.0, high=1.0))
    assert sorted(found.counts.tolist()) == [1, 1, 2]
    assert found.ids[0] == found.ids[3]
    assert len(binned(np.zeros((5, 0)), BinRule(count=2))) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {}, {"width": 1.0, "count": 3}, {"width": 0.0}, {"width": np.nan}, {"count": 0},
        {"count": 3, "low": 1.0, "high": 1.0},
    ],
)  # fmt: skip
def test_rules_that_make_no_bins(arguments: dict[str, float]) -> None:
    with pytest.raises(DataError, match="bins"):
        BinRule(**arguments)  # type: ignore[arg-type]


def test_values_that_are_not_finite() -> None:
    with pytest.raises(DataError, match="row 1"):
        binned(np.array([[0.0], [np.nan]]), BinRule(count=2))


@pytest.mark.parametrize("seed", range(3))
def test_ross_is_that_of_scikit_learn(seed: int) -> None:
    oracle = pytest.importorskip("sklearn.feature_selection._mutual_info")
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 300)
    y[:2] = [7, 8]  # alone in their classes
    t = rng.normal(size=(300, 1)) + y[:, None]
    found = ross(t, as_labels(y, 300), k=3)
    assert found.dropped == 2
    assert found.ties == 0
    # scikit-learn returns nothing below 0.
    expected = oracle._compute_mi_cd(t, y, 3) / np.log(2)
    assert max(found.bits or 0.0, 0.0) == pytest.approx(expected, abs=1e-9)


def test_ksg_is_that_of_scikit_learn() -> None:
    oracle = pytest.importorskip("sklearn.feature_selection._mutual_info")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 1))
    y = 0.8 * x + 0.6 * rng.normal(size=(400, 1))
    found = ksg(x, y, k=3)
    assert found.bits == pytest.approx(oracle._compute_mi_cc(x.ravel(), y.ravel(), 3) / np.log(2))
    # Gaussian with correlation 0.8: 0.737 bits.
    assert found.bits == pytest.approx(-0.5 * np.log2(1 - 0.64), abs=0.12)


def test_independent_values_tell_nothing() -> None:
    rng = np.random.default_rng(5)
    labels = as_labels(rng.integers(0, 2, 2000), 2000)
    assert ross(rng.normal(size=(2000, 3)), labels).bits == pytest.approx(0, abs=0.03)
    assert ksg(rng.normal(size=(2000, 1)), rng.normal(size=(2000, 2))).bits == pytest.approx(
        0, abs=0.06
    )


def test_ties_are_counted_and_not_jittered() -> None:
    labels = as_labels(np.tile([0, 1], 300), 600)
    # Values that are the label: all distances within a class are 0, and I = 1 bit.
    same = ross(labels.ids[:, None].astype(float), labels)
    assert same.ties == 600
    assert same.bits == pytest.approx(1, abs=0.02)
    twice = ksg(labels.ids[:, None].astype(float), labels.ids[:, None].astype(float))
    assert twice.ties == 600
    assert twice.bits == pytest.approx(1, abs=0.02)


def test_classes_too_small() -> None:
    alone = ross(np.arange(3.0)[:, None], as_labels(np.arange(3), 3))
    assert (alone.bits, alone.dropped) == (None, 3)
    with pytest.raises(DataError, match="k = 0"):
        ross(np.zeros((3, 1)), as_labels(np.zeros(3, int), 3), k=0)
    with pytest.raises(DataError, match="points"):
        ksg(np.zeros((3, 1)), np.zeros((3, 1)), k=3)


def test_clustering_by_hand() -> None:
    rng = np.random.default_rng(0)
    values, y = rng.normal(size=(40, 3)), rng.integers(0, 3, 40)
    found = clustering(values, as_labels(y, 40))
    squares = ((values[:, None] - values[None]) ** 2).sum(axis=2)
    same = y[:, None] == y[None]
    others = ~np.eye(40, dtype=bool)
    assert found.within == pytest.approx(np.sqrt(squares[same & others].mean()))
    assert found.between == pytest.approx(np.sqrt(squares[~same].mean()))
    assert found.distinct == 40
    assert clustering(np.tanh(50 * values)).saturation > 0.9
    assert clustering(np.zeros((4, 2))).within is None


def test_everything_at_once() -> None:
    rng = np.random.default_rng(0)
    values = [rng.normal(size=(50, 4)), np.zeros((50, 2))]
    settings = ActivationSettings(n_permutations=9, n_draws=2)
    found = measure_activations(values, as_labels(rng.integers(0, 2, 50), 50), settings)
    assert [layer.units for layer in found] == [4, 2]
    dead = found[1]
    assert dead.binning is not None
    assert dead.binning.entropy_bits["plugin"] == 0
    assert dead.propagation is not None
    assert dead.propagation.inputs == pytest.approx(0)
    assert dead.kde is not None
    assert dead.kde.upper == 0
    assert found[0].as_json()["neighbours"]["ties"] == 0
    with pytest.raises(DataError, match="entropy"):
        ActivationSettings(estimators=("entropy",))
