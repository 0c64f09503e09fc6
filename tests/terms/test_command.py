"""The command `terms`: fields, files, checks, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cpwl_milp.onnx_io import load_model
from cpwl_milp.storage.tables import read_batches, read_metadata
from cpwl_milp.terms import linear
from cpwl_milp.terms.linear import linear_terms
from tests.cli.command import MOONS, MOONS_X, MOONS_Y, answer, invoke
from tests.models.manifest import MODELS

DIGITS = MODELS / "digits"
CONV = DIGITS / "digits_conv_epoch_0100.onnx"
TEST_X, TEST_Y = DIGITS / "digits_test_x.npy", DIGITS / "digits_test_y.npy"


def test_fields_other_programs_rely_on() -> None:
    found = answer("terms", MOONS, "--data", f"{MOONS_X}:0,5,9")
    network = load_model(MOONS).network
    points = np.load(MOONS_X)[[0, 5, 9]].astype(np.float64)
    expected = linear_terms(network, points)
    for k, point in enumerate(found["points"]):
        assert point["index"] == k
        np.testing.assert_array_equal(point["coefficients"], expected.coefficients[k])
        np.testing.assert_array_equal(point["bias"], expected.bias[k])
        bits = [bit == "1" for bit in point["pattern"]]
        np.testing.assert_array_equal(bits, network.bits(points[k : k + 1])[0])
        assert point["label"] == network(points[k : k + 1]).argmax()
    assert [check["points"] for check in found["checks"]] == [3]


@pytest.mark.parametrize("kind", ["npz", "parquet"])
def test_files_hold_all_terms(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "new" / f"terms.{kind}"
    found = answer("terms", CONV, "--data", TEST_X, "--labels", TEST_Y, "-o", file)
    assert found["file"] == str(file)
    assert found["points"][3]["coefficients"] is None
    expected = linear_terms(load_model(CONV).network, np.load(TEST_X).astype(np.float64))
    arrays = _arrays(file)
    for name in ("coefficients", "bias", "outputs", "patterns", "labels"):
        value = getattr(expected, name)
        np.testing.assert_array_equal(arrays[name].reshape(value.shape), value)
    assert found["n_points"] == found["distinct_patterns"] == 500
    right = expected.labels == np.load(TEST_Y)
    assert found["accuracy"] == right.mean()
    assert sum(row["points"] for row in found["classes"]) == 500


def _arrays(file: Path) -> dict[str, np.ndarray]:
    if file.suffix == ".npz":
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    assert read_metadata(file)["coefficients"].startswith("10 x 64")
    batches = list(read_batches(file))
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def test_text() -> None:
    result = invoke("terms", MOONS, "--data", MOONS_X, "--labels", MOONS_Y)
    assert result.exit_code == 0, result.output
    assert "checked at 1,000 points: linear term = f" in result.stdout
    assert "accuracy 0." in result.stdout


def test_classes_by_name(tmp_path: Path) -> None:
    names = tmp_path / "names.csv"
    names.write_text("\n".join(np.array(["left", "right"])[np.load(MOONS_Y)]), encoding="utf-8")
    by_name = answer("terms", MOONS, "--data", MOONS_X, "--labels", names, "-o", tmp_path / "t.npz")
    by_number = answer(
        "terms", MOONS, "--data", MOONS_X, "--labels", MOONS_Y, "-o", tmp_path / "t.npz"
    )
    assert by_name["accuracy"] == by_number["accuracy"] > 0.9


def test_memory_does_not_grow_with_the_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    passed_back = linear.passed_back

    def spied(network: Any, passage: Any, *rest: Any) -> Any:
        held.append(len(passage.outputs))
        return passed_back(network, passage, *rest)

    monkeypatch.setattr(linear, "passed_back", spied)
    data = tmp_path / "x.npy"
    np.save(data, np.tile(np.load(TEST_X), (9, 1)))
    found = answer("terms", CONV, "--data", data, "-o", tmp_path / "t.npz")
    assert found["n_points"] == sum(held) == 4500
    assert found["distinct_patterns"] == 500
    assert max(held) * 10 * 288 <= linear._BLOCK_ENTRIES


def test_a_term_that_is_wrong_ends_in_exit_code_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed_back = linear.passed_back

    def wrong(*arguments: Any) -> Any:
        coefficients, bias = passed_back(*arguments)
        return coefficients, bias + 1e-6

    monkeypatch.setattr(linear, "passed_back", wrong)
    file = tmp_path / "terms.npz"
    result = invoke("terms", MOONS, "--data", MOONS_X, "-o", file)
    assert result.exit_code == 4
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: check `linear term = f`, point ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--data", "nan.npy"), 1, "NaN or infinite values in rows 1"),
        (("--data", "wide.npy"), 1, "3 features each; expected 2"),
        (("--data", "missing.npy"), 1, "no such file"),
        (("--data", MOONS_X, "--labels", "three.npy"), 1, "3 labels"),
        (("--data", MOONS_X, "--labels", "strange.npy"), 1, "numbers of the network's 2 outputs"),
        (("--data", MOONS_X, "-o", "terms.csv"), 2, "does not end in .npz or .parquet"),
        (("--data", "many.npy", "--json"), 1, "write them to a file: -o terms.npz"),
        ((), 2, "Missing option '--data'"),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[object, ...],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("nan.npy", np.array([[0.0, 1.0], [np.nan, 0.0]]))
    np.save("wide.npy", np.zeros((4, 3)))
    np.save("three.npy", np.zeros(3, dtype=int))
    np.save("strange.npy", np.arange(1000) % 3 + 7)
    np.save("many.npy", np.zeros((900_000, 2)))
    result = invoke("terms", MOONS, *arguments)
    assert result.exit_code == code
    assert message in " ".join(result.stderr.split())
    if code == 1:
        assert len(result.stderr.splitlines()) == 1
