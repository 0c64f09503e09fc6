"""`--cluster`: the command line with the workers of a cluster, or of its own."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.loopback import Loopback
from tests.cli.command import answer, invoke, parsed, process, two_inputs
from tests.cli.test_jobs import BOX, rows, untimed
from tests.onnx_io.graphs import mlp, save


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(mlp(1, (3, 12, 12, 1)), tmp_path_factory.mktemp("network"))


def test_count_and_enumerate_are_the_same(
    loopback: Loopback, network: Path, tmp_path: Path
) -> None:
    there = ("--cluster", loopback.address)
    asked: tuple[Any, ...]
    for asked in (("count", network, BOX), ("count", network, BOX, "--where", "x0 > 0.5")):
        assert untimed(answer(*asked, *there)) == untimed(answer(*asked))
    asked = ("enumerate", network, BOX, "--engine", "tree", "--with-maps", "-o")
    folder = tmp_path / "run"
    part = answer(*asked, folder, *there, "--max-regions", 900, code=3)
    assert part["regions"] == 900
    done = answer("enumerate", "--resume", folder, "--cluster", loopback.file)
    whole = answer(*asked, tmp_path / "whole")
    assert untimed(done) == untimed(whole)
    assert rows(folder) == rows(tmp_path / "whole")


@pytest.mark.slow
def test_ctrl_c_leaves_a_run_to_resume(loopback: Loopback, network: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    arguments = ("enumerate", network, BOX, "-o", folder, "--json", "--cluster", loopback.address)
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
    assert answer("enumerate", "--resume", folder)["complete"] is True
    answer("enumerate", network, BOX, "-o", tmp_path / "whole")
    assert rows(folder) == rows(tmp_path / "whole")


def test_processes_of_its_own(network: Path) -> None:
    """In a process, so that workers start as they do for users."""
    arguments = ("count", network, BOX, "--json", "--cluster", "local", "--jobs", 2)
    with process(*arguments) as run:
        said, progress = run.communicate(timeout=120)
    assert run.returncode == 0
    assert "Traceback" not in progress
    assert untimed(parsed(said)) == untimed(answer("count", network, BOX))


def test_what_cannot_be(loopback: Loopback, network: Path, tmp_path: Path) -> None:
    both = invoke("count", network, BOX, "--cluster", loopback.address, "--jobs", 2)
    assert both.exit_code == 2
    assert "--jobs is for --cluster local" in both.stderr
    nobody = invoke("count", network, BOX, "--cluster", "nowhere")
    assert nobody.exit_code == 1
    assert nobody.stderr.startswith("error: --cluster: no scheduler answers at nowhere")
    # Not even asked.
    small = two_inputs(tmp_path)
    asked = ("count", small, "--output", "y", "--box=-1,1", "--engine", "milp", "--json")
    single = invoke(*asked, "--cluster", "nowhere")
    assert single.exit_code == 0
    assert single.stderr == "note: the milp engine runs as one job\n"
