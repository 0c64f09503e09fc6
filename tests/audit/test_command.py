"""The verbs of `audit`, on one finished audit."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cpwl_milp.storage.audit_rows import State
from cpwl_milp.storage.audit_store import AuditStore
from tests.audit.audits import rows
from tests.cli.command import MOONS, answer, invoke, process


def test_every_file_is_a_row(audited: Path) -> None:
    found = answer("audit", "status", audited)
    by_name = {(row["model"], row["question"]): row for row in found["rows"]}
    assert found["done"] == found["total"] == len(by_name) == 12
    assert found["models"] == 4
    assert by_name["moons.onnx", "count"]["lower"] == "333"
    assert by_name["moons.onnx", "count"]["state"] == "complete"
    assert by_name["gone/away.onnx", "inspect"]["state"] == "error"
    assert "no such file" in by_name["gone/away.onnx", "inspect"]["reason"]
    assert by_name["gone/away.onnx", "count"]["state"] == "blocked"
    assert by_name["gemm_transB.onnx", "count"]["state"] == "complete"
    assert 0.7 < by_name["moons.onnx", "information"]["mi_labels_bits"] < 0.9
    assert sum(found["states"].values()) == 12


def test_answers_are_those_of_the_command_line(audited: Path) -> None:
    asked = {row.asked.question: row for row in rows(audited) if row.asked.label == "moons.onnx"}
    alone = answer("count", audited.parent / "moons.onnx", "--box=-2,3")
    kept = dict(asked["count"].result.answer or {})
    for one in (alone, kept):
        one.pop("seconds")
    assert kept == alone


def test_summaries(audited: Path) -> None:
    with (audited / "summary.csv").open(encoding="utf-8", newline="") as file:
        text = list(csv.DictReader(file))
    table = pq.read_table(audited / "summary.parquet").to_pylist()
    assert len(text) == len(table) == 12
    assert [row["model"] for row in text] == [row["model"] for row in table]
    count = next(row for row in table if row["question"] == "count" and row["upper"] == "333")
    assert (count["n_inputs"], count["engine"], count["linear_regions"]) == (2, "cells", None)


def test_nothing_is_asked_twice(audited: Path, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    shutil.copytree(audited, folder)
    before = {row.asked.key: row.result for row in rows(folder)}
    assert answer("audit", "run", "--resume", folder)["done"] == 12
    assert {row.asked.key: row.result for row in rows(folder)} == before
    # Failed rows are asked again, the others not.
    assert answer("audit", "run", "--resume", folder, "--rerun", "failed")["done"] == 12
    for row in rows(folder):
        assert (row.result == before[row.asked.key]) is not row.result.state.failed or (
            row.result.state is State.BLOCKED
        )


def test_a_changed_model_is_asked_again_and_copies_share(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    for name in ("a.onnx", "b.onnx"):
        shutil.copy(MOONS, models / name)
    folder = tmp_path / "audit"
    assert answer("audit", "run", models, "-o", folder)["total"] == 2
    one, other = rows(folder)
    assert one.result is not None
    assert one.result == other.result
    (models / "b.onnx").write_bytes(MOONS.read_bytes()[:500])
    found = answer("audit", "run", "--resume", folder)
    assert [row["state"] for row in found["rows"]] == ["complete", "error"]


def test_gates_and_machine_progress(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\x08\x07 nothing")
    folder = tmp_path / "audit"
    options = ("--progress", "json", "--fail-on", "failed")
    with process("audit", "run", broken, "-o", folder, *options) as run:
        _, said = run.communicate(timeout=60)
    assert run.returncode == 4
    *events, last = said.splitlines()
    assert last == "error: --fail-on failed: 1 of 1 rows"
    told = [json.loads(line) for line in events]
    assert [event["event"] for event in told if event["event"] != "progress"] == ["job", "end"]
    assert told[-1]["done"] == told[-1]["total"] == 1
    assert invoke("audit", "run", "--resume", folder, "--fail-on", "timeout").exit_code == 0
    assert invoke("audit", "run", "--resume", folder, "--fail-on", "slow").exit_code == 2


def test_compare(audited: Path, tmp_path: Path) -> None:
    same = answer("audit", "compare", audited, audited, "--fail-on-change")
    assert (same["same"], same["changes"], same["only_first"]) == (12, [], [])
    other = tmp_path / "other"
    shutil.copytree(audited, other)
    with AuditStore.write(other) as store:
        row = next(r for r in store.rows() if r.asked.question == "count" and r.result.answer)
        changed = {**(row.result.answer or {}), "lower": 7, "upper": 9}
        store.record(replace(row.result, answer=changed, state=State.INCOMPLETE, reason="limit"))
        store.plan(store.jobs()[:-1], {})
    found = answer("audit", "compare", audited, other, "--fail-on-change", code=4)
    assert found["same"] == 10
    assert len(found["only_first"]) == 1
    assert found["only_second"] == []
    (change,) = found["changes"]
    assert change["question"] == "count"
    assert change["fields"]["state"] == ["complete", "incomplete"]
    assert change["fields"]["upper"][1] == "9"
    assert invoke("audit", "compare", audited, other).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("status", "absent"), 1, "no audit"),
        (("report", "absent"), 1, "no audit"),
        (("run", "-o", "new"), 2, "nothing to audit"),
        (("run", "x.onnx"), 2, "give -o DIR"),
        (("run", "x.onnx", "-o", "new"), 1, "names no file"),
        (("run", "x.onnx", "-o", "new", "--ask", "cuont"), 1, "count?"),
        (("run", "a.toml", "-o", "new", "--box", "0,1"), 2, "do not go with a manifest"),
        (("run", "--resume", "absent"), 1, "no audit"),
    ],
)
def test_what_does_not_fit(
    arguments: tuple[str, ...],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke("audit", *arguments)
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert not (tmp_path / "new").exists()


def test_a_damaged_file_of_results_is_told_of(audited: Path, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    shutil.copytree(audited, folder)
    (folder / "audit.sqlite").write_bytes(b"not a database at all" * 99)
    result = invoke("audit", "status", folder)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "audit.sqlite" in result.stderr
