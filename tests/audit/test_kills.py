"""The whole process tree killed at random moments: nothing is lost, nothing is asked twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.storage.audit_rows import State
from cpwl_milp.storage.audit_store import AuditStore
from tests.audit.audits import essence
from tests.cli.command import MOONS, answer, invoke, process
from tests.models.manifest import MODELS

MANIFEST = """
ask = ["inspect", "enumerate"]
[limits]
seconds = 60
[domains.square]
box = [-2, 3]
[[models]]
files = "*.onnx"
domains = []
ask = "inspect"
[[models]]
files = "moons.onnx"
"""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    names = ("gemm_transB", "convx1_gemmx1")
    for name in names:
        shutil.copy(MODELS / "public" / f"{name}.onnx", folder)
    shutil.copy(MOONS, folder / "moons.onnx")
    (folder / "broken.onnx").write_bytes(MOONS.read_bytes()[:999])
    path = folder / "audit.toml"
    path.write_text(MANIFEST, encoding="utf-8")
    return path


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            waiting += [int(child) for child in children.read_text(encoding="ascii").split()]
    return found


def kill_tree(run: subprocess.Popen[str]) -> None:
    for pid in tree(run.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def done(folder: Path) -> int:
    try:
        with AuditStore.read(folder) as store:
            return len(store.states())
    except RunFolderError:
        return 0


def wait_beyond(run: subprocess.Popen[str], folder: Path, number: int) -> None:
    end = time.monotonic() + 60
    while done(folder) <= number and run.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_five_kills_change_nothing(manifest: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    with process("audit", "run", manifest, "-o", whole, "--jobs", 2) as run:
        run.communicate(timeout=120)
    assert run.returncode == 0
    moment = random.Random(11)
    arguments: tuple[object, ...] = (manifest, "-o", killed)
    counts = []
    for place in range(5):
        with process("audit", "run", *arguments, "--jobs", 2) as run:
            if place:
                wait_beyond(run, killed, counts[-1] - moment.randrange(2))
            time.sleep(moment.uniform(0.0, 0.5))
            kill_tree(run)
            run.communicate(timeout=20)
        counts.append(done(killed))
        if AuditStore.exists(killed):
            arguments = ("--resume", killed)
    assert counts == sorted(counts)
    with process("audit", "run", *arguments, "--jobs", 2) as run:
        run.communicate(timeout=120)
    assert run.returncode == 0
    expected = essence(whole)
    assert len(expected) == 5
    assert essence(killed) == expected
    states = [row[5] for row in expected]
    assert states.count(State.COMPLETE) == 4
    assert states.count(State.ERROR) == 1
    again = answer("audit", "run", "--resume", killed)
    assert (again["done"], again["total"]) == (5, 5)


def test_children_die_with_the_audit(manifest: Path, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    with process("audit", "run", manifest, "-o", folder, "--jobs", 2) as run:
        wait_beyond(run, folder, 0)
        below = tree(run.pid)[1:]
        run.kill()
        run.communicate(timeout=20)
    end = time.monotonic() + 5
    while any(Path(f"/proc/{pid}/statm").exists() and _alive(pid) for pid in below):
        assert time.monotonic() < end
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
    except OSError:
        return False
    return state.split()[0] != "Z"


def test_ctrl_c_stops_and_resume_goes_on(manifest: Path, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    with process("audit", "run", manifest, "-o", folder) as run:
        wait_beyond(run, folder, 0)
        begun = time.monotonic()
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=20)
    assert time.monotonic() - begun < 5
    assert run.returncode == 3
    assert f"--resume {folder}" in said
    assert "Traceback" not in said
    waiting = answer("audit", "status", folder, code=3)
    assert 0 < waiting["done"] < waiting["total"] == 5
    assert waiting["running"] == []
    taken = invoke("audit", "run", manifest, "-o", folder)
    assert taken.exit_code == 1
    assert "already holds an audit" in taken.stderr
