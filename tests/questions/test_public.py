"""Questions about public networks on the input boxes of their properties."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.cli.command import answer

CARTPOLE = ("small/rl/cartpole.onnx", "small/rl/vnnlib/cartpole_case_unsafe_36.vnnlib")
ACAS = ("small/acasxu/ACASXU_run2a_1_9_batch_2000.onnx", "small/acasxu/vnnlib/prop_3.vnnlib")


def _asked(folder: Path, question: tuple[str, str]) -> tuple[object, ...]:
    model, vnnlib = (folder / name for name in question)
    return model, "--vnnlib", vnnlib


def test_classes_and_boundaries_add_up_by_every_engine(shared_models: Path) -> None:
    asked = _asked(shared_models, CARTPOLE)
    whole = answer("count", *asked)["regions"]
    counts = {
        (engine, k): answer("count", *asked, "--engine", engine, "--class", k)["regions"]
        for engine, k in itertools.product(("tree", "milp"), (0, 1))
    }
    pieces = {answer("boundary", *asked, "--engine", e)["pieces"] for e in ("tree", "milp")}
    for k in (0, 1):
        assert counts["tree", k] == counts["milp", k]
    # Every region leads to class 0 or 1, and those that lead to both are divided by the boundary.
    assert pieces == {counts["tree", 0] + counts["tree", 1] - whole}


def test_classes_of_five_outputs(shared_models: Path) -> None:
    asked = _asked(shared_models, ACAS)
    by_tree, by_cells = (
        [answer("count", *asked, "--engine", e, "--class", k)["regions"] for k in range(5)]
        for e in ("tree", "cells")
    )
    assert by_tree == by_cells
    boundary = answer("boundary", *asked)
    assert boundary["complete"]
    assert sum(by_tree) <= answer("count", *asked)["regions"] + boundary["pieces"]


def test_maxima_by_both_ways(shared_models: Path) -> None:
    asked = _asked(shared_models, CARTPOLE)
    ways = ("regions", "program")
    by = {way: answer("maximum", *asked, "--margin", 0, "--by", way) for way in ways}
    assert by["regions"]["value"] == pytest.approx(by["program"]["value"], abs=1e-6)
    assert by["regions"]["value"] <= by["program"]["upper"]


@pytest.mark.parametrize(
    ("question", "most"),
    [
        (CARTPOLE, 10),
        (ACAS, 60),
        (("small/nn4sys/lindex.onnx", "small/nn4sys/vnnlib/lindex_1.vnnlib"), 0),
    ],
)
def test_smaller_networks(
    shared_models: Path, question: tuple[str, str], most: int, tmp_path: Path
) -> None:
    asked = _asked(shared_models, question)
    output = tmp_path / "smaller.onnx"
    found = answer("simplify", *asked, "-o", output, "--no-solver")
    assert sum(found["rows_after"]) <= most
    assert found["equality"]["max_absolute"] <= 1e-5
    assert found["equality"]["max_relative"] <= 1e-6
    # Only units that change are left: the regions are the same.
    before, after = (answer("count", *q)["regions"] for q in (asked, (output, *asked[1:])))
    assert before == after
