from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from cpwl_milp.core.cube import ROOT, Cube
from cpwl_milp.core.domain import Box
from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.storage.journal import Step
from cpwl_milp.storage.question import Layout, Question
from cpwl_milp.storage.rows import OutputMaps
from cpwl_milp.storage.run_folder import RunFolder

QUESTION = Question(
    model_path="models/a.onnx",
    model_sha256="ab" * 32,
    domain=Box(np.array([0.1, -1.0]), np.array([0.3, 1.0])).describe(),
    engine="tree",
    layout=Layout((6, 4), 2),
    model_options={"inputs": ("x",), "strip_output": False},
    settings={"tolerance": 1e-11},
)
VERSIONS = {"cpwl-milp": "0.1.0", "numpy": "2"}


def batch(n: int, begin: int = 0) -> RegionBatch:
    rows = np.arange(begin, begin + n)
    patterns = np.stack([rows % 256, rows // 256], axis=1).astype(np.uint8)
    return RegionBatch(patterns, np.stack([rows / 7, -rows / 3], axis=1), rows / 11)


def listed(run: RunFolder) -> RegionBatch:
    return RegionBatch.joined([RegionBatch.empty(10, 2), *run.batches(rows=7)])


def test_a_run_is_what_was_appended(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run"
    with RunFolder.create(path, QUESTION, VERSIONS) as run:
        assert run.outcome is None
        run.append(Step((ROOT,), (Cube.of([1]),), seconds=1.5), [batch(5), batch(20, 5)])
        run.append(Step((Cube.of([1]),), (Cube.of([1, 2]),), seconds=2.5))
        thin = np.array([[1, 2]], dtype=np.uint8)
        run.append(Step((Cube.of([1, 2]),), seconds=3.5), [batch(3, 25)], thin)
        run.finish({"complete": True})
        # The one who writes can read as well.
        assert listed(run).patterns.tolist() == batch(28).patterns.tolist()
    again = RunFolder.read(path)
    asked = QUESTION.seen_from(path)
    assert again.question.to_json() == json.loads(json.dumps(asked.to_json()))
    assert again.description.versions == VERSIONS
    assert again.outcome == {"complete": True}
    assert (again.n_regions, again.n_thin, again.seconds) == (28, 1, 3.5)
    assert [(s.n_regions, s.n_thin, s.part) for s in again.steps()] == [
        (25, 0, 1),
        (0, 0, None),
        (3, 1, 2),
    ]
    found = listed(again)
    for name in ("patterns", "points", "inradii"):
        np.testing.assert_array_equal(getattr(found, name), getattr(batch(28), name))
    assert [t.tolist() for t in again.thin()] == [[[1, 2]]]
    with pytest.raises(ValueError, match="reading only"):
        again.append(Step((ROOT,)))


def test_a_part_explains_itself_to_any_parquet_reader(tmp_path: Path) -> None:
    question = replace(QUESTION, layout=Layout((6, 4), 2, n_outputs=3))
    maps = OutputMaps(np.arange(30.0).reshape(5, 3, 2), np.arange(15.0).reshape(5, 3))
    with RunFolder.create(tmp_path / "run", question, VERSIONS) as run:
        run.append(Step((ROOT,)), [batch(5)], maps=[maps])
        (columns,) = run.columns()
    np.testing.assert_array_equal(columns["output_coefficients"].reshape(5, 3, 2)[4, 1], [26, 27])
    table = pq.read_table(tmp_path / "run" / "regions" / "part-000001.parquet")
    assert {f.name: str(f.type) for f in table.schema} == {
        "pattern": "fixed_size_binary[2]",
        "point": "fixed_size_list<element: double>[2]",
        "inradius": "double",
        "output_coefficients": "fixed_size_list<element: double>[6]",
        "output_bias": "fixed_size_list<element: double>[3]",
    }
    assert table.schema.metadata[b"cpwl_milp.widths"] == b"[6, 4]"
    assert table.schema.metadata[b"cpwl_milp.n_units"] == b"10"
    assert table.schema.metadata[b"cpwl_milp.model_sha256"] == b"ab" * 32
    assert table.schema.metadata[b"cpwl_milp.schema"] == b"cpwl-milp/regions/1"
    assert table.column("pattern").to_pylist()[3] == bytes([3, 0])


def test_points_that_no_engine_gave_come_back_as_none(tmp_path: Path) -> None:
    bare = RegionBatch(batch(4).patterns, np.zeros((0, 2)), np.zeros(0))
    with RunFolder.create(tmp_path / "run", QUESTION, VERSIONS) as run:
        run.append(Step((ROOT,)), [bare])
        (found,) = run.batches()
    assert len(found) == 4
    assert found.points.shape == (0, 2)
    assert found.inradii.shape == (0,)


def test_a_batch_of_another_shape_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", QUESTION, VERSIONS)
    with run, pytest.raises(ValueError, match="rows of 2 bytes"):
        run.append(Step((ROOT,)), [batch(1), RegionBatch.empty(30, 2)])
    assert list((tmp_path / "run" / "regions").iterdir()) == []


def test_one_writer_a_run_and_readers_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "run"
    script = (
        "import sys; from pathlib import Path; from cpwl_milp.core.errors import RunFolderError\n"
        "from cpwl_milp.storage.run_folder import RunFolder\n"
        "print(RunFolder.read(Path(sys.argv[1])).n_regions)\n"
        "try: RunFolder.resume(Path(sys.argv[1]))\n"
        "except RunFolderError as error: print(error)\n"
    )

    def other() -> list[str]:
        command = [sys.executable, "-c", script, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    with RunFolder.create(path, QUESTION, VERSIONS) as run:
        run.append(Step((ROOT,), (Cube.of([1]),)), [batch(5)])
        reader = RunFolder.read(path)
        run.append(Step((Cube.of([1]),)), [batch(5, 5)])
        # A reader keeps to what stood there when it opened the folder.
        assert len(listed(reader)) == 5
        assert len(list(reader.steps())) == 1
        count, refused = other()
        assert count == "10"
        assert "another process is writing this run" in refused
    assert other() == ["10"]


def test_what_a_kill_leaves_is_cleared_away(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with RunFolder.create(path, QUESTION, VERSIONS) as run:
        run.append(Step((ROOT,), (Cube.of([1]),)), [batch(5)], np.zeros((1, 2), dtype=np.uint8))
        run.finish({"complete": False})
    regions = path / "regions"
    (regions / "part-000002.parquet").write_bytes((regions / "part-000001.parquet").read_bytes())
    (regions / ".part-000003.parquet.tmp").write_bytes(b"half")
    (path / "thin" / "part-000002.parquet").write_bytes(b"half")
    (path / "notes.txt").write_text("a user's own")
    with (path / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"taken":[[0,0,1]],"regi')
    # Reading changes nothing.
    assert len(listed(RunFolder.read(path))) == 5
    assert (regions / ".part-000003.parquet.tmp").exists()
    with RunFolder.resume(path, QUESTION) as run:
        assert run.outcome is None
        assert json.loads((path / "run.json").read_text())["outcome"] is None
        assert [p.name for p in regions.iterdir()] == ["part-000001.parquet"]
        assert [p.name for p in (path / "thin").iterdir()] == ["part-000001.parquet"]
        run.append(Step((Cube.of([1]),)), [batch(2, 5)])
    assert len(listed(RunFolder.read(path))) == 7
    assert (path / "notes.txt").exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model_sha256": "cd" * 32}, "the model's sha256"),
        ({"model_options": {"inputs": ["y"], "strip_output": False}}, "the model's options"),
        ({"domain": Box.uniform(0, 1, 2).describe()}, "the domain"),
        ({"engine": "milp"}, "the engine is"),
        ({"settings": {"tolerance": 1e-9}}, "the engine's settings"),
        ({"layout": Layout((6, 4), 2, 1)}, "the layout"),
        ({"roots": (Cube.of([1]),)}, "the roots"),
    ],
)
def test_another_question_is_refused_and_the_field_named(
    tmp_path: Path, change: dict[str, Any], field: str
) -> None:
    RunFolder.create(tmp_path / "run", QUESTION, VERSIONS).close()
    with pytest.raises(RunFolderError, match=f"another question: {field}"):
        RunFolder.resume(tmp_path / "run", replace(QUESTION, **change))
    # The refusal let go of the lock; a moved model and a renamed domain file are no other question.
    moved = replace(QUESTION, model_path="b.onnx", domain={**QUESTION.domain, "origin": "b.npz"})
    RunFolder.resume(tmp_path / "run", moved).close()


def damage_run(path: Path) -> None:
    (path / "run.json").write_bytes(b'{"schema": "cpwl-mi')


def damage_question(path: Path) -> None:
    data = json.loads((path / "run.json").read_text())
    del data["question"]["engine"]
    (path / "run.json").write_text(json.dumps(data))


def damage_schema(path: Path) -> None:
    data = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(data | {"schema": "cpwl-milp/run/99"}))


def damage_type(path: Path) -> None:
    (path / "run.json").write_text("[]")


def remove_journal(path: Path) -> None:
    (path / "journal.jsonl").unlink()


def remove_part(path: Path) -> None:
    (path / "regions" / "part-000001.parquet").unlink()


def tear_part(path: Path) -> None:
    part = path / "regions" / "part-000001.parquet"
    part.write_bytes(part.read_bytes()[:-20])


def swap_part(path: Path) -> None:
    part = path / "regions" / "part-000001.parquet"
    part.write_bytes((path / "regions" / "part-000002.parquet").read_bytes())


def remove_run(path: Path) -> None:
    (path / "run.json").unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_run, "not a readable run description"),
        (damage_question, "lacks or mistakes a field"),
        (damage_schema, "schema 'cpwl-milp/run/99'"),
        (damage_type, "not a readable run description"),
        (remove_journal, "missing"),
        (remove_part, "missing"),
        (tear_part, "not a readable Parquet file"),
        (swap_part, "2 rows; expected 5"),
        (remove_run, "not a run folder"),
    ],
)
def test_damage_is_one_line_that_says_where(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / "run"
    with RunFolder.create(path, QUESTION, VERSIONS) as run:
        run.append(Step((ROOT,), (Cube.of([1]),)), [batch(5)])
        run.append(Step((Cube.of([1]),)), [batch(2, 5)])
    damage(path)
    with pytest.raises(RunFolderError, match=message) as caught:
        RunFolder.resume(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_folders_where_no_run_can_begin(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(RunFolderError, match="is a file"):
        RunFolder.create(file, QUESTION, VERSIONS)
    with pytest.raises(RunFolderError, match="cannot be written"):
        RunFolder.create(file / "run", QUESTION, VERSIONS)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("")
    with pytest.raises(RunFolderError, match=r"other files \(thesis.tex\)"):
        RunFolder.create(foreign, QUESTION, VERSIONS)
    assert [p.name for p in foreign.iterdir()] == ["thesis.tex"]
    with pytest.raises(RunFolderError, match="not a run folder"):
        RunFolder.resume(foreign)
    with pytest.raises(RunFolderError, match="no such folder"):
        RunFolder.resume(tmp_path / "nowhere")
    RunFolder.create(tmp_path / "run", QUESTION, VERSIONS).close()
    with pytest.raises(RunFolderError, match=r"already holds a run.*--resume"):
        RunFolder.create(tmp_path / "run", QUESTION, VERSIONS)
    # Regions whose run.json was lost are not overwritten.
    with RunFolder.create(tmp_path / "lost", QUESTION, VERSIONS) as run:
        run.append(Step((ROOT,)), [batch(5)])
    (tmp_path / "lost" / "run.json").unlink()
    with pytest.raises(RunFolderError, match="holds other files"):
        RunFolder.create(tmp_path / "lost", QUESTION, VERSIONS)


def test_killed_before_the_run_began_it_can_begin_again(tmp_path: Path) -> None:
    path = tmp_path / "run"
    RunFolder.create(path, QUESTION, VERSIONS).close()
    (path / "run.json").rename(path / ".run.json.tmp")
    with RunFolder.create(path, QUESTION, VERSIONS) as run:
        run.append(Step((ROOT,)), [batch(5)])
    assert len(listed(RunFolder.read(path))) == 5


def test_a_full_disk_ends_the_session_and_loses_no_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run"
    real = os.fsync
    calls = 0

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls >= allowed:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    # Syncs of one step: part file, its folder, journal.
    for allowed in (1, 2, 3):
        with RunFolder.create(path / str(allowed), QUESTION, VERSIONS) as run:
            run.append(Step((ROOT,), (Cube.of([1]),)), [batch(5)])
            calls = 0
            monkeypatch.setattr(os, "fsync", full)
            with pytest.raises(RunFolderError, match="No space left"):
                run.append(Step((Cube.of([1]),)), [batch(2, 5)])
            with pytest.raises(ValueError, match="failed to write before"):
                run.append(Step((Cube.of([1]),)), [batch(2, 5)])
            monkeypatch.setattr(os, "fsync", real)
        with RunFolder.resume(path / str(allowed), QUESTION) as run:
            # The third sync failed after the line was written: the step may count, but whole.
            assert len(listed(run)) == run.n_regions == (7 if allowed == 3 else 5)
