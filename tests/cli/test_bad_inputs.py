"""Bad domains, data, options and folders: one line, the right exit code, nothing left behind.

Bad ONNX files are tested where they are read (tests/onnx_io/test_malformed.py).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import MOONS, MOONS_X, MOONS_Y, answer, invoke, process, two_inputs, vnnlib
from tests.models.manifest import MODELS

COMMANDS = ("inspect", "bounds", "count", "enumerate", "information", "encode", "plot")
FC1 = MODELS / "public" / "fc1.onnx"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of good and bad files; no test writes to it."""
    folder = tmp_path_factory.mktemp("files")
    ones, x = np.ones(2), np.random.default_rng(0).normal(size=(20, 2))
    shutil.copy(MOONS, folder / "m.onnx")
    two_inputs(folder)
    boxes = {
        "other_keys": {"low": 0 * ones, "high": ones},
        "crossed": {"lower": [0.0, 2.0], "upper": [1.0, 1.0]},
        "nan": {"lower": [0.0, np.nan], "upper": ones},
        "inf": {"lower": -ones, "upper": [1.0, np.inf]},
        "long": {"lower": np.zeros(3), "upper": np.ones(3)},
        "uneven": {"lower": np.zeros(2), "upper": np.ones(3)},
        "words": {"lower": ["a", "b"], "upper": ["c", "d"]},
        "complex": {"lower": 1j * ones, "upper": ones},
        "point": {"lower": ones, "upper": ones},
    }
    for name, arrays in boxes.items():
        np.savez(folder / f"{name}.npz", **{k: np.asarray(v) for k, v in arrays.items()})
    objects = np.array([{}, {}], dtype=object)
    np.savez(folder / "pickled.npz", lower=objects, upper=objects, allow_pickle=True)
    np.savez(folder / "two_arrays.npz", a=x, b=x)
    texts = {
        "empty.json": "",
        "cut.json": '{"lower": [0, 0], "upper": [1',
        "list.json": "[[0, 0], [1, 1]]",
        "words.json": '{"lower": ["a", "b"], "upper": [1, 1]}',
        "null.json": '{"lower": [null, 0], "upper": [1, 1]}',
        "huge.json": '{"lower": [0, 0], "upper": [1, 1' + 400 * "0" + "]}",
        "deep.json": 100_000 * "[",
        "empty.vnnlib": "",
        "cut.vnnlib": "(declare-const X_0 Real",
        "v2.vnnlib": "(vnnlib-version <2.0>)\n(declare-network N (declare-input X float32 [1,2]))",
        "unbounded.vnnlib": (
            "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)"
            "(assert (>= X_0 0))(assert (<= X_0 1))(assert (<= X_1 1))"
        ),
        "ragged.csv": "1,2\n3,4\n5\n",
        "words.csv": "1,2\nx,4\n",
        "empty.csv": "",
        "data.txt": "1 2",
        "lfs.npy": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "notes": "no run folder, no network",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "bytes.json").write_bytes(b"\xff\xfe\x00{")
    vnnlib(folder / "other.vnnlib", 3 * ((0.0, 1.0),))
    vnnlib(folder / "two_boxes.vnnlib", 2 * ((0.0, 1.0),), 2 * ((2.0, 3.0),))
    vnnlib(folder / "crossed.vnnlib", ((0.0, 1.0), (1.0, 0.0)))
    broken = x.copy()
    broken[[3, 7], 1] = np.nan, np.inf
    with_nan = np.where(np.arange(20) == 4, np.nan, 1.0)
    arrays = {
        "x": x,
        "nan_rows": broken,
        "wide": np.ones((5, 3)),
        "no_rows": np.ones((0, 2)),
        "complex": 1j * x,
        "pickled": objects,
        "y": np.arange(20) % 2,
        "short_y": np.arange(19) % 2,
        "real_y": x[:, 0],
        "nan_y": with_nan,
        "soft_y": np.full((20, 2), 0.5),
        "b": np.array([0.3]),
        "long_b": np.array([0.3, 0.4]),
        "nan_b": np.array([np.nan]),
        "word_b": np.array(["a"]),
        "complex_b": np.array([1j]),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=True)
    (folder / "cut.npy").write_bytes((folder / "x.npy").read_bytes()[:200])
    (folder / "folder.npy").mkdir()
    return folder


@pytest.fixture(autouse=True)
def inside(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in that folder, and check that a refused command leaves nothing there."""
    monkeypatch.chdir(files)
    before = sorted(files.rglob("*"))
    yield
    assert sorted(files.rglob("*")) == before


def refused(line: str, code: int, *says: str) -> None:
    begin = time.monotonic()
    result = invoke(*line.split())
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert "internal" not in result.stderr
    lines = result.stderr.splitlines()
    if code == 2:
        assert lines[0].startswith("Usage: ")
        assert [line for line in lines if line.startswith("Error: ")] == lines[-1:]
    else:
        assert len(lines) == 1, lines
        assert lines[0].startswith("error: ")
    for words in says:
        assert words in lines[-1]
    assert time.monotonic() - begin < 10


BAD_BOXES = [
    ("1,-1", "lower bound 1 above upper -1"),
    ("nan,1", "nan"),
    ("-inf,inf", "must be bounded"),
    ("-1.7e308,1.7e308", "exceeds float64"),
    ("0,1e300", "onnxruntime"),
    ("1,1", "single point"),
    ("1", "two numbers LO,HI"),
    ("1,2,3", "two numbers LO,HI"),
    ("low,high", "two numbers LO,HI"),
    ("", "two numbers LO,HI"),
    (".", "two numbers LO,HI"),
    ("absent.npz", "no such file"),
    ("absent.json", "o such file"),
    ("folder.npy", "two numbers LO,HI"),
    ("notes", "two numbers LO,HI"),
    ("other_keys.npz", "no array 'lower'; expected one of low, high"),
    ("crossed.npz", "input 1 has lower bound 2 above upper 1"),
    ("nan.npz", "lower bound of input 1 is nan"),
    ("inf.npz", "upper bound of input 1 is inf"),
    ("long.npz", "bounds for 3 inputs; expected 2"),
    ("uneven.npz", "shapes (2,) and (3,)"),
    ("words.npz", "real numbers"),
    ("complex.npz", "real numbers"),
    ("point.npz", "single point"),
    ("pickled.npz", "Python objects"),
    ("empty.json", '{"lower"'),
    ("cut.json", '{"lower"'),
    ("list.json", '{"lower"'),
    ("words.json", '{"lower"'),
    ("null.json", "input 0 is nan"),
    ("huge.json", '{"lower"'),
    ("deep.json", '{"lower"'),
    ("bytes.json", '{"lower"'),
]


@pytest.mark.parametrize(("box", "says"), BAD_BOXES)
def test_bad_boxes(box: str, says: str) -> None:
    refused(f"count m.onnx --box={box}", 1, says)


BAD_VNNLIB = [
    ("absent.vnnlib", "No such file"),
    (".", "directory"),
    ("empty.vnnlib", "empty file"),
    ("cut.vnnlib", "cut.vnnlib"),
    ("v2.vnnlib", "version 1"),
    ("unbounded.vnnlib", "X_1 has no lower bound"),
    ("other.vnnlib", "another network"),
    ("crossed.vnnlib", "crossed.vnnlib"),
    ("two_boxes.vnnlib", "choose one with --vnnlib two_boxes.vnnlib:0 to two_boxes.vnnlib:1"),
    ("two_boxes.vnnlib:2", "2 input boxes"),
    ("two_boxes.vnnlib:²", "o such file"),
    ("x.npy", "x.npy"),
]


@pytest.mark.parametrize(("file", "says"), BAD_VNNLIB)
def test_bad_vnnlib_files(file: str, says: str) -> None:
    refused(f"count m.onnx --vnnlib {file}", 1, says)


@pytest.mark.parametrize("command", ["bounds", "count", "enumerate", "encode", "plot"])
def test_no_domain_is_a_usage_error(command: str) -> None:
    out = {"enumerate": " -o run", "encode": " -o m.mps", "plot": " -o p.png"}.get(command, "")
    refused(f"{command} m.onnx{out}", 2, "--box LO,HI, --ball CENTER --radius R", "--whole-space")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_domain_stops_every_command(command: str) -> None:
    more = {
        "enumerate": "-o run",
        "encode": "-o m.mps",
        "plot": "-o p.png",
        "information": "--data x.npy",
    }
    refused(f"{command} m.onnx --box 2,1 {more.get(command, '')}", 1, "--box: empty")
    refused(
        f"{command} m.onnx --box 0,1 --vnnlib a {more.get(command, '')}", 2, "exclude each other"
    )
    refused(f"{command} absent.onnx --box 0,1 {more.get(command, '')}", 1, "no such file")
    refused(f"{command} notes --box 0,1 {more.get(command, '')}", 1, "not an ONNX model")


USAGE = [
    ("count m.onnx --box 0,1 --max-regions 0", "--max-regions"),
    ("count m.onnx --box 0,1 --max-regions 1.5", "--max-regions"),
    ("count m.onnx --box 0,1 --max-per-layer -1", "--max-per-layer"),
    ("count m.onnx --box 0,1 --max-seconds 0", "--max-seconds"),
    ("count m.onnx --box 0,1 --engine magic", "'magic' is not one of"),
    ("count m.onnx --box 0,1 --bounds magic", "'magic' is not one of"),
    ("count m.onnx --box 0,1 --seed -1", "--seed"),
    ("count m.onnx --box 0,1 --scope some", "all, prefix:L or own:L"),
    ("count m.onnx --box 0,1 --scope own", "all, prefix:L or own:L"),
    ("count m.onnx --box 0,1 --scope own:0", "all, prefix:L or own:L"),
    ("count m.onnx --box 0,1 --scope own:-1", "all, prefix:L or own:L"),
    ("count m.onnx --box 0,1 --scope own:²", "all, prefix:L or own:L"),
    ("count m.onnx --box 0,1 --scope own:1 --linear-regions", "--scope all"),
    ("count m.onnx --box 0,1 --dim batch", "NAME=VALUE"),
    ("count m.onnx --box 0,1 --dim batch=two", "NAME=VALUE"),
    ("count m.onnx --box 0,1 --fix b", "NAME=VALUE"),
    ("count m.onnx --box 0,1 --no-such-option", "No such option"),
    ("count m.onnx extra --box 0,1", "extra"),
    ("count", "MODEL"),
    ("divine m.onnx", "divine"),
    ("inspect m.onnx --seed -1", "--seed"),
    ("bounds m.onnx --box 0,1 --samples -1", "--samples"),
    ("bounds m.onnx --box 0,1 --seed -1", "--seed"),
    ("information m.onnx", "--data"),
    ("information m.onnx --labels y.npy", "--data"),
    ("information m.onnx --data x.npy --uniform", "--uniform"),
    ("information m.onnx --uniform", "--box"),
    ("information m.onnx --uniform --box 0,1 --gaussian 0,1", "--gaussian"),
    ("information m.onnx --uniform --box 0,1 --labels y.npy", "--labels"),
    ("information m.onnx --uniform --box 0,1 --draws 9 --channel p.npy", "--channel"),
    ("information m.onnx --data x.npy --draws 9", "--draws"),
    ("information m.onnx --gaussian 0,0", "--gaussian"),
    ("information m.onnx --data x.npy --activations all --sigma 0", "--sigma"),
    ("information m.onnx --data x.npy --activations all --bins 0", "--bins"),
    ("information m.onnx --data x.npy --activations all --bins 3 --bin-width 1", "--bin-width"),
    ("information m.onnx --data x.npy --activations all --bin-range 1,1", "--bin-range"),
    ("information m.onnx --data x.npy --activations entropy", "entropy"),
    ("information m.onnx --gaussian 0", "--gaussian"),
    ("information m.onnx --data x.npy --permutations 0", "--permutations"),
    ("information m.onnx --data x.npy --seed -1", "--seed"),
    ("encode m.onnx --box 0,1", "--output-file"),
    ("encode m.onnx --box 0,1 -o m.mps --margin -1", "--margin"),
    ("encode m.onnx --box 0,1 -o m.mps --margin 1", "--margin"),
    ("plot m.onnx --box 0,1", "--output-file"),
    ("plot m.onnx --box 0,1 -o p.png --labels y.npy", "--labels needs --data"),
    ("enumerate m.onnx --box 0,1", "-o RUN"),
    ("enumerate --box 0,1 -o run", "give MODEL"),
    ("enumerate", "--resume RUN"),
]


@pytest.mark.parametrize(("line", "says"), USAGE)
def test_bad_usage(line: str, says: str) -> None:
    refused(line, 2, says)


OPTIONS = [
    ("count m.onnx --box 0,1 --max-seconds nan", "--max-seconds"),
    ("count m.onnx --box 0,1 --scope own:3", "the 2 hidden layers"),
    ("count m.onnx --box 0,1 --solver magic", "Pyomo knows no solver"),
    ("count m.onnx --box 0,1 --solver magic --engine milp", "Pyomo knows no solver"),
    ("count m.onnx --box 0,1 --dim depth=3", "no such free dimension"),
    ("count m.onnx --box 0,1 --dim batch=0", "a positive number"),
    ("count m.onnx --box 0,1 --dim batch=1000000000000", "at most"),
    ("count m.onnx --box 0,1 --input z", "expected one of: x"),
    ("count m.onnx --box 0,1 --output z", "expected one of: logits"),
    ("count m.onnx --box 0,1 --fix z=b.npy", "expected one of: x"),
    ("count m.onnx --box 0,1 --fix x=x.npy", "[20, 2]"),
    ("count two_inputs.onnx --box 0,1", "--strip-output"),
    ("count two_inputs.onnx --box 0,1 --output y --input a", "neither chosen nor fixed"),
    ("count two_inputs.onnx --box 0,1 --output y --fix b=absent.npy", "no such file"),
    ("count two_inputs.onnx --box 0,1 --output y --fix b=long_b.npy", "shape [2]"),
    ("count two_inputs.onnx --box 0,1 --output y --fix b=nan_b.npy", "NaN"),
    ("count two_inputs.onnx --box 0,1 --output y --fix b=word_b.npy", "real numbers"),
    ("count two_inputs.onnx --box 0,1 --output y --fix b=complex_b.npy", "real numbers"),
    ("count two_inputs.onnx --box 0,1 --output y --input a --input b --fix b=b.npy", "both"),
    ("count . --box 0,1", "not a regular file"),
    ("encode m.onnx --box 0,1 -o m.txt", ".mps or .lp"),
    ("encode m.onnx --box 0,1 -o m", ".mps or .lp"),
    ("encode m.onnx --box 0,1 -o notes/m.mps", "is a file"),
    ("encode m.onnx --box 0,1 -o m.mps --margin nan", "margin"),
    ("plot m.onnx --box 0,1 -o p.pdf", ".png or .svg"),
    ("plot m.onnx --box 0,1 -o notes/p.png", "is a file"),
    ("plot two_inputs.onnx --output y --box 0,1 -o p.png", "3 coordinates; expected 2"),
    ("plot m.onnx --box 0,1 -o p.png --data wide.npy", "3 features"),
    ("plot m.onnx --box 0,1 -o p.png --data x.npy --labels short_y.npy", "19 labels"),
]


@pytest.mark.parametrize(("line", "says"), OPTIONS)
def test_options_that_do_not_fit(line: str, says: str) -> None:
    refused(line, 1, says)


BAD_DATA = [
    ("absent.npy", "no such file"),
    (".", "is a folder"),
    ("folder.npy", "is a folder"),
    ("data.txt", "an .npy, .npz or .csv file"),
    ("notes", "an .npy, .npz or .csv file"),
    ("lfs.npy", "git lfs pull"),
    ("cut.npy", "damaged"),
    ("pickled.npy", "Python objects"),
    ("complex.npy", "real numbers"),
    ("two_arrays.npz", "two_arrays.npz:NAME"),
    ("two_arrays.npz:c", "expected one of a, b"),
    ("nan_rows.npy", "rows 3, 7"),
    ("wide.npy", "3 features each; expected 2"),
    ("no_rows.npy", "at least one sample"),
    ("x.npy:20", "rows 0 to 19"),
    ("empty.csv", "empty file"),
    ("ragged.csv", "ragged.csv:3"),
    ("words.csv", "words.csv:2"),
]


@pytest.mark.parametrize(("data", "says"), BAD_DATA)
def test_bad_data(data: str, says: str) -> None:
    refused(f"information m.onnx --data {data}", 1, says)


BAD_LABELS = [
    ("absent.npy", "no such file"),
    ("short_y.npy", "19 labels (shape (19,)) for 20 samples"),
    ("real_y.npy", "real-valued labels"),
    ("nan_y.npy", "rows 4"),
    ("soft_y.npy", "argmax"),
    ("pickled.npy", "Python objects"),
    ("empty.csv", "empty file"),
]


@pytest.mark.parametrize(("labels", "says"), BAD_LABELS)
def test_bad_labels(labels: str, says: str) -> None:
    refused(f"information m.onnx --data x.npy --labels {labels}", 1, labels, says)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that stopped half-way."""
    shutil.copy(MOONS, tmp_path / "m.onnx")
    folder = tmp_path / "run"
    found = answer(
        *("enumerate", tmp_path / "m.onnx", "--box=-2,3", "-o", folder, "--max-regions", 50),
        code=3,
    )
    assert found["regions"] == 50
    return folder


def test_an_output_folder_that_is_taken(run: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in run.rglob("*")}
    refused(f"enumerate m.onnx --box 0,1 -o {run}", 1, "already holds a run", "--resume")
    refused(f"enumerate m.onnx --box 0,1 -o {run.parent}", 1, "an empty folder")
    refused("enumerate m.onnx --box 0,1 -o notes", 1, "is a file")
    refused("enumerate m.onnx --box 0,1 -o notes/run", 1, "cannot be written")
    assert {file: file.stat().st_mtime_ns for file in run.rglob("*")} == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that no one can write")
def test_places_that_cannot_be_written() -> None:
    refused("enumerate m.onnx --box 0,1 -o /proc/self/run", 1, "cannot be written")
    refused("encode m.onnx --box 0,1 -o /proc/self/m.mps", 1, "/proc/self/m.mps")
    refused("plot m.onnx --box 0,1 -o /proc/self/p.png", 1, "/proc/self/p.png")


def test_an_output_file_that_is_a_folder(tmp_path: Path) -> None:
    for name in ("m.mps", "p.png"):
        (tmp_path / name).mkdir()
    refused(f"encode m.onnx --box 0,1 -o {tmp_path / 'm.mps'}", 1, "is a folder")
    refused(f"plot m.onnx --box 0,1 -o {tmp_path / 'p.png'}", 1, "is a folder")


def test_resuming_what_is_no_run() -> None:
    refused("enumerate --resume absent", 1, "no such folder")
    refused("enumerate --resume notes", 1, "a run folder")
    refused("enumerate --resume .", 1, "no run.json")
    refused("information . --data x.npy", 1, "no run.json")


@pytest.mark.parametrize(
    "more",
    [
        "--box 0,1",
        "--vnnlib a",
        "-o other",
        "--engine tree",
        "--seed 3",
        "--with-maps",
        "--dim a=1",
    ],
)
def test_resuming_takes_nothing_but_limits(run: Path, more: str) -> None:
    refused(f"enumerate --resume {run} {more}", 2, "--resume")


@pytest.mark.parametrize("more", ["--box 0,1", "--input x", "--strip-output"])
def test_a_run_has_its_own_model_and_domain(run: Path, more: str) -> None:
    refused(f"information {run} --data x.npy {more}", 2, "RUN")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda run: (run / "run.json").write_text("{"), "damaged"),
        (lambda run: (run / "run.json").write_text("[]"), "damaged"),
        (lambda run: (run / "run.json").write_bytes(b"\xff\xfe"), "damaged"),
        (lambda run: _described(run, "schema", "cpwl-milp/run/99"), "another version"),
        (lambda run: _described(run, "question", {}), "damaged"),
        (lambda run: next((run / "regions").iterdir()).unlink(), "part-000001.parquet"),
        (lambda run: next((run / "regions").iterdir()).write_bytes(b"PAR1"), "part-000001.parquet"),
        (lambda run: (run / "journal.jsonl").write_text("{}\n{}\n"), "journal.jsonl"),
        (lambda run: (run / "journal.jsonl").unlink(), "journal.jsonl"),
    ],
    ids=["cut", "list", "bytes", "version", "question", "no part", "bad part", "steps", "no steps"],
)
@pytest.mark.parametrize("command", ["enumerate --resume", "information --data x.npy"])
def test_a_damaged_run(run: Path, command: str, damage: object, says: str) -> None:
    assert callable(damage)
    damage(run)
    refused(f"{command} {run}", 1, says)


def _described(run: Path, field: str, value: object) -> None:
    description = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(description | {field: value}))


def test_a_model_that_has_changed_since_the_run(run: Path) -> None:
    network = run.parent / "m.onnx"
    shutil.copy(FC1, network)
    refused(f"enumerate --resume {run}", 1, "sha256")
    refused(f"information {run} --data x.npy", 1, "sha256")
    network.unlink()
    refused(f"enumerate --resume {run}", 1, str(network), "no such file")
    refused(f"information {run} --data x.npy", 1, str(network), "no such file")
    # The right network at another place will do.
    assert answer("enumerate", MOONS, "--resume", run)["regions"] == 333


def test_a_fixed_input_that_has_changed_since_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    network = two_inputs(tmp_path)
    np.save("b.npy", np.array([0.3]))
    asked = (network, "--box", "0,1", "--output", "y", "--fix", "b=b.npy")
    exact = answer("count", *asked)["regions"]
    answer("enumerate", *asked, "-o", "run", "--max-regions", 2, code=3)
    np.save("b.npy", np.array([0.9]))
    refused("enumerate --resume run", 1, "options", "b.npy")
    refused("information run --data b.npy", 1, "b.npy has changed")
    np.save("b.npy", np.array([0.3]))
    # From another folder, too.
    monkeypatch.chdir("/")
    assert answer("enumerate", "--resume", tmp_path / "run")["regions"] == exact > 2


def test_a_run_that_another_process_writes(run: Path) -> None:
    from cpwl_milp.storage.run_folder import RunFolder

    with RunFolder.resume(run):
        refused(f"enumerate --resume {run}", 1, str(run))
        # Reading is allowed meanwhile.
        assert answer("information", run, "--data", MOONS_X)["run"]["regions"] == 50
    assert answer("enumerate", "--resume", run)["regions"] == 333


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (ValueError("two\nlines"), 1, "internal error, please report it: ValueError: two lines"),
        (MemoryError(), 1, "out of memory"),
        (KeyboardInterrupt(), 3, "interrupted"),
        (RecursionError("deep"), 1, "internal error, please report it: RecursionError: deep"),
        (OSError(28, "No space left", "file"), 1, "cannot read or write file: No space left"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_internal_error_is_one_line(
    error: BaseException, code: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.delenv("CPWL_MILP_DEBUG", raising=False)
    monkeypatch.setattr("cpwl_milp.census.count_regions", fail)
    result = invoke("count", MOONS, "--box", "0,1", "--json")
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith(f"error: {says}")
    assert result.stderr.count("\n") == 1


def test_a_traceback_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("inside")

    monkeypatch.setenv("CPWL_MILP_DEBUG", "1")
    monkeypatch.setattr("cpwl_milp.census.count_regions", fail)
    assert isinstance(invoke("count", MOONS, "--box", "0,1").exception, ValueError)


def test_a_full_disk_behind_standard_output() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with open("/dev/full", "w") as full, process("inspect", MOONS, stdout=full) as run:  # noqa: PTH123
        assert run.stderr is not None
        said = run.stderr.read()
    assert run.returncode == 1
    assert "Traceback" not in said
    assert said == "error: cannot read or write standard output: No space left on device\n"


def test_no_warning_of_a_library_gets_through() -> None:
    labels = ("--labels", MOONS_Y, "--permutations", 5)
    with process("information", MOONS, "--data", MOONS_X, *labels, "--json") as run:
        assert run.stderr is not None
        assert run.stderr.read() == ""


def test_the_console_script_is_installed() -> None:
    import sys

    script = Path(sys.executable).parent / "cpwl-milp"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [script, "count", MOONS, "--box", "0,1"], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "58 regions (exact" in done.stdout
