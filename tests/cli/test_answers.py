"""What the commands answer: promised fields, honest brackets, the same counts whichever way."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from cpwl_milp.cli import main
from cpwl_milp.enumeration.progress import LineProgress
from tests.cli.command import (
    MOONS,
    MOONS_X,
    MOONS_Y,
    answer,
    invoke,
    parsed,
    process,
    two_inputs,
    vnnlib,
)
from tests.models.manifest import MODELS, piecewise_linear_models
from tests.onnx_io.graphs import model, node, save, value

FC1 = MODELS / "public" / "fc1.onnx"
KERAS = MODELS / "public" / "keras_linear_131_relu.onnx"
FC1_PREFIX = [25, 43, 71]
FC1_OWN = [25, 8, 8]

# What other programs may rely on; a tuple means "or", a list "each element".
MODEL = {"path": str, "sha256": str, "n_inputs": int, "n_units": int}
MAYBE_INT = (int, type(None))
COUNT = {
    "schema": str,
    "model": MODEL,
    "domain": dict,
    "engine": str,
    "complete": bool,
    "regions": int,
    "lower": int,
    "upper": int,
    "linear_regions": MAYBE_INT,
    "affine_maps": MAYBE_INT,
    "layers": [
        {
            "layer": int,
            "units": int,
            "always_active": int,
            "always_inactive": int,
            "unstable": int,
            "prefix_regions": MAYBE_INT,
            "own_patterns": MAYBE_INT,
            "own_patterns_complete": bool,
            "upper_bound": int,
        }
    ],
    "seconds": (int, float),
    "versions": dict,
}
BOUNDS = {
    "schema": str,
    "bounds": [{"name": str, "value": MAYBE_INT, "log10": (float, type(None)), "source": str}],
    "layers": [{"layer": int, "upper_bound": int}],
}
NAMES = {
    *("trivial", "raghu", "montufar2017", "serra2018", "hinz2021", "stability"),
    *("montufar2014", "serra2018-lower", "samples"),
}
WEIGHED = {
    "regions_seen": int,
    "entropy_bits": {"plugin": float, "miller_madow": float},
    "mi_labels_bits": {
        "plugin": float,
        "miller_madow": float,
        "null_mean": float,
        "null_p": float,
    },
    "missing_mass": float,
    "reliable": bool,
}
INFORMATION = {
    "n_samples": int,
    "labels": {"classes": int, "entropy_bits": float},
    "layers": [{"layer": int, "own": WEIGHED, "prefix": WEIGHED}],
}


def assert_has(found: Any, promised: Any, place: str = "answer") -> None:
    if isinstance(promised, dict):
        for name, kind in promised.items():
            assert name in found, f"{place}.{name}"
            assert_has(found[name], kind, f"{place}.{name}")
    elif isinstance(promised, list):
        assert isinstance(found, list), place
        for part in found:
            assert_has(part, promised[0], f"{place}[]")
    else:
        assert isinstance(found, promised), f"{place} is {found!r}"
        assert promised is bool or not (isinstance(found, bool)), place


def assert_honest(found: dict[str, Any], regions: int, prefix: list[int], own: list[int]) -> None:
    """Every number of a count, complete or not, allows the true ones."""
    assert found["lower"] <= regions <= found["upper"]
    assert found["regions"] == found["lower"]
    assert found["complete"] == (found["lower"] == found["upper"] == regions)
    assert bool(found["reason"]) != found["complete"]
    for layer, n_prefix, n_own in zip(found["layers"], prefix, own, strict=True):
        for kind, exact in (("prefix", n_prefix), ("own", n_own)):
            assert layer[f"{kind}_lower"] <= exact <= layer[f"{kind}_upper"]
        assert layer["prefix_regions"] in (None, n_prefix)
        assert layer["own_patterns"] in (None, n_own)
        assert layer["own_patterns_complete"] == (layer["own_patterns"] is not None)
        assert n_prefix <= layer["upper_bound"]


def counted_models() -> list[Any]:
    return [
        pytest.param(entry, count, id=entry["file"])
        for entry in piecewise_linear_models()
        for count in entry.get("count", ())
        if "regions" in count
    ]


@pytest.mark.parametrize(("entry", "known"), counted_models())
def test_counts_of_shipped_models(entry: dict[str, Any], known: dict[str, Any]) -> None:
    box = "{},{}".format(*known["box"])
    strip = ["--strip-output"] if entry.get("strip_output") else []
    found = answer("count", MODELS / entry["file"], "--box", box, *strip)
    assert_has(found, COUNT)
    assert found["schema"] == "cpwl-milp/count/1"
    assert found["model"]["sha256"] == entry["sha256"]
    assert found["model"]["n_units"] == sum(entry["hidden_units"])
    assert found["regions"] == found["lower"] == found["upper"] == known["regions"]
    assert [layer["prefix_regions"] for layer in found["layers"]] == known["prefix_regions"]
    for layer, count in known["own_patterns"].items():
        assert found["layers"][int(layer) - 1]["own_patterns"] == count


def test_bounds_has_every_promised_name_and_brackets_the_count() -> None:
    found = answer("bounds", FC1, "--box=-1,1")
    assert_has(found, BOUNDS)
    assert {bound["name"] for bound in found["bounds"]} == NAMES
    for bound in found["bounds"]:
        if bound["value"] is not None:
            assert bound["log10"] == pytest.approx(math.log10(bound["value"]), abs=1e-9)
        if bound["of"] == "network":
            assert bound["value"] >= 71 if bound["kind"] == "upper" else bound["value"] <= 71
    assert found["lower"] <= 71 <= found["upper"]
    for layer, prefix in zip(found["layers"], FC1_PREFIX, strict=True):
        assert prefix <= layer["upper_bound"]


def test_information_has_every_promised_field() -> None:
    found = answer(
        *("information", MOONS, "--data", MOONS_X, "--labels", MOONS_Y, "--permutations", 20)
    )
    assert_has(found, INFORMATION)
    assert found["n_samples"] == 1000
    assert found["labels"]["classes"] == 2
    for layer in found["layers"]:
        assert layer["own"]["entropy_bits"]["plugin"] <= layer["prefix"]["entropy_bits"]["plugin"]
    without = answer("information", MOONS, "--data", MOONS_X)
    assert without["labels"] is None
    assert all(layer["own"]["mi_labels_bits"] is None for layer in without["layers"])


@pytest.fixture(scope="module")
def counts_beyond_17000_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One unit on each of 57,000 inputs: exactly 2^57000 regions, over 10^17158."""
    thresholds = np.linspace(-0.5, 0.5, 57_000, dtype=np.float32)
    proto = model(
        [node("Add", ["x", "b"], ["z"]), node("Relu", ["z"], ["y"])],
        [value("x", [1, 57_000])],
        constants={"b": thresholds},
    )
    return save(proto, tmp_path_factory.mktemp("large"))


def test_integers_of_17000_digits_print(counts_beyond_17000_digits: Path) -> None:
    exact = 2**57_000
    found = answer("bounds", counts_beyond_17000_digits, "--box=-1,1", "--samples", 20)
    assert_has(found, BOUNDS)
    trivial = next(bound for bound in found["bounds"] if bound["name"] == "trivial")
    assert trivial["value"] == exact
    assert trivial["log10"] == pytest.approx(57_000 * math.log10(2), rel=1e-12)
    assert found["upper"] == exact

    found = answer(*("count", counts_beyond_17000_digits, "--box=-1,1", "--max-seconds", 2), code=3)
    assert_has(found, COUNT)
    assert found["lower"] <= exact <= found["upper"]
    assert found["upper"] > 10**17_000

    text = invoke("bounds", counts_beyond_17000_digits, "--box=-1,1", "--samples", 20)
    assert text.exit_code == 0
    assert "~10^17158.7" in text.stdout


def test_all_exact_engines_give_the_same_answer() -> None:
    engine = next(p for p in main.get_command(None, "count").params if p.name == "name")  # type: ignore[arg-type, union-attr]
    exact = [name for name in engine.type.choices if name != "sampling"]  # type: ignore[attr-defined]
    assert {"auto", "tree", "milp"} <= set(exact)
    seen = set()
    for name in exact:
        found = answer("count", KERAS, "--box=-1,1", "--engine", name)
        assert name in (found["engine"], "auto")
        assert_honest(found, 4, [4], [4])
        assert found["complete"]
        found = answer("count", MOONS, "--box", "0,0.3", "--engine", name)
        layers = found["layers"]
        counts = [(layer["prefix_regions"], layer["own_patterns"]) for layer in layers]
        seen.add((found["regions"], *counts))
    assert len(seen) == 1


def test_samples_give_a_bracket() -> None:
    found = answer("count", FC1, "--box=-1,1", "--engine", "sampling", code=3)
    assert found["engine"] == "sampling"
    assert_honest(found, 71, FC1_PREFIX, FC1_OWN)
    assert not found["complete"]
    assert found["lower"] > 40


@pytest.mark.parametrize(
    ("option", "limit", "completes"),
    [
        ("--max-regions", 1, False),
        ("--max-regions", 30, False),
        ("--max-regions", 71, True),
        ("--max-per-layer", 1, False),
        ("--max-per-layer", 30, False),
        ("--max-per-layer", 1000, True),
        ("--max-seconds", 1e-6, None),
        ("--max-seconds", 0.02, None),
        ("--max-seconds", "inf", True),
    ],
)
def test_a_limit_gives_an_honest_bracket(
    option: str, limit: float | str, completes: bool | None
) -> None:
    result = invoke("count", FC1, "--box=-1,1", option, limit, "--json")
    found = parsed(result.stdout)
    assert_has(found, COUNT)
    assert_honest(found, 71, FC1_PREFIX, FC1_OWN)
    assert result.exit_code == (0 if found["complete"] else 3)
    if completes is not None:
        assert found["complete"] == completes
    if not found["complete"]:
        assert found["reason"] == option.removeprefix("--")
    if option == "--max-regions":
        assert found["found"] == limit


def test_a_network_too_large_for_its_time_gives_a_bracket() -> None:
    network = MODELS / "digits" / "digits_dense_epoch_0100.onnx"
    # Compiles the engine, which takes its own time where it was never done before.
    answer("count", network, "--box", "0,1", "--max-regions", 5, code=3)
    found = answer("count", network, "--box", "0,1", "--max-seconds", 1.5, code=3)
    assert_has(found, COUNT)
    assert (found["complete"], found["reason"]) == (False, "max-seconds")
    assert 1_000 < found["lower"] < found["upper"]
    assert found["seconds"] < 6
    lowers = [layer["prefix_lower"] for layer in found["layers"]]
    assert lowers == sorted(lowers)
    for layer in found["layers"]:
        assert layer["own_lower"] <= layer["own_upper"]
        assert layer["prefix_lower"] <= layer["prefix_upper"] <= layer["upper_bound"]


def test_scopes(tmp_path: Path) -> None:
    for layer, (prefix, own) in enumerate(zip(FC1_PREFIX, FC1_OWN, strict=True), start=1):
        found = answer("count", FC1, "--box=-1,1", "--scope", f"prefix:{layer}")
        assert_has(found, COUNT)
        assert (found["regions"], found["complete"]) == (prefix, True)
        assert found["scope"] == f"prefix:{layer}"
        assert len(found["layers"]) == layer
        if layer > 1:
            found = answer("count", FC1, "--box=-1,1", "--scope", f"own:{layer}")
            assert_has(found, COUNT)
            assert (found["regions"], found["complete"]) == (own, True)
            assert f"layer {layer} alone" in found["definition"]
    assert answer("count", FC1, "--box=-1,1", "--scope", "own:last")["scope"] == "own:3"


@pytest.mark.parametrize("option", ["--max-regions", "--max-per-layer"])
def test_a_limit_bounds_the_own_patterns_listed(option: str) -> None:
    found = answer("count", FC1, "--box=-1,1", "--scope", "own:3", option, 3, code=3)
    assert (found["found"], found["lower"]) == (3, 3)
    assert found["upper"] >= 8
    assert found["reason"] == option.removeprefix("--")


def hat(folder: Path) -> Path:
    """relu(x) - 2 relu(x - 1/4) + relu(x - 1/2): zero on both sides of a hat."""
    proto = model(
        [
            node("Gemm", ["x", "w0", "b0"], ["z"]),
            node("Relu", ["z"], ["h"]),
            node("Gemm", ["h", "w1"], ["y"]),
        ],
        [value("x", [1, 1])],
        constants={
            "w0": np.ones((1, 3), np.float32),
            "b0": np.array([0, -0.25, -0.5], np.float32),
            "w1": np.array([[1], [-2], [1]], np.float32),
        },
    )
    return save(proto, folder, "hat.onnx")


def test_linear_regions_are_told_from_affine_maps(tmp_path: Path) -> None:
    network = hat(tmp_path)
    found = answer("count", network, "--box=-1,1", "--linear-regions")
    counts = [found[name] for name in ("regions", "linear_regions", "affine_maps")]
    assert counts == [4, 4, 3]
    assert (
        "4 linear regions, 3 distinct"
        in invoke(*("count", network, "--box=-1,1", "--linear-regions")).stdout
    )
    plain = answer("count", network, "--box=-1,1")
    assert plain["linear_regions"] is plain["affine_maps"] is None

    # A count that formulas settle is complete, but the maps were not all seen.
    cut = invoke(
        *("count", network, "--box=-1,1", "--linear-regions", "--max-regions", 2, "--json")
    )
    assert cut.exit_code == 3
    assert cut.stderr.startswith("note: linear regions are not counted")
    found = parsed(cut.stdout)
    assert found["linear_regions"] is found["affine_maps"] is None
    assert found["lower"] <= 4 <= found["upper"]


@pytest.mark.parametrize("kind", ["npz", "json"])
def test_a_box_file_may_fix_coordinates(kind: str, tmp_path: Path) -> None:
    lower, upper = [-2.0, 0.25], [3.0, 0.25]
    file = tmp_path / f"box.{kind}"
    if kind == "npz":
        np.savez(file, lower=lower, upper=upper)
    else:
        file.write_text(json.dumps({"lower": lower, "upper": upper}), encoding="utf-8")
    found = answer("count", MOONS, "--box", file)
    assert found["complete"]
    assert found["domain"]["fixed_inputs"] == 1
    assert found["domain"]["origin"] == str(file)

    from cpwl_milp.onnx_io import load_model

    line = np.column_stack([np.linspace(-2, 3, 200_001), np.full(200_001, 0.25)])
    bits = load_model(MOONS).network.bits(line)
    # Regions are convex, so each is met once along the line.
    assert found["regions"] == 1 + (bits[1:] != bits[:-1]).any(axis=1).sum()


def test_vnnlib_boxes(tmp_path: Path) -> None:
    box = ((-1.0, 0.5), (0.0, 2.0))
    one = vnnlib(tmp_path / "one.vnnlib", box)
    two = vnnlib(tmp_path / "two.vnnlib", ((0.0, 1.0), (0.0, 1.0)), box)
    lower, upper = zip(*box, strict=True)
    (tmp_path / "box.json").write_text(json.dumps({"lower": lower, "upper": upper}))
    asked = answer("count", MOONS, "--box", tmp_path / "box.json")["regions"]
    assert asked > 20
    assert answer("count", MOONS, "--vnnlib", one)["regions"] == asked
    assert answer("count", MOONS, "--vnnlib", f"{one}:0")["regions"] == asked
    assert answer("count", MOONS, "--vnnlib", f"{two}:1")["regions"] == asked
    assert (
        answer("count", MOONS, "--vnnlib", f"{two}:0")["regions"]
        == answer("count", MOONS, "--box", "0,1")["regions"]
    )


def test_choice_of_inputs_outputs_and_dimensions(tmp_path: Path) -> None:
    network = two_inputs(tmp_path)
    np.save(tmp_path / "b.npy", np.array([0.3]))
    asked = ("count", network, "--box", "0,1", "--output", "y")
    both = answer(*asked)
    assert both["model"]["n_inputs"] == 3
    only = answer(*asked, "--input", "a", "--fix", f"b={tmp_path / 'b.npy'}")
    assert only["model"]["n_inputs"] == 2
    (tmp_path / "box.json").write_text('{"lower": [0, 0, 0.3], "upper": [1, 1, 0.3]}')
    fixed = answer("count", network, "--box", tmp_path / "box.json", "--output", "y")
    # 0.3 in float32 is another number than in float64, but no kink lies between.
    assert only["regions"] == fixed["regions"] < both["regions"]
    # Two rows that know nothing of each other: every pair of regions is one.
    rows = answer(*asked, "--dim", "batch=2")
    assert rows["regions"] == both["regions"] ** 2
    # A smooth head is refused, and cut off on request.
    assert invoke("count", network, "--box", "0,1").exit_code == 1
    result = invoke("count", network, "--box", "0,1", "--output", "p", "--strip-output", "--json")
    assert result.exit_code == 0
    assert result.stderr.startswith("note: cut off Softmax")
    assert result.stderr.count("\n") == 1
    assert parsed(result.stdout)["regions"] == both["regions"]


def test_inspect_of_every_shipped_model() -> None:
    for entry in piecewise_linear_models():
        strip = ["--strip-output"] if entry.get("strip_output") else []
        found = answer("inspect", MODELS / entry["file"], *strip)
        assert [layer["units"] for layer in found["layers"]] == entry["hidden_units"]
        assert found["model"]["n_inputs"] == entry["inputs"]
        assert found["agreement"]["max_relative"] <= 1e-5
        assert sum(found["operators"].values()) > 0


def test_enumerate_information_and_resume(tmp_path: Path) -> None:
    run = tmp_path / "deep" / "run"
    asked = ("enumerate", MOONS, "--box=-2,3", "-o", run, "--with-maps")
    part = answer(*asked, "--max-regions", 100, code=3)
    assert (part["regions"], part["complete"], part["reason"]) == (100, False, "max-regions")
    assert part["lower"] <= 333 <= part["upper"]
    assert 0 < part["closed"] < 1
    weighed = answer("information", run, "--data", MOONS_X)
    assert weighed["run"]["complete"] is False

    done = answer("enumerate", "--resume", run)
    assert (done["regions"], done["lower"], done["upper"]) == (333, 333, 333)
    assert (done["complete"], done["closed"], done["reason"]) == (True, 1.0, "")
    patterns = pq.ParquetDataset(run / "regions").read()["pattern"].to_pylist()
    assert len(patterns) == len(set(patterns)) == 333

    again = answer("enumerate", "--resume", run)
    assert again["regions"] == 333
    weighed = answer("information", run, "--data", MOONS_X, "--labels", MOONS_Y)
    assert_has(weighed, INFORMATION)
    assert weighed["run"]["complete"] is True
    assert weighed["run"]["regions"] == 333
    assert list((run / "mass").iterdir())


def test_a_run_finds_its_model_after_a_move(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    model = here / "net.onnx"
    model.write_bytes(MOONS.read_bytes())
    answer("enumerate", model, "--box=-2,3", "-o", here / "run", "--max-regions", 50, code=3)
    here.rename(there)
    run, model = there / "run", there / "net.onnx"
    asked = ("information", run, "--data", MOONS_X)
    # Moved together.
    assert answer(*asked)["model"]["path"] == str(model)
    assert answer("enumerate", "--resume", run, "--max-regions", 60, code=3)["regions"] == 60
    # Where it lay there is another file now; the one beside the run is taken.
    here.mkdir()
    (here / "net.onnx").write_bytes(FC1.read_bytes())
    assert answer(*asked)["model"]["path"] == str(model)
    (here / "net.onnx").unlink()
    # Moved apart.
    elsewhere = model.rename(tmp_path / "elsewhere.onnx")
    for command in (asked, ("enumerate", "--resume", run)):
        lost = invoke(*command)
        assert lost.exit_code == 1
        assert lost.stderr.count("\n") == 1
        assert "no such file" in lost.stderr
        assert "--model FILE" in lost.stderr
    assert answer(*asked, "--model", elsewhere)["run"]["regions"] == 60
    wrong = invoke(*asked, "--model", FC1)
    assert wrong.exit_code == 1
    assert "the model of the run" in wrong.stderr
    assert invoke("information", MOONS, "--data", MOONS_X, "--model", MOONS).exit_code == 2


@pytest.mark.parametrize(("suffix", "head"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_plot(suffix: str, head: bytes, tmp_path: Path) -> None:
    file = tmp_path / "new" / f"regions{suffix}"
    found = answer(
        *("plot", MOONS, "--box=-2,3", "--data", MOONS_X, "--labels", MOONS_Y, "-o", file)
    )
    assert found["regions"] == 333
    assert found["area_share"] == pytest.approx(1.0, abs=1e-9)
    assert file.read_bytes().startswith(head)
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("suffix", [".mps", ".lp", ".LP"])
def test_encode(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / "new" / f"network{suffix}"
    found = answer("encode", MOONS, "--box=-2,3", "-o", file)
    assert found["binaries"] + found["stable_units"] == 32
    assert found["binaries"] == 31
    assert file.stat().st_size > 1000
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["inspect", MOONS], ["agrees with onnxruntime", "Gemm x3", "32 hidden units"]),
        (["bounds", MOONS, "--box=-2,3"], ["trivial", "4,294,967,296", "serra2018-lower"]),
        (["count", MOONS, "--box=-2,3"], ["333 regions (exact", "prefix regions"]),
        (["count", FC1, "--box=-1,1", "--scope", "prefix:2"], ["43 regions of layers 1 to 2"]),
        (["enumerate", MOONS, "--box=-2,3", "-o", "run"], ["333 regions listed in run"]),
        (["information", MOONS, "--data", MOONS_X, "--labels", MOONS_Y], ["H(Y)", "1,000 samples"]),
        (["encode", MOONS, "--box=-2,3", "-o", "m.lp"], ["m.lp: ", "31 of them binary"]),
        (["plot", MOONS, "--box=-2,3", "-o", "p.png"], ["333 regions drawn to p.png"]),
    ],
    ids=lambda value: str(value[0]) if isinstance(value[0], str) else "",
)
def test_text_answers(
    arguments: list[object], says: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    for words in says:
        assert words in result.stdout
    # Progress, too, shows only where the kernels had to be compiled first.
    compiling = ("% closed", "note: compiling")
    assert all(any(k in line for k in compiling) for line in result.stderr.splitlines())
    assert "reliable: reliable" not in result.stdout
    assert all(len(line) <= 130 for line in result.stdout.splitlines())


def test_samples_are_not_to_be_resumed(tmp_path: Path) -> None:
    asked = ("enumerate", FC1, "--box=-1,1", "-o", tmp_path / "run")
    result = invoke(*asked, "--engine", "sampling")
    assert result.exit_code == 3
    assert "--resume" not in result.stdout
    assert "--engine tree" in result.stdout


def test_text_of_a_bracket_says_why() -> None:
    result = invoke("count", FC1, "--box=-1,1", "--max-regions", 20)
    assert result.exit_code == 3
    assert result.stdout.startswith("between ")
    assert "incomplete: max-regions" in result.stdout


def test_progress_goes_to_standard_error_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LineProgress.__init__, "__defaults__", (0.0,))
    result = invoke("count", FC1, "--box=-1,1", "--json")
    assert parsed(result.stdout)["regions"] == 71
    assert "% closed" in result.stderr
    assert all("% closed" in line for line in result.stderr.splitlines())


def test_a_failed_check_ends_with_4(monkeypatch: pytest.MonkeyPatch) -> None:
    from cpwl_milp.onnx_io.runtime import Runtime

    right = Runtime.probed

    def wrong(self: Runtime, x: Any) -> Any:
        outputs, inner = right(self, x)
        return outputs + 0.1, inner

    monkeypatch.setattr(Runtime, "probed", wrong)
    result = invoke("count", MOONS, "--box", "0,1", "--json")
    assert result.exit_code == 4
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_a_reader_that_goes_away_is_no_error() -> None:
    with process("bounds", MOONS, "--box", "0,1") as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode == 1
    with process("inspect", MOONS, "--json", stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert parsed(run.stdout.read())["model"]["n_units"] == 32
    assert run.returncode == 0
