"""`--jobs`, and Ctrl-C before and after the search: answers as without, or honest brackets."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from cpwl_milp.census import counting
from cpwl_milp.enumeration import first_bounds
from cpwl_milp.storage.run_folder import RunFolder
from tests.cli.command import MOONS, answer, invoke, parsed, process, two_inputs
from tests.onnx_io.graphs import mlp, save

BOX = "--box=-3,3"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(mlp(1, (4, 16, 16, 1)), tmp_path_factory.mktemp("network"))


def untimed(found: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on the clock, nor on how the work was cut."""
    work = {"decisions", "seconds", "run"}
    return {key: value for key, value in found.items() if key not in work}


@pytest.mark.parametrize("engine", ["cells", "tree"])
def test_count_is_the_same_whatever_the_number_of_jobs(network: Path, engine: str) -> None:
    asked = ("count", network, BOX, "--engine", engine)
    one = untimed(answer(*asked))
    assert one["complete"] is True
    assert one["regions"] > 10_000
    for jobs in (2, 3, 0):
        assert untimed(answer(*asked, "--jobs", jobs)) == one
    limited = untimed(answer(*asked, "--max-regions", 7777, code=3))
    assert limited["found"] == 7777
    assert untimed(answer(*asked, "--max-regions", 7777, "--jobs", 2, code=3)) == limited


def rows(folder: Path) -> list[bytes]:
    with RunFolder.read(folder) as run:
        return [row.tobytes() for batch in run.patterns() for row in batch]


def test_a_run_goes_on_with_another_number_of_jobs(network: Path, tmp_path: Path) -> None:
    folder, asked = tmp_path / "run", ("enumerate", network, BOX, "--engine", "cells")
    stopped = answer(*asked, "-o", folder, "--jobs", 2, "--max-regions", 9000, code=3)
    assert (stopped["regions"], stopped["reason"]) == (9000, "max-regions")
    first = rows(folder)
    done = answer("enumerate", "--resume", folder, "--jobs", 3, "--max-regions", 15_000, code=3)
    assert rows(folder)[:9000] == first
    done = answer("enumerate", "--resume", folder)
    whole = answer(*asked, "-o", tmp_path / "whole", "--with-maps", "--jobs", 2)
    assert untimed(done) == untimed(whole)
    assert rows(folder) == rows(tmp_path / "whole")


def test_engines_that_run_as_one_job_say_so(network: Path, tmp_path: Path) -> None:
    small = two_inputs(tmp_path)
    asked = ("count", small, "--output", "y", "--box=-1,1", "--engine")
    for engine, code in (("milp", 0), ("sampling", 3)):
        result = invoke(*asked, engine, "--jobs", 2, "--json")
        assert result.exit_code == code
        assert result.stderr == f"note: the {engine} engine runs as one job\n"
        assert parsed(result.stdout)["engine"] == engine
        assert "one job" not in invoke(*asked, engine, "--json").stderr
    assert "one job" not in invoke(*asked, "tree", "--jobs", 2, "--json").stderr
    assert invoke(*asked, "tree", "--jobs", "-1").exit_code == 2


def test_ctrl_c_with_several_jobs_leaves_a_run_to_resume(network: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    arguments = ("enumerate", network, BOX, "-o", folder, "--json", "--jobs", 3)
    with process(*arguments, module="tests.cli.small_steps") as run:
        end = time.monotonic() + 120
        while not any(folder.glob("regions/part-*")):
            assert run.poll() is None
            assert time.monotonic() < end
            time.sleep(0.005)
        run.send_signal(signal.SIGINT)
        said, progress = run.communicate(timeout=20)
    assert run.returncode == 3
    assert "Traceback" not in progress
    assert parsed(said)["reason"] == "interrupted"
    assert parsed(said)["regions"] == len(rows(folder)) > 0
    assert answer("enumerate", "--resume", folder, "--jobs", 2)["complete"] is True
    answer("enumerate", network, BOX, "-o", tmp_path / "whole")
    assert rows(folder) == rows(tmp_path / "whole")


@pytest.fixture
def ctrl_c_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes while anything but rough bounds is computed."""
    real = first_bounds.pre_activation_bounds

    def pressed(*arguments: Any, **options: Any) -> Any:
        if options["method"] != "interval":
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(first_bounds, "pre_activation_bounds", pressed)


@pytest.mark.usefixtures("ctrl_c_in_bounds")
def test_ctrl_c_during_the_bounds_gives_a_bracket() -> None:
    for more in ((), ("--scope", "own:1"), ("--scope", "prefix:2"), ("--linear-regions",)):
        begin = time.monotonic()
        found = answer("count", MOONS, "--box=-2,3", *more, code=3)
        assert time.monotonic() - begin < 5
        assert (found["complete"], found["reason"]) == (False, "interrupted")
        assert 1 <= found["lower"] < found["upper"]
        assert (found["found"], found["linear_regions"]) == (0, None)


def test_ctrl_c_during_the_bounds_of_a_run_leaves_it_to_resume(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "run"
    begun = answer(
        "enumerate", MOONS, "--box=-2,3", "-o", folder, "--max-regions", 5, "--seed", 1, code=3
    )
    assert begun["regions"] == 5
    request.getfixturevalue("ctrl_c_in_bounds")
    stopped = answer("enumerate", "--resume", folder, code=3)
    assert (stopped["reason"], stopped["regions"]) == ("interrupted", 5)
    assert stopped["lower"] == 5 < stopped["upper"]
    fresh = answer("enumerate", MOONS, "--box=-2,3", "-o", tmp_path / "fresh", code=3)
    assert (fresh["reason"], fresh["regions"], fresh["closed"]) == ("interrupted", 0, 0.0)
    said = invoke("enumerate", "--resume", folder)
    assert said.exit_code == 3
    assert f"go on with: cpwl-milp enumerate --resume {folder}" in said.stdout
    request.getfixturevalue("monkeypatch").undo()
    done = answer("enumerate", "--resume", folder)
    assert done["complete"] is True
    assert answer("enumerate", "--resume", tmp_path / "fresh")["regions"] == done["regions"]


def test_ctrl_c_while_pieces_are_grouped_keeps_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(counting, "linear_regions", pressed)
    result = invoke("count", MOONS, "--box=-2,3", "--linear-regions", "--json")
    assert result.exit_code == 3
    # Progress comes first where kernels are compiled on the way.
    assert result.stderr.splitlines()[-1] == "note: linear regions are not counted: interrupted"
    found = parsed(result.stdout)
    assert (found["complete"], found["linear_regions"], found["affine_maps"]) == (True, None, None)
    assert found["lower"] == found["upper"] == found["regions"]
