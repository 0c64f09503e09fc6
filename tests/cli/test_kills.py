"""SIGKILL and Ctrl-C: nothing is lost, nothing is listed twice, every end is honest."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import pytest

from cpwl_milp import EngineSettings, Problem, list_regions
from cpwl_milp.core.domain import Box
from cpwl_milp.enumeration.resume import restart
from cpwl_milp.onnx_io import load_model
from cpwl_milp.storage.run_folder import RunFolder
from tests.cli.command import answer, parsed, process
from tests.models.manifest import MODELS
from tests.onnx_io.graphs import mlp, save

BOX = "--box=-3,3"
DIGITS = MODELS / "digits" / "digits_dense_epoch_0100.onnx"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(mlp(1, (4, 20, 20, 1)), tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="module")
def regions(network: Path) -> set[bytes]:
    """All regions, by an engine that keeps no folder and knows no cubes."""
    imported = load_model(network).network
    problem = Problem.of(imported, Box.uniform(-3.0, 3.0, imported.n_inputs))
    found, outcome = list_regions(problem, EngineSettings("cells"))
    assert outcome.complete
    return {row.tobytes() for row in found.patterns}


def in_small_steps(*arguments: object) -> subprocess.Popen[str]:
    return process(*arguments, module="tests.cli.small_steps")


def wait_for_growth(run: subprocess.Popen[str], journal: Path, beyond: int) -> None:
    # Long, for where nothing is compiled yet.
    end = time.monotonic() + 120
    while not (journal.exists() and journal.stat().st_size > beyond):
        assert run.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.005)


def listed(folder: Path) -> list[bytes]:
    with RunFolder.read(folder) as run:
        return [row.tobytes() for batch in run.patterns() for row in batch]


def assert_whole(folder: Path, regions: set[bytes]) -> None:
    found = listed(folder)
    assert len(found) == len(set(found)) == len(regions)
    assert set(found) == regions
    with RunFolder.read(folder) as run:
        state = restart(run)
        assert (state.roots, state.closed) == ((), Fraction(1))
        assert run.outcome is not None
        assert run.outcome["complete"] is True
        parts = {step.part for step in run.steps() if step.n_regions}
    stored = {file.name for file in (folder / "regions").iterdir()}
    assert stored == {f"part-{part:06d}.parquet" for part in parts}


def test_five_kills_lose_nothing_and_repeat_nothing(
    network: Path, regions: set[bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    journal = folder / "journal.jsonl"
    moment = random.Random(5)
    sizes = [0]
    # The first before anything is listed, by the program as it is.
    with process("enumerate", network, BOX, "-o", folder) as run:
        wait_for_growth(run, folder / "run.json", 0)
        run.kill()
    assert journal.read_bytes() == b""
    for _ in range(4):
        with in_small_steps("enumerate", "--resume", folder) as run:
            wait_for_growth(run, journal, sizes[-1])
            time.sleep(moment.uniform(0.0, 0.1))
            assert run.poll() is None, "the run ended before it could be killed"
            run.kill()
        assert run.returncode == -signal.SIGKILL
        sizes.append(journal.stat().st_size)
        so_far = listed(folder)
        assert len(so_far) == len(set(so_far)) < len(regions)
        assert set(so_far) <= regions
    assert so_far
    assert sizes == sorted(set(sizes))
    done = answer("enumerate", "--resume", folder)
    assert (done["complete"], done["closed"], done["regions"]) == (True, 1.0, len(regions))
    assert_whole(folder, regions)


def test_ctrl_c_during_enumerate_leaves_a_run_to_resume(
    network: Path, regions: set[bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with in_small_steps("enumerate", network, BOX, "-o", folder, "--json") as run:
        wait_for_growth(run, folder / "journal.jsonl", 0)
        run.send_signal(signal.SIGINT)
        said, progress = run.communicate(timeout=10)
    assert run.returncode == 3
    assert "Traceback" not in progress
    stopped = parsed(said)
    assert (stopped["complete"], stopped["reason"]) == (False, "interrupted")
    assert stopped["lower"] <= len(regions) <= stopped["upper"]
    assert stopped["regions"] == len(listed(folder))
    assert answer("enumerate", "--resume", folder)["regions"] == len(regions)
    assert_whole(folder, regions)


@pytest.mark.parametrize("more", [(), ("--scope", "own:2", "--max-seconds", "5")], ids=" ".join)
def test_ctrl_c_during_count_gives_a_bracket(more: tuple[str, ...]) -> None:
    with in_small_steps("count", DIGITS, "--box", "0,1", *more, "--json") as run:
        assert run.stderr is not None
        assert "% closed" in run.stderr.readline()
        begin = time.monotonic()
        run.send_signal(signal.SIGINT)
        said, progress = run.communicate(timeout=20)
    assert time.monotonic() - begin < 5
    assert run.returncode == 3
    assert all("% closed" in line for line in progress.splitlines())
    found = parsed(said)
    assert (found["complete"], found["reason"]) == (False, "interrupted")
    assert 1 <= found["lower"] < found["upper"]
