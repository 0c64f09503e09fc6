"""The answer of `information`: known answers by layer, and its JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cpwl_milp.core.errors import DataError
from cpwl_milp.information.entropy import ENTROPY_ESTIMATORS
from cpwl_milp.information.labels import as_labels
from cpwl_milp.information.layers import measure
from cpwl_milp.onnx_io import load_model
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
        assert k.prefix.labels is not None
        expected = 1.0 if k.layer == depth else 0.0
        assert k.prefix.labels.estimates["plugin"] == pytest.approx(expected, abs=1e-12)
        # Equal to all permutations, or beyond them.
        assert (k.prefix.labels.null.p_value == 1 / 51) == (k.layer == depth)
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
            assert k.prefix.labels is not None
            assert k.own.labels is not None
            # Own patterns are functions of the prefix.
            assert k.own.labels.estimates["plugin"] <= k.prefix.labels.estimates["plugin"] + 1e-12
            assert k.own.entropy_bits["plugin"] <= k.prefix.entropy_bits["plugin"] + 1e-12
        assert a.prefix.labels is not None
        assert b.prefix.labels is not None
        assert a.prefix.labels.estimates["plugin"] <= b.prefix.labels.estimates["plugin"] + 1e-12


def test_atoms_of_the_szt_data() -> None:
    x, y = (np.load(MODELS / "szt" / f"szt_{k}.npy") for k in "xy")
    network = random_network(np.random.default_rng(0), 12, [10, 7])
    found = measure(sample_patterns(network, 2.0 * x - 1), as_labels(y, 4096), n_permutations=10)
    assert found.label_entropy_bits == pytest.approx(0.9991571209, abs=1e-10)
    last = found.layers[-1].prefix
    assert last.entropy_bits["plugin"] <= 12
    assert last.labels is not None
    assert last.labels.estimates["plugin"] <= 0.9991571209 + 1e-12


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
                "chao_wang_jost",
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
    # Nothing is said of the information, but what shuffled labels give just as well.
    told = deepest["mi_labels_bits"]
    assert {told[name] for name in ("plugin", "grassberger", "interval", "null_corrected")} == {
        None
    }
    assert set(deepest["label_entropy_given_region_bits"].values()) == {None}
    assert told["null_mean"] == pytest.approx(found["labels"]["entropy_bits"])
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
    assert part.labels is not None
    assert part.labels.estimates["plugin"] == 0
    assert any("H(Y) = 0" in note for note in found.notes)
    with pytest.raises(DataError, match="49 of them for 50"):
        measure(samples, as_labels(np.arange(49) % 2, 49))


def test_conditional_entropies_add_up() -> None:
    rng = np.random.default_rng(4)
    network = random_network(rng, 3, [5, 4, 3])
    x = rng.normal(size=(3000, 3))
    labels = as_labels((x[:, 0] > 0).astype(int), 3000)
    found = measure(sample_patterns(network, x), labels, n_permutations=20)
    known = dict.fromkeys(found.layers[0].prefix.entropy_bits, 0.0)
    for k in found.layers:
        for name, value in k.prefix.entropy_bits.items():
            added, lost = k.own_given_before[name], k.before_given_own[name]
            assert value is not None
            assert added is not None
            assert lost is not None
            assert value == pytest.approx(known[name] + added, abs=1e-9)
            assert value == pytest.approx(k.own.entropy_bits[name] + lost, abs=1e-9)
            known[name] = value
        for part in (k.own, k.prefix):
            assert part.labels is not None
            for name, given in part.labels.label_entropy_given_region.items():
                told = part.labels.estimates[name]
                label_entropy = ENTROPY_ESTIMATORS[name](labels.counts)
                assert given == pytest.approx(label_entropy - told, abs=1e-9)


def test_a_population_is_exact() -> None:
    """All 4096 inputs of the 12-bit data through a trained network."""
    x, y = (np.load(MODELS / "szt" / f"szt_{k}.npy") for k in "xy")
    network = load_model(MODELS / "szt" / "szt_relu_epoch_0400.onnx").network
    found = measure(
        sample_patterns(network, x), as_labels(y, 4096), population=True, n_permutations=20
    )
    bits = network.bits(x.astype(float))
    assert found.label_entropy_bits == pytest.approx(0.9991571209, abs=1e-10)
    for k in found.layers:
        seen = np.unique(bits[:, : network.offsets[k.layer]], axis=0, return_counts=True)[1] / 4096
        assert k.prefix.entropy_bits["plugin"] == pytest.approx(-(seen * np.log2(seen)).sum())
        for part in (k.own, k.prefix):
            exact = {"plugin", "exact"}
            assert {value for name, value in part.entropy_bits.items() if name not in exact} == {
                None
            }
            assert part.entropy_bits["exact"] == part.entropy_bits["plugin"]
            assert part.entropy_interval is None
            assert part.missing_mass == 0
            assert part.chao1 == part.regions_seen
            assert part.reliable
    # Each input a region of its own: for a population that is knowledge, not an artefact.
    alone = measure(
        sample_patterns(random_network(np.random.default_rng(0), 12, [300]), 2.0 * x - 1),
        as_labels(y, 4096),
        population=True,
        n_permutations=5,
    ).layers[0]
    assert alone.own.saturated
    assert alone.own.entropy_bits["plugin"] == pytest.approx(12)
    assert alone.own.labels is not None
    assert alone.own.labels.estimates["plugin"] == pytest.approx(0.9991571209, abs=1e-10)
