"""A manifest is read as a whole: every fault at once, each with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpwl_milp.audit.jobs import Input, Job, Limits
from cpwl_milp.audit.manifest.faults import ManifestError
from cpwl_milp.audit.manifest.reading import read_manifest
from cpwl_milp.audit.manifest.sources import from_files, from_instances
from cpwl_milp.audit.plan import planned
from tests.cli.command import MOONS, invoke

TEN = """
title = 7
ask = ["inspect", "cuont"]
colour = "blue"
[limits]
seconds = -1
memory_mb = "much"
[domains.square]
box = [3, -2]
[domains.ball]
ball = [0.0, 0.0]
[data.test]
samples = "absent.npy"
[[models]]
files = "nothing*.onnx"
[[models]]
files = "model.onnx"
domains = ["sqare"]
"""


def write(folder: Path, text: str) -> Path:
    (folder / "model.onnx").write_bytes(MOONS.read_bytes())
    path = folder / "audit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        read_manifest(write(folder, text))
    return list(caught.value.faults)


def test_ten_faults_are_ten_lines(tmp_path: Path) -> None:
    found = faults(tmp_path, TEN)
    expected = [
        "title: 7; expected text",
        "ask: 'cuont'; expected count?",
        "limits.seconds: -1; expected a number above 0",
        "limits.memory_mb: 'much'; expected a whole number",
        "domains.square.box: [3, -2]; expected a lower end below",
        "domains.ball.ball: no radius",
        "data.test.samples: ",
        "models[0].files: 'nothing*.onnx' names no file",
        "models[1].domains: unknown name 'sqare'; expected square?",
        "colour: unknown key",
    ]
    assert len(found) == len(expected) == 10
    for line, begin in zip(found, expected, strict=True):
        assert line.startswith(begin), line


def test_the_command_lists_them_and_runs_nothing(tmp_path: Path) -> None:
    result = invoke("audit", "run", write(tmp_path, TEN), "-o", tmp_path / "out")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 11
    assert all(line.startswith("error: ") for line in lines)
    assert "10 faults" in lines[-1]
    assert not (tmp_path / "out").exists()


MODEL = '[[models]]\nfiles = "model.onnx"\n'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("title = ", "audit.toml: Invalid value"),
        ("", "models: no models"),
        ("ask = ['inspect']\nmodels = 3", "models: no models"),
        (MODEL, "models[0].ask: nothing is asked"),
        (f"ask = ['count']\n{MODEL}", "models[0]: 'count' without a domain"),
        (f"ask = ['terms']\n{MODEL}", "models[0]: 'terms' without data"),
        (f"ask = ['inspect']\n{MODEL}dims = {{n = 0}}", "models[0].dims.n: 0"),
        (f"ask = ['inspect']\n{MODEL}fix = {{x = 'no.npy'}}", "no such file"),
        (f"ask = ['inspect']\n{MODEL}limits = {{hours = 1}}", "models[0].limits.hours: unknown"),
        (f"ask = ['inspect']\nsettings = {{engine = 'fast'}}\n{MODEL}", "settings.engine: 'fast'"),
        (f"ask = ['inspect']\ndomains.a = {{}}\n{MODEL}", "domains.a: no domain"),
        (
            f"ask = ['inspect']\ndomains.a = {{box=[0,1], whole_space=true}}\n{MODEL}",
            "domains.a: box and whole_space",
        ),
        (f"ask = ['inspect']\ndomains.a = {{box=[nan,1]}}\n{MODEL}", "domains.a.box"),
        (f"ask = ['inspect']\ndomains.a = 3\n{MODEL}", "domains.a: 3; expected a table"),
        (
            f"ask = ['inspect']\ndomains.a={{box=[0,1],norm='2'}}\n{MODEL}",
            "domains.a.norm: no ball",
        ),
    ],
)
def test_each_fault_has_its_place(text: str, fault: str, tmp_path: Path) -> None:
    assert any(fault in line for line in faults(tmp_path, text)), faults(tmp_path, text)


def test_what_a_manifest_asks(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"")
    text = """
ask = ["count", "information"]
[settings]
seed = 3
engine = "tree"
[limits]
seconds = 5
max_regions = 7
[domains.far]
ball = "x.npy:2"
radius = 0.5
[data.test]
samples = "x.npy"
[[models]]
files = "*.onnx"
strip_output = true
[models.limits]
seconds = 6
"""
    manifest = read_manifest(write(tmp_path, text))
    jobs = planned(manifest)
    assert [(job.label, job.question) for job in jobs] == [
        ("model.onnx", "inspect"),
        ("model.onnx", "count"),
        ("model.onnx", "information"),
    ]
    count = jobs[1]
    assert count.limits == Limits(6.0, 4000, 7)
    assert count.command(tmp_path) == [
        *("count", str(tmp_path / "model.onnx"), "--strip-output", "--engine=tree", "--seed=3"),
        *(f"--ball={tmp_path / 'x.npy'}:2", "--radius=0.5"),
    ]
    assert [Job.from_json(job.to_json()) for job in jobs] == jobs
    assert planned(manifest.limited(9.0, None))[1].limits == Limits(9.0, 4000, 7)


def test_a_list_of_instances(tmp_path: Path) -> None:
    write(tmp_path, "")
    (tmp_path / "p.vnnlib").write_text("", encoding="utf-8")
    (tmp_path / "q.vnnlib.gz").write_bytes(b"")
    path = tmp_path / "instances.csv"
    path.write_text("model.onnx,p.vnnlib,116\nmodel.onnx, p.vnnlib, 2.5\n", encoding="utf-8")
    manifest = from_instances(path, ("inspect", "count"), {}, Limits())
    jobs = planned(manifest)
    assert [job.limits.seconds for job in jobs if job.question == "count"] == [116.0, 2.5]
    assert jobs[1].arguments == (Input(str(tmp_path / "p.vnnlib"), "--vnnlib="),)
    path.write_text("model.onnx,q.vnnlib,0\nmodel.onnx\nno.onnx,p.vnnlib,1\n", encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        from_instances(path, ("inspect", "count"), {}, Limits())
    assert len(caught.value.faults) == 4
    assert "gunzip" in caught.value.faults[0]


def test_models_of_one_name_in_two_folders_keep_apart(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.onnx").write_bytes(b"")
    manifest = from_files([tmp_path / "a", tmp_path / "b"], ("inspect",), None, None, {}, Limits())
    assert len({entry.label for entry in manifest.entries}) == 2
