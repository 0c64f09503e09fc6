from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.storage.tables import count_rows, read_batches, read_metadata, write_table


def test_columns_come_back_in_batches_of_any_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "table.parquet"
    whole = {
        "pattern": rng.integers(0, 256, (23, 3), dtype=np.uint8),
        "point": rng.normal(size=(23, 2)),
        "mass": rng.normal(size=23),
        "count": rng.integers(0, 10**12, 23),
    }
    whole["point"][4] = np.nan
    batches = [{k: v[a:b] for k, v in whole.items()} for a, b in ((0, 9), (9, 9), (9, 23))]
    assert write_table(path, batches, {"key": "väl"}) == 23
    assert count_rows(path) == 23
    assert read_metadata(path) == {"key": "väl"}
    assert [p.name for p in tmp_path.iterdir()] == ["table.parquet"]
    for rows in (1, 5, 23, 1000):
        found = list(read_batches(path, rows))
        assert max(len(b["mass"]) for b in found) <= rows
        for name, values in whole.items():
            joined = np.concatenate([b[name] for b in found])
            assert joined.dtype == values.dtype
            np.testing.assert_array_equal(joined, values)
    (only,) = read_batches(path, columns=["mass"])
    assert list(only) == ["mass"]


def test_a_table_of_no_rows_keeps_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    nothing = {"pattern": np.zeros((0, 2), dtype=np.uint8), "point": np.zeros((0, 3))}
    assert write_table(path, [nothing], {}) == 0
    assert count_rows(path) == 0
    assert sum(len(b["pattern"]) for b in read_batches(path, columns=["pattern", "point"])) == 0
    with pytest.raises(ValueError, match="at least one batch"):
        write_table(path, [], {})


def test_a_full_disk_leaves_neither_file_nor_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFolderError, match="No space left"):
        write_table(tmp_path / "table.parquet", [{"x": np.arange(3)}], {})
    assert list(tmp_path.iterdir()) == []


def test_unreadable_files_are_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    with pytest.raises(RunFolderError, match="missing"):
        count_rows(path)
    path.write_bytes(b"PAR1 but not really")
    with pytest.raises(RunFolderError, match="not a readable Parquet file"):
        count_rows(path)
    write_table(path, [{"x": np.arange(3)}], {})
    with pytest.raises(RunFolderError, match="no column 'y'"):
        list(read_batches(path, columns=["y"]))
    data = bytearray(path.read_bytes())
    data[4:24] = bytes(20)
    path.write_bytes(data)
    with pytest.raises(RunFolderError, match="damaged"):
        list(read_batches(path))
