"""`plane` killed and interrupted: finished checkpoints stay, nothing half-written is believed."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import answer, process
from tests.models.manifest import MODELS

SZT = MODELS / "szt"
CHECKPOINTS = sorted(SZT.glob("szt_relu_epoch_*.onnx"))[:7]


@pytest.fixture
def asked(tmp_path: Path) -> tuple[object, ...]:
    for kind in "xy":
        np.save(tmp_path / f"{kind}.npy", np.load(SZT / f"szt_{kind}.npy")[::16])
    data = ("--data", tmp_path / "x.npy", "--labels", tmp_path / "y.npy", "--permutations", 9)
    # Some tenths of a second each.
    return ("plane", *CHECKPOINTS, *data, "--activations", "propagation", "--noise-draws", 20)


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").glob("*.json"))


def wait_for_checkpoints(run: subprocess.Popen[str], folder: Path, n: int) -> None:
    end = time.monotonic() + 120
    while len(kept(folder)) < n:
        assert run.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.005)


def workers_of(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("jobs", [1, 2])
def test_kills_lose_nothing(tmp_path: Path, asked: tuple[object, ...], jobs: int) -> None:
    folder = tmp_path / "plane"
    line = (*asked, "--jobs", jobs, "-o", folder)
    n = 0
    for more in (1, 2)[: 3 - jobs]:
        with process(*line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            wait_for_checkpoints(run, folder, n + more)
            workers = workers_of(run.pid) if Path("/proc").exists() else []
            run.kill()
        assert run.returncode == -signal.SIGKILL
        # Workers see that nobody waits for them.
        end = time.monotonic() + 20
        while any(alive(pid) for pid in workers):
            assert time.monotonic() < end, "a worker outlives its parent"
            time.sleep(0.05)
        assert n < len(kept(folder)) < len(CHECKPOINTS)
        n = len(kept(folder))
        for file in kept(folder):
            assert json.loads(file.read_text(encoding="utf-8"))["layers"]
    before = {file: file.stat().st_mtime_ns for file in kept(folder)}
    found = answer(*line)
    assert found["measured_now"] == len(CHECKPOINTS) - n
    # What was there is used, not measured again.
    assert {file: file.stat().st_mtime_ns for file in before} == before
    # And is what an undisturbed run finds.
    kept(folder)[0].unlink()
    again = answer(*line)
    assert again["measured_now"] == 1
    assert again["checkpoints"] == found["checkpoints"]


def test_ctrl_c_leaves_what_is_measured(tmp_path: Path, asked: tuple[object, ...]) -> None:
    folder = tmp_path / "plane"
    line = (*asked, "--jobs", 2, "-o", folder)
    with process(*line, "--json") as run:
        wait_for_checkpoints(run, folder, 1)
        run.send_signal(signal.SIGINT)
        said, told = run.communicate(timeout=60)
    assert run.returncode == 3
    assert said == ""
    assert "Traceback" not in told
    n = len(kept(folder))
    assert 1 <= n < len(CHECKPOINTS)
    assert answer(*line)["measured_now"] == len(CHECKPOINTS) - n
