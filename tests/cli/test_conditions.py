"""--class, --where and --pattern in count and enumerate, and what is done with such runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cpwl_milp.storage.run_folder import RunFolder
from tests.cli.command import MOONS, MOONS_X, answer, invoke

BOX = ("--box", "-2,3")
REGIONS = 333


def test_classes_cover_all_regions_and_share_the_boundary() -> None:
    both = [answer("count", MOONS, *BOX, "--class", k)["regions"] for k in (0, 1)]
    assert min(both) < REGIONS < sum(both)
    by_inequality = answer("count", MOONS, *BOX, "--where", "y1 - y0 > 0")
    assert by_inequality["regions"] == both[1]
    assert by_inequality["condition"] == {"where": ["- y0 + y1 > 0.0"], "pattern": []}
    assert by_inequality["layers"][-1]["prefix_regions"] == both[1]


def test_bits_divide_the_regions(tmp_path: Path) -> None:
    file = tmp_path / "bits.txt"
    file.write_text("1.3=0\n2.1=1\n", encoding="utf-8")
    counts = {
        text: answer("count", MOONS, *BOX, "--pattern", text)["regions"]
        for text in ("1.3=0,2.1=1", "1.3=0,2.1=0", "1.3=1", "1.3=1,1.3=0", str(file))
    }
    *parts, none, from_file = counts.values()
    assert sum(parts) == REGIONS
    assert none == 0
    assert from_file == parts[0]


def test_a_run_keeps_its_condition(tmp_path: Path) -> None:
    run = tmp_path / "run"
    asked = ("--where", "y0 > y1", "--pattern", "1.3=1")
    expected = answer("count", MOONS, *BOX, *asked)
    begun = answer("enumerate", MOONS, *BOX, *asked, "-o", run, "--max-regions", 10, code=3)
    assert begun["layers"][0]["prefix_lower"] == 0
    done = answer("enumerate", "--resume", run)
    assert done["complete"]
    assert done["regions"] == expected["regions"]
    assert done["condition"] == expected["condition"]
    assert [layer["prefix_lower"] for layer in done["layers"]] == [
        layer["prefix_regions"] for layer in expected["layers"]
    ]
    stored = RunFolder.read(run)
    assert stored.question.condition == expected["condition"]
    other = invoke("enumerate", MOONS, *BOX, "-o", run)
    assert other.exit_code == 1
    assert invoke("enumerate", "--resume", run, "--class", 0).exit_code == 2
    assert invoke("enumerate", "--resume", run, "--rigorous").exit_code == 1
    for command in (("certify", run), ("information", run, "--data", MOONS_X)):
        refused = invoke(*command)
        assert refused.exit_code == 1
        assert "lists only the regions that meet a condition" in refused.stderr


def test_runs_of_before_there_were_conditions_go_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    answer("enumerate", MOONS, *BOX, "-o", run, "--max-regions", 10, code=3)
    file = run / "run.json"
    stored = json.loads(file.read_text(encoding="utf-8"))
    assert stored["question"].pop("condition") is None
    file.write_text(json.dumps(stored), encoding="utf-8")
    assert answer("enumerate", "--resume", run)["regions"] == REGIONS


@pytest.mark.parametrize(
    ("option", "code"),
    [
        (("--scope", "own:1"), 2),
        (("--linear-regions",), 2),
        (("--rigorous",), 2),
        (("--max-per-layer", 5), 2),
        (("--where", "y0 >> 1"), 1),
        (("--where", "y7 > 1"), 1),
        (("--pattern", "9.0=1"), 1),
        (("--pattern", "no-such-file"), 1),
        (("--class", 2), 1),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(option: tuple[object, ...], code: int) -> None:
    result = invoke("count", MOONS, *BOX, "--where", "y0 > 0", *option)
    assert result.exit_code == code
    assert len(result.stderr.strip().splitlines()[-1]) < 250
    assert "Traceback" not in result.output
