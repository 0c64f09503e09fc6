"""`audit run --cluster`: the rows of one machine; processes end with who asked for them."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import pytest

from benchmarks.loopback import Loopback
from cpwl_milp.audit.elsewhere import Elsewhere, RunsJobs
from cpwl_milp.audit.jobs import Job, Limits
from cpwl_milp.cluster.connection import Cluster
from cpwl_milp.core.errors import InputError
from cpwl_milp.storage.audit_rows import State
from tests.audit.audits import essence, stand_in
from tests.audit.test_kills import done, tree, wait_beyond
from tests.cli.command import MOONS, answer, process
from tests.onnx_io.graphs import mlp, save

MANIFEST = """
ask = ["inspect", "enumerate"]
[limits]
seconds = 60
[domains.square]
box = [-2, 3]
[[models]]
files = "broken.onnx"
domains = []
ask = "inspect"
[[models]]
files = "moons.onnx"
"""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    shutil.copy(MOONS, folder / "moons.onnx")
    (folder / "broken.onnx").write_bytes(MOONS.read_bytes()[:999])
    path = folder / "audit.toml"
    path.write_text(MANIFEST, encoding="utf-8")
    return path


def test_the_rows_of_one_machine(loopback: Loopback, manifest: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    answer("audit", "run", manifest, "-o", here)
    found = answer("audit", "run", manifest, "-o", there, "--cluster", loopback.address)
    assert (found["done"], found["total"]) == (3, 3)
    assert essence(there) == essence(here)
    states = [row[5] for row in essence(there)]
    assert states.count(State.COMPLETE) == 2
    assert states.count(State.ERROR) == 1
    assert any(there.glob("files/*/run/regions/*.parquet"))


def test_limits_hold_on_the_workers(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    runners = Elsewhere(cluster, tmp_path / "audit", "tests.audit.misbehaving")
    names = ["hangs", "segfaults", "fine"]
    found = stand_in(tmp_path / "audit", names, Limits(2.0, 400), runners=runners)
    runners.close()
    states = {name: result.state for name, result in found.items()}
    expected = {"hangs": State.TIMEOUT, "segfaults": State.CRASH, "fine": State.COMPLETE}
    assert states == expected


def jobs_of(loopback: Loopback) -> list[int]:
    """Processes that workers have started."""
    return [pid for worker in loopback.workers for pid in tree(worker.pid)[1:]]


def wait_until(there: bool, loopback: Loopback, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while bool(jobs_of(loopback)) != there:
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "killed"])
def test_processes_end_with_the_audit_and_it_goes_on(
    loopback: Loopback, tmp_path: Path, number: signal.Signals
) -> None:
    folder, models = tmp_path / "audit", tmp_path / "models"
    models.mkdir()
    save(mlp(1, (10, 16, 16, 1)), models)
    there = ("--cluster", loopback.address)
    asked = ("audit", "run", models, "--box=-1,1", "--ask", "count", "-o", folder)
    with process(*asked, "--seconds", 60, *there) as run:
        wait_beyond(run, folder, 0)
        wait_until(True, loopback)
        run.send_signal(number)
        _, said = run.communicate(timeout=20)
    assert run.returncode == (3 if number == signal.SIGINT else -9)
    assert "Traceback" not in said
    wait_until(False, loopback)
    assert done(folder) == 1
    # What is left has 4 s now.
    found = answer("audit", "run", "--resume", folder, models, *asked[3:6], "--seconds", 4, *there)
    assert (found["done"], found["total"]) == (2, 2)


def test_a_job_whose_worker_is_killed_is_run_by_another(
    loopback: Loopback, cluster: Cluster, tmp_path: Path
) -> None:
    runners = Elsewhere(cluster, tmp_path, "tests.audit.misbehaving")
    place = runners.files / "job"
    job = Job("hangs", str(tmp_path / "hangs.onnx"), "inspect", limits=Limits(3.0, 400))
    running = runners.start(job, place, go_on=False)
    wait_until(True, loopback)
    busy = next(k for k, worker in enumerate(loopback.workers) if tree(worker.pid)[1:])
    loopback.workers.insert(0, loopback.workers.pop(busy))
    loopback.kill_worker()
    end = time.monotonic() + 30
    while (ending := running.poll()) is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert ending.killed_for == "time"
    runners.close()
    loopback.add_worker()
    loopback.wait(3)


def test_machines_that_do_not_share_files_say_so(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ours", encoding="ascii")
    job = Job("m", "m.onnx", "inspect").to_json()
    for here, files, token, expected in (
        (tmp_path, tmp_path, "theirs", "sees another"),
        (tmp_path, tmp_path / "files", "ours", "does not see"),
        (tmp_path / "gone", tmp_path, "ours", "sees no folder"),
    ):
        runs = RunsJobs("tests.audit.misbehaving", here, files, token, patience=0.0)
        with pytest.raises(InputError, match=f"the worker on .* {expected}"):
            runs(job, "job", False)
