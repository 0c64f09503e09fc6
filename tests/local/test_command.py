"""The command `local`: fields, brackets, files, errors, Ctrl-C."""

from __future__ import annotations

import csv
import json
import signal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.cli.command import MOONS, MOONS_X, MOONS_Y, answer, invoke, parsed, process
from tests.models.manifest import MODELS

EARLY = MODELS / "moons" / "moons_torch_epoch_0000.onnx"
SZT = MODELS / "szt" / "szt_relu_epoch_0400.onnx"
AROUND = ("--data", MOONS_X, "--points", 6, "--radius", 0.2)


@pytest.mark.parametrize("norm", ["1", "2", "inf"])
def test_fields_other_programs_rely_on(norm: str) -> None:
    found = answer("local", MOONS, *AROUND, "--norm", norm)
    assert found["complete"]
    assert len(found["points"]) == 6
    for point in found["points"]:
        assert point["lower"] == point["regions"] <= point["upper"] <= point["upper_zhu"]
        assert (point["boundary_distance"] < 0.2) == (point["regions"] > 1)
        assert len(point["crossing_units"]) == 2
        pairs = zip(point["crossing_units_exact"], point["crossing_units"], strict=True)
        assert all(a <= b for a, b in pairs)
    assert found["global_bounds"][0]["value"] == 18769


def test_the_same_seed_gives_the_same_answer() -> None:
    def once(seed: int) -> dict[str, object]:
        found = answer(
            "local", MOONS, *AROUND, "--norm", "inf", "--compare", "normal", "--seed", seed
        )
        return {key: value for key, value in found.items() if key != "seconds"}

    assert once(3) == once(3)
    assert once(3) != once(4)


def test_larger_balls_hold_more() -> None:
    found = answer(
        "local",
        MOONS,
        "--data",
        MOONS_X,
        "--points",
        5,
        "--radius",
        "0.05,0.2,0.6",
        "--norm",
        "inf",
    )
    for first in range(0, 15, 3):
        small, middle, large = found["points"][first : first + 3]
        assert small["index"] == large["index"]
        assert small["regions"] <= middle["regions"] <= large["regions"]
        assert small["boundary_distance"] == large["boundary_distance"]


def test_limits_give_brackets_and_exit_code_3() -> None:
    found = answer("local", MOONS, *AROUND, "--norm", "inf", "--max-regions", 1, code=3)
    assert found["reason"] == "max-regions"
    cut = [point for point in found["points"] if not point["complete"]]
    assert cut
    assert all(point["regions"] is None and point["lower"] < point["upper"] for point in cut)


def test_no_count_is_no_failure() -> None:
    found = answer("local", MOONS, *AROUND, "--no-count")
    assert found["complete"]
    assert found["reason"] == ""
    assert any(point["regions"] is None for point in found["points"])


def test_checkpoints_sets_and_labels(tmp_path: Path) -> None:
    found = answer(
        *("local", EARLY, MOONS, *AROUND, "--norm", "inf", "--labels", MOONS_Y),
        *("--compare", "uniform", "--compare", "permuted", "-o", tmp_path / "around"),
    )
    assert len(found["points"]) == 2 * 3 * 6
    assert {row["against_set"] for row in found["comparisons"]} == {"uniform", "permuted"}
    assert {(row["model"], row["against_model"]) for row in found["course"]} == {(1, 0)}
    assert {row["label"] for row in found["summary"] if row["set"] == "data"} >= {None}
    folder = tmp_path / "around"
    names = {Path(file).name for file in found["files"]}
    assert names == {"points.parquet", "points.csv", "distributions.svg", "course.svg"}
    assert {file.name for file in folder.iterdir()} == names
    table = pq.read_table(folder / "points.parquet").to_pylist()
    with (folder / "points.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for point, stored, row in zip(found["points"], table, rows, strict=True):
        assert int(row["upper"]) == int(stored["upper"]) == point["upper"]
        assert int(row["regions"]) == stored["regions"] == point["regions"]
        assert float(row["boundary_distance"]) == point["boundary_distance"]
        crossing = [stored["crossing_layer_1"], stored["crossing_layer_2"]]
        assert crossing == point["crossing_units"]
        bits = bytes.fromhex(row["crossing_bits"])
        assert bits == stored["crossing_bits"]
        assert int.from_bytes(bits, "little").bit_count() == sum(crossing)


def test_given_points_are_paired_row_by_row(tmp_path: Path) -> None:
    rows = np.load(MOONS_X).astype(np.float64)
    np.save(tmp_path / "near.npy", rows + 1e-3)
    found = answer("local", MOONS, *AROUND, "--no-count", "--compare", tmp_path / "near.npy")
    here, there = found["points"][:6], found["points"][6:]
    assert [p["index"] for p in here] == [p["index"] for p in there]
    for a, b in zip(here, there, strict=True):
        assert abs(a["boundary_distance"] - b["boundary_distance"]) <= 1e-3 * np.sqrt(2) * 1.001


def test_text_answer() -> None:
    result = invoke("local", EARLY, MOONS, *AROUND, "--norm", "inf", "--compare", "uniform")
    assert result.exit_code == 0, result.output
    for words in ("0000", "0100", "BallBound", "pair by pair", "at the same points"):
        assert words in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--radius", "0"], 2, "above 0"),
        (["--radius", "0.1,x"], 2, "above 0"),
        (["--radius", "0.1,0.1"], 2, "twice"),
        (["--radius", "1e-30"], 1, "lost in rounding"),
        (["--radius", "0.1", "--points", "5000"], 1, "at least --points 5000"),
        (["--radius", "0.1", "--compare", "uniform:3"], 1, "two numbers"),
        (["--radius", "0.1", "--compare", "nowhere.npy"], 1, "no such file"),
        (["--radius", "0.1", "--compare", "uniform", "--compare", "uniform"], 2, "twice"),
        (["--radius", "0.1", "--compare", str(MODELS / "szt" / "szt_x.npy")], 1, "features"),
        (["--radius", "0.1", "--norm", "3"], 2, "norm"),
        ([], 2, "--radius"),
    ],
    ids=str,
)
def test_errors_are_one_line(arguments: list[str], code: int, words: str) -> None:
    result = invoke("local", MOONS, "--data", MOONS_X, *arguments)
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert "Traceback" not in result.output
    if code == 1:
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""


def test_models_must_fit_together() -> None:
    result = invoke("local", MOONS, SZT, "--data", MOONS_X, "--radius", 1)
    assert result.exit_code == 1
    assert "12 inputs" in result.stderr


def test_output_folder_may_not_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = invoke("local", MOONS, *AROUND, "-o", tmp_path / "file")
    assert result.exit_code == 1
    assert "is a file" in result.stderr


def test_pairs_need_equal_numbers(tmp_path: Path) -> None:
    np.save(tmp_path / "few.npy", np.zeros((3, 2)))
    result = invoke(
        *("local", MOONS, "--data", MOONS_X, "--radius", 1, "--compare", tmp_path / "few.npy")
    )
    assert result.exit_code == 1
    assert "--points N" in result.stderr


def test_ctrl_c_answers_with_what_is_done() -> None:
    running = process(
        *("local", MOONS, "--data", MOONS_X, "--radius", "0.5", "--norm", "inf"),
        *("--samples", 5_000, "--json"),
        module="tests.cli.small_steps",
    )
    assert running.stderr is not None
    # Lines of progress, one a ball there, say that some are done.
    for _ in range(5):
        assert running.stderr.readline()
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 3, stderr
    found = parsed(stdout)
    assert found["reason"] == "interrupted"
    assert not found["complete"]
    assert 0 < len(found["points"]) < 1000
    assert json.dumps(found)
