"""`plane`: order, epochs, resuming, several processes, figures."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import answer, invoke
from tests.models.manifest import MODELS

SZT = MODELS / "szt"
RELU = [SZT / f"szt_relu_epoch_{epoch:04d}.onnx" for epoch in (400, 0, 9)]


@pytest.fixture
def some(tmp_path: Path) -> tuple[object, ...]:
    """A tenth of the inputs, so that tests are short."""
    for kind in "xy":
        np.save(tmp_path / f"{kind}.npy", np.load(SZT / f"szt_{kind}.npy")[::10])
    data = ("--data", tmp_path / "x.npy", "--labels", tmp_path / "y.npy")
    return (*data, "--permutations", 9)


def test_along_a_training(tmp_path: Path, some: tuple[object, ...]) -> None:
    folder = tmp_path / "plane"
    asked = ("plane", *RELU, *some, "--atoms", "--activations", "binning,kde", "-o", folder)
    found = answer(*asked)
    assert [one["epoch"] for one in found["checkpoints"]] == [0, 9, 400]
    accuracy = [one["accuracy"] for one in found["checkpoints"]]
    assert accuracy[0] < 0.6 < accuracy[1] < accuracy[2]
    for one in found["checkpoints"]:
        alone = answer("information", one["path"], *some, "--atoms")
        assert one["layers"] == alone["layers"]
        prefixes = [k["prefix"]["entropy_bits"]["exact"] for k in one["layers"]]
        assert prefixes == sorted(prefixes)
        assert len(one["activations"]) == 6
    assert found["measured_now"] == 3
    assert {Path(name).name for name in found["files"]} == {"plane.csv", "plane.svg", "course.svg"}
    for name in found["files"]:
        assert Path(name).stat().st_size > 1000
    with (folder / "plane.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 6
    assert float(rows[0]["own_entropy_bits"]) == pytest.approx(
        found["checkpoints"][0]["layers"][0]["own"]["entropy_bits"]["plugin"]
    )
    # What is there is not measured again; what is asked otherwise is.
    (lost, *_) = sorted((folder / "checkpoints").glob("*0009*"))
    lost.write_text("{half of it", encoding="utf-8")
    again = answer(*asked)
    assert again["measured_now"] == 1
    assert again["checkpoints"] == found["checkpoints"]
    assert answer(*asked, "--seed", 1)["measured_now"] == 3


def test_processes_give_the_same(some: tuple[object, ...]) -> None:
    one, two = (answer("plane", *RELU[:2], *some, "--jobs", jobs) for jobs in (1, 2))
    assert one["checkpoints"] == two["checkpoints"]


def test_smooth_networks_and_the_text(tmp_path: Path, some: tuple[object, ...]) -> None:
    tanh = [SZT / f"szt_tanh_epoch_{epoch:04d}.onnx" for epoch in (0, 400)]
    refused = invoke("plane", *tanh, *some)
    assert refused.exit_code == 1
    assert "smooth" in refused.stderr
    shown = invoke("plane", *tanh, *some, "--activations", "binning", "-o", tmp_path / "out")
    assert shown.exit_code == 0, shown.output
    assert "H(Bin)" in shown.stdout
    assert "own patterns" not in shown.stdout
    assert "written:" in shown.stdout


def test_epochs(tmp_path: Path, some: tuple[object, ...]) -> None:
    for name, source in (("early", RELU[1]), ("late", RELU[0])):
        (tmp_path / f"{name}.onnx").write_bytes(source.read_bytes())
    unnamed = invoke("plane", tmp_path, *some, "--json")
    assert "no epochs in the names" in unnamed.stderr
    table = tmp_path / "epochs.csv"
    table.write_text("file,epoch\nlate.onnx,3\nearly.onnx,7\n", encoding="utf-8")
    found = answer("plane", tmp_path, *some, "--epochs", table)
    assert [one["epoch"] for one in found["checkpoints"]] == [3, 7]
    assert found["checkpoints"][0]["path"].endswith("late.onnx")
    table.write_text("late.onnx,3\n", encoding="utf-8")
    lacking = invoke("plane", tmp_path, *some, "--epochs", table)
    assert lacking.exit_code == 1
    assert "early.onnx" in lacking.stderr


def test_bad_checkpoints(tmp_path: Path, some: tuple[object, ...]) -> None:
    (tmp_path / "empty").mkdir()
    for line, says in (
        ([tmp_path / "empty"], "no .onnx file"),
        ([RELU[0], RELU[0]], "twice"),
        ([tmp_path / "absent_1.onnx"], "absent_1.onnx"),
    ):
        result = invoke("plane", *line, *some)
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert says in result.stderr
