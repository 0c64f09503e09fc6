"""`information` on input that cannot be trusted, and on runs that cannot be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from onnx import numpy_helper

from tests.cli.command import MOONS, MOONS_X, MOONS_Y, answer, invoke
from tests.models.manifest import MODELS
from tests.onnx_io.graphs import mlp, model, node, save, value

N = 200


@pytest.fixture
def moons() -> np.ndarray:
    return np.load(MOONS_X)[:N]


def asked(folder: Path, x: np.ndarray, y: np.ndarray | None = None, *more: object) -> list[object]:
    np.save(folder / "x.npy", x)
    line: list[object] = ["information", MOONS, "--data", folder / "x.npy", "--permutations", 99]
    if y is not None:
        np.save(folder / "y.npy", y)
        line += ["--labels", folder / "y.npy"]
    return [*line, *more]


def refused(line: list[object], *says: str) -> None:
    result = invoke(*line)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    for text in says:
        assert text in result.stderr


def partitions(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [layer[kind] for layer in found["layers"] for kind in ("own", "prefix")]


def test_1_few_samples_are_measured_and_flagged(tmp_path: Path, moons: np.ndarray) -> None:
    found = answer(*asked(tmp_path, moons[:30], np.load(MOONS_Y)[:30]))
    deepest = found["layers"][-1]["prefix"]
    assert deepest["missing_mass"] > 0.1
    assert not deepest["reliable"]
    assert deepest["mi_labels_bits"]["null_mean"] > 0.1
    assert deepest["entropy_bits"]["grassberger"] > deepest["entropy_bits"]["plugin"]


def test_2_all_patterns_unique_withholds_the_information(tmp_path: Path, moons: np.ndarray) -> None:
    # One sample of each region that is seen.
    first = answer(*asked(tmp_path, moons))
    distinct = np.unique(patterns_of(moons), axis=0, return_index=True)[1]
    assert len(distinct) == first["layers"][-1]["prefix"]["regions_seen"]
    y = np.arange(len(distinct)) % 2
    found = answer(*asked(tmp_path, moons[distinct], y))
    deepest = found["layers"][-1]["prefix"]
    assert deepest["saturated"]
    assert deepest["entropy_bits"]["plugin"] == pytest.approx(np.log2(len(distinct)))
    assert deepest["mi_labels_bits"]["plugin"] is None
    assert deepest["mi_labels_bits"]["null_p"] == 1
    assert any("withheld" in note for note in found["notes"])


def patterns_of(x: np.ndarray) -> np.ndarray:
    from cpwl_milp.onnx_io import load_model

    return load_model(MOONS).network.bits(x.astype(np.float64))


def test_3_constant_labels(tmp_path: Path, moons: np.ndarray) -> None:
    found = answer(*asked(tmp_path, moons, np.ones(N, dtype=int)))
    assert found["labels"]["entropy_bits"] == 0
    assert {part["mi_labels_bits"]["plugin"] for part in partitions(found)} == {0}
    assert any("H(Y) = 0" in note for note in found["notes"])
    assert "H(Y) = 0" in invoke(*asked(tmp_path, moons, np.ones(N, dtype=int))).stderr


def test_4_real_valued_labels_need_bins(tmp_path: Path, moons: np.ndarray) -> None:
    y = moons[:, 0].astype(np.float64)
    refused(asked(tmp_path, moons, y), "real-valued labels", "--label-bins")
    found = answer(*asked(tmp_path, moons, y, "--label-bins", 4))
    assert found["labels"]["classes"] == 4
    assert found["labels"]["entropy_bits"] == pytest.approx(2, abs=0.01)
    assert invoke(*asked(tmp_path, moons), "--label-bins", 4).exit_code == 2


@pytest.mark.parametrize("where", ["x", "y"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_5_what_is_not_finite(tmp_path: Path, moons: np.ndarray, where: str, value: float) -> None:
    x, y = moons.copy(), np.zeros(N)
    (x[:, 1] if where == "x" else y)[[3, 7]] = value
    refused(asked(tmp_path, x, y), f"{where}.npy", "rows 3, 7")


def test_5_weights_that_are_not_finite(tmp_path: Path, moons: np.ndarray) -> None:
    network = mlp(0, (2, 3, 2))
    weights = numpy_helper.to_array(network.graph.initializer[0]).copy()
    weights.flat[0] = np.nan
    network.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(weights, network.graph.initializer[0].name)
    )
    path = save(network, tmp_path)
    np.save(tmp_path / "x.npy", moons)
    refused(["information", path, "--data", tmp_path / "x.npy"], "holds nan")


def test_6_lengths_and_features(tmp_path: Path, moons: np.ndarray) -> None:
    refused(asked(tmp_path, moons, np.zeros(N - 1)), f"{N - 1} labels", f"{N} samples")
    refused(asked(tmp_path, moons[:, [0, 1, 1]]), "3 features each; expected 2", "(2,)")


def test_7_duplicate_rows(tmp_path: Path, moons: np.ndarray) -> None:
    y = np.load(MOONS_Y)[:N]
    once = answer(*asked(tmp_path, moons, y))
    twice = answer(*asked(tmp_path, np.tile(moons, (2, 1)), np.tile(y, 2)))
    for a, b in zip(partitions(once), partitions(twice), strict=True):
        assert a["entropy_bits"]["plugin"] == pytest.approx(b["entropy_bits"]["plugin"])
        assert a["mi_labels_bits"]["plugin"] == pytest.approx(b["mi_labels_bits"]["plugin"])


def test_7_neighbours_at_no_distance_are_told_of(tmp_path: Path, moons: np.ndarray) -> None:
    y = np.load(MOONS_Y)[:N].astype(int)
    y[0] = 7
    line = asked(tmp_path, np.tile(moons, (5, 1))[: 5 * N - 4], np.tile(y, 5)[: 5 * N - 4])
    found = answer(*line, "--activations", "neighbours")
    assert found["activations"][0]["neighbours"]["ties"] > N
    assert any("nothing is jittered" in note for note in found["notes"])
    # And of the sample that is alone in its class, of which there is no neighbour at all.
    once = answer(*asked(tmp_path, moons, y, "--activations", "neighbours"))
    assert once["activations"][0]["neighbours"]["dropped"] == 1
    assert any("alone in their class" in note for note in once["notes"])


def test_8_labels_of_other_forms(tmp_path: Path, moons: np.ndarray) -> None:
    y = np.load(MOONS_Y)[:N].astype(int)
    plain = partitions(answer(*asked(tmp_path, moons, y)))
    for form in (np.eye(2)[y], np.where(y == 1, "up", "down"), y[:, None]):
        found = partitions(answer(*asked(tmp_path, moons, form)))
        for a, b in zip(plain, found, strict=True):
            assert a["mi_labels_bits"]["plugin"] == pytest.approx(b["mi_labels_bits"]["plugin"])
    refused(asked(tmp_path, moons, np.full((N, 2), 0.5)), "not one-hot", "argmax")


def test_9_samples_outside_and_at_boundaries(tmp_path: Path, moons: np.ndarray) -> None:
    x = moons.astype(np.float64)
    x[:5] += 100.0
    found = answer(*asked(tmp_path, x), "--box=-2,3")
    assert found["samples"]["outside_domain"] == 5
    assert found["samples"]["n_samples"] == N
    assert found["samples"]["near_zero"] == 0


def test_9_pre_activations_at_zero_have_bit_0(tmp_path: Path) -> None:
    """Samples on the boundary x = 0 are counted, and lie on the side that is not above zero."""
    layer = node("Gemm", ["x", "w", "b"], ["z"], transB=1)
    arrays = {
        "w": np.array([[1.0, 0.0], [0.0, 1.0]], np.float32),
        "b": np.array([0.0, -0.1], np.float32),
    }
    relu = node("Relu", ["z"], ["y"])
    graph = model([layer, relu], [value("x", ["batch", 2])], [value("y", None)], arrays)
    path = save(graph, tmp_path)
    # 0.1 in float64 lies just below 0.1 in float32, which is the bias.
    x = np.array([[0.0, 1.0]] * 3 + [[1.0, 1.0]] * 2 + [[1.0, 0.1]] * 4)
    np.save(tmp_path / "x.npy", x)
    found = answer("information", path, "--data", tmp_path / "x.npy", "--box=-2,2")
    assert found["samples"]["near_zero"] == 7
    assert found["samples"]["float32_bits_differ"] <= 4
    (layer_found,) = found["layers"]
    assert layer_found["own"]["regions_seen"] == 3
    run = tmp_path / "run"
    answer("enumerate", path, "--box=-2,2", "-o", run)
    of_run = answer("information", run, "--data", tmp_path / "x.npy")["run"]
    assert (of_run["in_regions"], of_run["at_boundaries"], of_run["unlisted"]) == (9, 0, 0)


def test_10_a_layer_that_is_dead(tmp_path: Path, moons: np.ndarray) -> None:
    arrays = {
        "w": np.zeros((2, 2), np.float32),
        "b": np.array([-1.0, -2.0], np.float32),
    }
    nodes = [node("Gemm", ["x", "w", "b"], ["z"]), node("Relu", ["z"], ["y"])]
    graph = model(nodes, [value("x", ["batch", 2])], [value("y", None)], arrays)
    np.save(tmp_path / "x.npy", moons)
    np.save(tmp_path / "y.npy", np.arange(N) % 2)
    line = ("information", save(graph, tmp_path), "--data", tmp_path / "x.npy")
    line += ("--labels", tmp_path / "y.npy", "--permutations", 9, "--activations", "all")
    result = invoke(*line, "--noise-draws", 1, "--json")
    assert result.exit_code == 0
    assert "-0.0," not in result.stdout
    found = answer(*line, "--noise-draws", 1)
    for part in partitions(found):
        assert set(part["entropy_bits"].values()) == {0}
        assert part["mi_labels_bits"]["plugin"] == 0
    (values,) = found["activations"]
    assert values["binning"]["entropy_bits"]["plugin"] == 0
    assert values["propagation"]["mi_inputs_bits"] == pytest.approx(0, abs=1e-9)
    assert values["neighbours"]["mi_labels_bits"] == pytest.approx(0, abs=0.02)


def test_10_odds_and_ends(tmp_path: Path, moons: np.ndarray) -> None:
    # All samples in one region: its entropy prints as 0, not as -0.
    result = invoke(*asked(tmp_path, np.tile(moons[:1], (50, 1))), "--json")
    assert result.exit_code == 0
    assert "-0.0" not in result.stdout
    refused(asked(tmp_path, moons[:0]), "at least one sample")


def test_a_region_that_a_complete_run_lacks(tmp_path: Path) -> None:
    """A row deleted from the list of a complete run: exit code 4, one line."""
    run = tmp_path / "run"
    answer("enumerate", MOONS, "--box=-2,3", "-o", run)
    whole = answer("information", run, "--data", MOONS_X)["run"]
    assert whole["regions"] == whole["prefix_regions"][-1] == 333
    assert whole["own_patterns"] == [100, 71]
    assert whole["prefix_regions"][0] == 100
    hole = np.packbits(patterns_of(np.load(MOONS_X)[:1])[0], bitorder="little").tobytes()
    (file,) = (run / "regions").glob("*.parquet")
    table = pq.read_table(file)
    kept = [pattern != hole for pattern in table["pattern"].to_pylist()]
    pq.write_table(table.filter(kept), file)
    result = invoke("information", run, "--data", MOONS_X)
    assert sum(kept) == 332
    assert result.exit_code == 4
    assert result.stderr.count("\n") == 1
    assert "complete list of 332 lacks" in result.stderr


def test_smooth_networks_are_taken_for_their_values(tmp_path: Path) -> None:
    szt = MODELS / "szt"
    asked = ("information", szt / "szt_tanh_epoch_0400.onnx", "--data", szt / "szt_x.npy")
    assert "smooth" in invoke(*asked).stderr
    more = ("--labels", szt / "szt_y.npy", "--permutations", 9, "--atoms")
    found = answer(*asked, *more, "--activations", "binning,kde,propagation", "--noise-draws", 1)
    assert found["layers"] == []
    assert found["model"]["n_units"] == 29
    assert found["labels"]["entropy_bits"] == pytest.approx(0.9991571209)
    for layer in found["activations"]:
        assert layer["neighbours"] is None
        kde, noisy = layer["kde"], layer["propagation"]
        # Bounds of the very number that is estimated, as all inputs are given.
        assert kde["mi_inputs_lower_bits"] <= noisy["mi_inputs_bits"] + 4 * noisy["mi_inputs_error"]
        assert noisy["mi_inputs_bits"] - 4 * noisy["mi_inputs_error"] <= kde["mi_inputs_upper_bits"]
        assert layer["binning"]["entropy_bits"]["exact"] <= 12
    assert found["activations"][0]["binning"]["entropy_bits"]["exact"] == pytest.approx(12)
    shown = invoke(*asked, *more, "--activations", "kde").stdout
    assert "values of layers" in shown
