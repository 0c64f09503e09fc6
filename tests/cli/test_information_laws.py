"""`information` of inputs that follow a law, of runs, of densities, and its figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.cli.command import MOONS, MOONS_X, MOONS_Y, answer, invoke, two_inputs

BOX = "--box=-2,3"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    answer("enumerate", MOONS, BOX, "-o", folder)
    return folder


def partitions(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [layer[kind] for layer in found["layers"] for kind in ("own", "prefix")]


def test_volumes_of_a_run_are_those_of_its_question(run: Path) -> None:
    of_run = answer("information", run, "--uniform")
    direct = answer("information", MOONS, BOX, "--uniform")
    assert of_run["layers"] == direct["layers"]
    assert of_run["run"]["regions"] == of_run["layers"][-1]["prefix"]["regions"] == 333
    assert of_run["run"]["own_patterns"] == [100, 71]
    assert of_run["run"]["in_regions"] is None
    assert "those that" in invoke("information", run, "--uniform").stdout
    # A domain of its own is the run's affair.
    assert invoke("information", run, "--uniform", BOX).exit_code == 2


def test_draws_from_a_runs_domain_have_masses(run: Path) -> None:
    found = answer("information", run, "--uniform", "--draws", 3000, "--permutations", 9)
    assert found["run"]["in_regions"] == 3000
    assert found["run"]["outside_domain"] == 0
    table = pq.read_table(run / "mass" / "regions.parquet")
    assert sum(table["count"].to_pylist()) == 3000


def test_shares_of_draws_hold_the_volumes() -> None:
    exact = answer("information", MOONS, BOX, "--uniform")
    drawn = answer("information", MOONS, BOX, "--uniform", "--draws", 4000, "--permutations", 9)
    for true, part in zip(partitions(exact), partitions(drawn), strict=True):
        shares = part["shares"]
        assert len(shares) == min(10, part["regions_seen"])
        assert [one["share"] for one in shares] == sorted(
            (one["share"] for one in shares), reverse=True
        )
        low, high = shares[0]["interval"]
        assert low < shares[0]["share"] < high
        # The largest of several shares errs upwards, but hardly here.
        assert low - 0.005 < true["largest"] < high
    shown = invoke("information", MOONS, "--gaussian", "0,1", "--draws", 50, "--permutations", 9)
    assert "most probable regions" in shown.stdout


def test_nothing_exact_is_said_of_an_incomplete_run(tmp_path: Path) -> None:
    part = tmp_path / "part"
    answer("enumerate", MOONS, BOX, "-o", part, "--max-regions", 50, code=3)
    refused = invoke("information", part, "--uniform")
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert "incomplete" in refused.stderr
    assert "--draws" in refused.stderr
    drawn = answer("information", part, "--uniform", "--draws", 500, "--permutations", 9)
    assert drawn["run"]["complete"] is False
    assert drawn["run"]["unlisted"] > 0


def test_a_run_that_lacks_a_region_fails_the_check(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    answer("enumerate", MOONS, BOX, "-o", folder)
    (file,) = (folder / "regions").glob("*.parquet")
    pq.write_table(pq.read_table(file).slice(1), file)
    failed = invoke("information", folder, "--uniform")
    assert failed.exit_code == 4
    assert failed.stderr.count("\n") == 1
    assert "332 regions" in failed.stderr


def test_densities(tmp_path: Path) -> None:
    asked = ("information", MOONS, BOX, "--data", MOONS_X)
    found = answer(*asked, "--density", "all")["density"]
    names = [(one["name"], one["layer"]) for one in found["scores"]]
    others = [(k, None) for k in ("uniform", "histogram", "kde", "gmm")]
    assert names == [("regions", 1), ("regions", 2), *others]
    assert (found["n_train"], found["n_held_out"]) == (500, 500)
    by_name = {one["name"]: one for one in found["scores"]}
    assert by_name["regions"]["over_regions"] == 0
    # What was measured everywhere: tuned estimators are better than the regions.
    for name in ("histogram", "kde", "gmm"):
        assert by_name[name]["over_regions"] > 2 * by_name[name]["over_regions_error"]
    np.save(tmp_path / "held.npy", np.load(MOONS_X)[:100])
    told = answer(*asked, "--density", "regions", "--held-out", tmp_path / "held.npy")["density"]
    assert (told["n_train"], told["n_held_out"]) == (1000, 100)
    assert [one["name"] for one in told["scores"]] == ["regions", "regions", "uniform"]
    assert "held-out log2 density" in invoke(*asked, "--density", "regions,histogram").stdout


@pytest.mark.parametrize(
    "line",
    [
        ["--data", MOONS_X, "--density", "all"],
        [BOX, "--uniform", "--density", "all"],
        [BOX, "--data", MOONS_X, "--density", "parzen"],
        [BOX, "--data", MOONS_X, "--held-out", MOONS_X],
    ],
)
def test_densities_that_cannot_be(line: list[object]) -> None:
    refused = invoke("information", MOONS, *line)
    assert refused.exit_code == 2


def test_figures(tmp_path: Path, run: Path) -> None:
    labels = ("--labels", MOONS_Y, "--permutations", 9)
    for k, asked in enumerate(((MOONS, "--data", MOONS_X, *labels), (run, "--uniform"))):
        folder = tmp_path / str(k)
        found = answer("information", *asked, "--figures", folder)
        assert found["figures"] == [
            str(folder / name) for name in ("entropy_by_layer.svg", "mass_by_rank.svg")
        ]
        for name in found["figures"]:
            assert Path(name).stat().st_size > 5000
    (tmp_path / "file").touch()
    refused = invoke("information", run, "--uniform", "--figures", tmp_path / "file")
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1


def test_regions_coloured_by_mass(tmp_path: Path) -> None:
    file = tmp_path / "mass.svg"
    found = answer("plot", MOONS, BOX, "--colour", "mass", "--data", MOONS_X, "-o", file)
    assert found["colour"] == "mass"
    assert "share of 1,000 samples" in file.read_text(encoding="utf-8")
    assert invoke("plot", MOONS, BOX, "--colour", "mass", "-o", file).exit_code == 2
    # All samples elsewhere, and a plane through wide inputs.
    np.save(tmp_path / "far.npy", np.full((5, 2), 100.0))
    far = ("--data", tmp_path / "far.npy", "-o", file)
    assert answer("plot", MOONS, BOX, "--colour", "mass", *far)["regions"] == 333


def test_values_of_layers_heed_the_options_on_reading_a_model(tmp_path: Path) -> None:
    path = two_inputs(tmp_path)
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.normal(size=(60, 2)))
    np.save(tmp_path / "y.npy", rng.integers(0, 2, 60))
    np.save(tmp_path / "b.npy", np.array([[0.4]]))
    line = ("--data", tmp_path / "x.npy", "--labels", tmp_path / "y.npy", "--permutations", 9)
    more = ("--activations", "binning", "--fix", f"b={tmp_path / 'b.npy'}", "--output", "p")
    found = answer("information", path, *line, *more, "--strip-output")
    assert [one["tensor"] for one in found["activations"]] == ["h", "y"]
    plane = answer("plane", path, *line, *more, "--strip-output")
    assert plane["checkpoints"][0]["activations"] == found["activations"]
    # Two inputs that vary have regions, but no layers that are a function of one tensor.
    np.save(tmp_path / "x.npy", rng.normal(size=(60, 3)))
    refused = invoke("information", path, *line, "--output", "y", "--activations", "binning")
    assert refused.exit_code == 1
    assert "--fix the others" in refused.stderr
    plain = answer("plane", path, *line, "--output", "y")["checkpoints"][0]
    assert 0 < plain["accuracy"] < 1
