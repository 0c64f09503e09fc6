"""docs/reference/json.md against real answers: the same fields, of the types it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from cpwl_milp.cli import main
from cpwl_milp.core.domain import Box, Domain
from cpwl_milp.core.domains import Ball, WholeSpace
from cpwl_milp.domains import plane_through, polytope
from tests.docs.pages import REPOSITORY, workplace

PAGE = REPOSITORY / "docs" / "reference" / "json.md"
MODEL = "models/moons/moons_torch_epoch_0100.onnx"
BOX = f"{MODEL} --box -2,3"
DATA = "--data models/moons/moons_test_x.npy"
EARLY = "models/moons/moons_torch_epoch_0000.onnx"
CLASSES = "--labels models/moons/moons_test_y.npy"
DIGITS = "models/digits/digits"
LABELS = "--labels models/moons/moons_test_y.npy --permutations 9"
ACAS = "models/public/ACASXU_run2a_1_1_batch_2000"
# Each field must occur in one of a command's answers, and have its type in all of them.
ASKED = {
    "inspect": [f"inspect {MODEL}"],
    "bounds": [f"bounds {BOX} --rigorous", f"bounds {BOX} --samples 0"],
    "count": [
        f"count {BOX} --linear-regions",
        f"count {BOX} --scope prefix:1 --rigorous",
        f"count {BOX} --max-per-layer 5 --max-seconds 2",
        f"count {BOX} --class 1 --pattern 1.3=1",
    ],
    "enumerate": [
        f"enumerate {BOX} -o whole --rigorous",
        f"enumerate {BOX} -o part --max-regions 5",
        f"enumerate {BOX} -o some --class 1 --pattern 1.3=1",
    ],
    "boundary": [f"boundary {BOX} --pattern 1.3=1"],
    "maximum": [
        f"maximum {BOX} --margin 1 --pattern 1.3=1",
        f"maximum {BOX} --lipschitz 2 --max-regions 5",
    ],
    "units": [f"units {MODEL} --box -0.5,0.5 --list", f"units {BOX}"],
    "simplify": [f"simplify {MODEL} --box -0.5,0.5 -o smaller.onnx"],
    "estimate": [
        f"estimate {BOX} --population 20 --probes 4",
        f"estimate {BOX} --samples 0",
        f"estimate {BOX} --population 20 --probes 4 --xor-trials 2 --xor-seconds 4",
    ],
    "information": [
        f"information whole {DATA} {LABELS}",
        f"information part {DATA}",
        f"information {MODEL} {DATA}",
        f"information {MODEL} {DATA} {LABELS} --atoms --bottlenecks",
        f"information {MODEL} {DATA} {LABELS} --bottlenecks",
        f"information {BOX} --uniform",
        "information whole --uniform --figures figures",
        f"information {BOX} {DATA} --density all",
        f"information {BOX} {DATA} --density regions --held-out {DATA[7:]}",
        f"information {MODEL} {DATA} {LABELS} --activations all --noise-draws 1",
        f"information {MODEL} {DATA} --activations kde",
        f"information {MODEL} --gaussian 0,1 --draws 500 --permutations 9",
    ],
    "plane": [
        f"plane {MODEL} {EARLY} {DATA} {LABELS} -o plane",
        f"plane {MODEL} {EARLY} {DATA} {LABELS} --activations binning,kde",
    ],
    "local": [
        f"local {MODEL} {DATA} {CLASSES} --points 4 --radius 0.1,0.3 --norm inf -o around",
        f"local {MODEL} {EARLY} {DATA} --points 3 --radius 0.3 --compare uniform --no-count",
        f"local {MODEL} {DATA} --points 3 --radius 0.3 --norm inf --max-regions 2 --samples 0",
    ],
    "terms": [
        f"terms {MODEL} {DATA} {CLASSES} -o terms.npz",
        f"terms {MODEL} {DATA}:0,1,2",
        f"terms {MODEL} {DATA}:0,1,2,3,4,5 --tropical --shares 2 --test {DATA[7:]} "
        f"--test-{CLASSES[2:]}",
        f"terms {DIGITS}_dense_epoch_0010.onnx --data {DIGITS}_train_x.npy "
        f"--labels {DIGITS}_train_y.npy --test {DIGITS}_test_x.npy "
        f"--test-labels {DIGITS}_test_y.npy --statistics --codes --shares 2 --repeats 1 --rays 5 "
        f"--image 8,8 --against {DIGITS}_dense_epoch_0001.onnx -o t.npz --folder statistics",
    ],
    "encode": [f"encode {BOX} -o network.mps"],
    "verify": [
        f"verify {MODEL} models/moons/moons_robust.vnnlib",
        f"verify {MODEL} models/moons/moons_between.vnnlib",
        f"verify {ACAS}.onnx models/public/acasxu_property_3.vnnlib --max-seconds 0.1",
    ],
    "certify": ["certify whole"],
    "plot": [f"plot {BOX} -o regions.svg", f"plot {BOX} -o regions.svg --max-regions 5"],
    "audit": [
        f"audit run {BOX} --ask linear-regions,information {DATA} {CLASSES} -o audited",
        "audit status audited",
    ],
}
Fields = dict[str, str]


def _documented() -> dict[str, Fields]:
    sections: dict[str, Fields] = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        rows = re.findall(r"^\| `(\S+)` \| (.*?) \|", section, re.MULTILINE)
        fields = {field: re.sub(r"\[(\w+)\]\(.*?\)", r"\1", kind) for field, kind in rows}
        for field, kind in list(fields.items()):
            if kind.startswith("as "):
                other = kind.removeprefix("as ").strip("`")
                del fields[field]
                copied = {k: v for k, v in fields.items() if k.startswith(other)}
                fields |= {k.replace(other, field, 1): v for k, v in copied.items()}
        sections[section.split("\n", 1)[0]] = fields
    return sections


DOCUMENTED = _documented()


def _fits(value: Any, kind: str) -> bool:
    """Whether a value is of a type as the page writes it."""
    if " or " in kind:
        return any(_fits(value, part) for part in kind.split(" or "))
    if "/" in kind and " " not in kind:
        return any(_fits(value, part) for part in kind.split("/"))
    if kind.startswith("list of "):
        return isinstance(value, list) and all(_fits(v, kind[8:]) for v in value)
    if kind.startswith("object of "):
        return isinstance(value, dict) and all(_fits(v, kind[10:]) for v in value.values())
    if kind in ("model", "domain"):
        fields = DOCUMENTED[kind]
        if kind == "domain" and isinstance(value, dict):
            fields = fields | DOCUMENTED[f"domain {value.get('kind')}"]
        return isinstance(value, dict) and (
            value.keys() == fields.keys() and all(_fits(value[k], fields[k]) for k in fields)
        )
    if kind in ("integer", "number"):
        allowed = (int,) if kind == "integer" else (int, float)
        return isinstance(value, allowed) and not isinstance(value, bool)
    types = {"string": str, "boolean": bool, "null": type(None), "object": dict}
    return isinstance(value, types[kind])


def _leaves(value: Any, fields: Fields, path: str = "") -> Iterator[tuple[str, Any]]:
    """The fields of an answer; what the page gives a type as a whole is one field."""
    if path in fields and not (isinstance(value, dict) and fields[path] == "object or null"):
        yield path, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, fields, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part, fields, f"{path}[]")
    else:
        yield path, value


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    folder = workplace(tmp_path_factory.mktemp("json"))
    found: dict[str, list[Any]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command, lines in ASKED.items():
            for line in lines:
                result = CliRunner().invoke(main, [*line.split(), "--json"])
                assert result.exit_code in (0, 3), result.output
                found.setdefault(command, []).append(json.loads(result.stdout))
    return found


def test_every_command_is_asked() -> None:
    assert set(ASKED) == set(main.list_commands(None))  # type: ignore[arg-type]
    kinds = {f"domain {kind}" for kind in ("box", "ball", "polytope", "slice", "whole-space")}
    assert set(DOCUMENTED) == {"model", "domain", *kinds, *ASKED}


@pytest.mark.parametrize(
    "domain",
    [
        Ball(np.zeros(2), 1.0, "1"),
        polytope(np.ones((1, 2)), np.ones(1), within=Box.uniform(-1, 1, 2), origin="a file"),
        plane_through(np.eye(3), Box.uniform(-1, 1, 3)),
        WholeSpace(2),
        Box(np.zeros(2), np.array([0.0, 1.0])),
    ],
    ids=lambda domain: str(domain.describe()["kind"]),
)
def test_domains_are_described_as_documented(domain: Domain) -> None:
    assert _fits(json.loads(json.dumps(domain.describe())), "domain")


@pytest.mark.parametrize("command", ASKED)
def test_fields_are_the_documented_ones(command: str, answers: dict[str, list[Any]]) -> None:
    fields = DOCUMENTED[command]
    seen = set()
    for answer in answers[command]:
        assert answer["schema"] == f"cpwl-milp/{command}/1"
        for path, value in _leaves(answer, fields):
            assert path in fields, f"{path} is not in {PAGE.name}"
            assert _fits(value, fields[path]), f"{path}: {value!r} is no {fields[path]}"
            seen.add(path)
    never = {path for path in set(fields) - seen if fields[path] != "object or null"}
    assert not never, f"in {PAGE.name} but in no answer: {sorted(never)}"


@pytest.mark.parametrize(
    ("value", "kind", "fits"),
    [
        (3, "integer", True),
        (True, "integer", False),
        (3, "number", True),
        (None, "integer or null", True),
        ([1.5, 2], "number or list of number", True),
        (["x"], "list of number", False),
        ({"a": "b"}, "object of integer", False),
        ({"a": 1.5, "b": None}, "object of number/null or null", True),
        ({}, "model", False),
    ],
)
def test_types(value: Any, kind: str, fits: bool) -> None:
    assert _fits(value, kind) is fits
