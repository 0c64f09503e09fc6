"""The answer of `information`: known answers by layer, and its JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cpwl_milp.core.errors import DataError
from cpwl_milp.information.labels import as_labels
from cpwl_milp.information.layers import measure
from cpwl_milp.partition.samples import sample_patterns
from tests.definitions import SERRA_FIG2, tent
from tests.models.manifest import MODELS
from tests.networks import degenerate_network, mlp, random_network


def grid(lower: float, upper: float, n: int) -> np.ndarray:
    return lower + (upper - lower) * (np.arange(n)[:, None] + 0.5) / n


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_tent_information_appears_at_one_layer(depth: int) -> None:
    network = tent(depth)
    x = grid(0, 1, 64 * 2**depth)
    value = x[:, 0]
    for _ in range(depth - 1):
        value = 1 - np.abs(1 - 2 * value)
    labels = as_labels((value > 0.5).astype(int), len(x))
    found = measure(sample_patterns(network, x), labels, n_permutations=50)
    assert found.label_entropy_bits == pytest.approx(1)
    for k in found.layers:
        assert k.prefix.entropy_bits["plugin"] == pytest.approx(k.layer, abs=1e-12)
        assert k.own.entropy_bits["plugin"] == pytest.approx(1, abs=1e-12)
        assert k.prefix.mi_labels_bits is not None
        expected = 1.0 if k.layer == depth else 0.0
        assert k.prefix.mi_labels_bits["plugin"] == pytest.approx(expected, abs=1e-12)
        assert k.prefix.null is not None
        # Equal to all permutations, or beyond them.
        assert (k.prefix.null.p_value == 1 / 51) == (k.layer == depth)
        assert k.prefix.reliable


def test_serra_figure_2() -> None:
    found = measure(sample_patterns(SERRA_FIG2, grid(-1, 2, 600_000)))
    assert found.layers[-1].prefix.regions_seen == 5
    assert found.layers[-1].prefix.entropy_bits["plugin"] == pytest.approx(2.251629, abs=1e-5)


@pytest.mark.parametrize("seed", range(10))
def test_prefix_measures_never_fall(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = degenerate_network(rng, 3, [4, 3, 5, 2])
    x = rng.normal(size=(400, 3))
    labels = as_labels((x[:, 0] + rng.normal(size=400) > 0).astype(int), 400)
    found = measure(sample_patterns(network, x), labels, n_permutations=20, seed=seed)
    for a, b in zip(found.layers, found.layers[1:], strict=False):
        assert a.prefix.regions_seen <= b.prefix.regions_seen
        assert a.prefix.entropy_bits["plugin"] <= b.prefix.entropy_bits["plugin"] + 1e-12
        for k in (a, b):
            assert k.prefix.mi_labels_bits is not None
            assert k.own.mi_labels_bits is not None
            # Own patterns are functions of the prefix.
            assert k.own.mi_labels_bits["plugin"] <= k.prefix.mi_labels_bits["plugin"] + 1e-12
            assert k.own.entropy_bits["plugin"] <= k.prefix.entropy_bits["plugin"] + 1e-12
        assert a.prefix.mi_labels_bits is not None
        assert b.prefix.mi_labels_bits is not None
        assert a.prefix.mi_labels_bits["plugin"] <= b.prefix.mi_labels_bits["plugin"] + 1e-12


def test_atoms_of_the_szt_data() -> None:
    x, y = (np.load(MODELS / "szt" / f"szt_{k}.npy") for k in "xy")
    network = random_network(np.random.default_rng(0), 12, [10, 7])
    found = measure(sample_patterns(network, 2.0 * x - 1), as_labels(y, 4096), n_permutations=10)
    assert found.label_entropy_bits == pytest.approx(0.9991571209, abs=1e-10)
    last = found.layers[-1].prefix
    assert last.entropy_bits["plugin"] <= 12
    assert last.mi_labels_bits is not None
    assert last.mi_labels_bits["plugin"] <= 0.9991571209 + 1e-12


def test_json() -> None:
    rng = np.random.default_rng(0)
    network = random_network(rng, 8, [60, 60])
    x = rng.normal(size=(100, 8))
    labels = as_labels(np.where(x[:, 0] > 0, "up", "down"), 100)
    found = measure(sample_patterns(network, x), labels, n_permutations=30).as_json()
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert found["n_samples"] == 100
    assert found["labels"]["classes"] == 2
    assert found["labels"]["names"] == ["down", "up"]
    assert [layer["layer"] for layer in found["layers"]] == [1, 2]
    for layer in found["layers"]:
        for part in (layer["own"], layer["prefix"]):
            assert set(part["entropy_bits"]) == {
                "plugin",
                "miller_madow",
                "grassberger",
                "chao_shen",
            }
            assert {"plugin", "miller_madow", "null_mean", "null_p"} < set(part["mi_labels_bits"])
            assert isinstance(part["reliable"], bool)
            assert isinstance(part["regions_seen"], int)
            assert 0 <= part["missing_mass"] <= 1
    assert "reliable" in found["reliability_rule"]
    assert any("never fall" in note for note in found["notes"])
    # 120 units on 100 points in 8 dimensions: every sample is alone.
    deepest = found["layers"][-1]["prefix"]
    assert deepest["saturated"]
    assert not deepest["reliable"]
    assert deepest["mi_labels_bits"]["plugin"] == pytest.approx(found["labels"]["entropy_bits"])
    assert deepest["mi_labels_bits"]["null_p"] == 1
    assert any("alone in its region" in note for note in found["notes"])


def test_without_labels_and_dead_layers() -> None:
    dead = mlp(([[1.0, 0.0], [0.0, 0.0]], [-5.0, 0.0]), ([[1.0, 1.0]], [0.0]))
    found = measure(sample_patterns(dead, np.random.default_rng(0).random((7, 2)))).as_json()
    assert found["labels"] is None
    (layer,) = found["layers"]
    assert layer["own"]["mi_labels_bits"] is None
    assert layer["own"]["regions_seen"] == 1
    assert {str(bits) for bits in layer["own"]["entropy_bits"].values()} == {"0.0"}


def test_constant_labels_and_a_wrong_number() -> None:
    network = random_network(np.random.default_rng(0), 2, [3])
    samples = sample_patterns(network, np.random.default_rng(1).normal(size=(50, 2)))
    found = measure(samples, as_labels(np.zeros(50, int), 50), n_permutations=10)
    assert found.label_entropy_bits == 0
    part = found.layers[0].own
    assert part.mi_labels_bits is not None
    assert part.mi_labels_bits["plugin"] == 0
    assert any("H(Y) = 0" in note for note in found.notes)
    with pytest.raises(DataError, match="49 of them for 50"):
        measure(samples, as_labels(np.arange(49) % 2, 49))
