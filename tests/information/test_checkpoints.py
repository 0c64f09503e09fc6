"""Order and epochs of checkpoints by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpwl_milp.core.errors import DataError
from cpwl_milp.information.checkpoints import (
    epochs_from_names,
    epochs_from_table,
    expanded,
)


def test_natural_order(tmp_path: Path) -> None:
    for name in ("net10", "net9", "net1", "other"):
        (tmp_path / f"{name}.onnx").touch()
    (tmp_path / "notes.txt").touch()
    assert [path.stem for path in expanded([tmp_path])] == ["net1", "net9", "net10", "other"]


@pytest.mark.parametrize(
    ("names", "epochs"),
    [
        (["szt_epoch_0009", "szt_epoch_0010"], (9, 10)),
        (["epoch=3-step=500", "epoch=4-step=700"], (3, 4)),
        (["l2_run1_5", "l2_run1_6"], (5, 6)),
        (["first", "second"], None),
        (["run1_final", "run1_best"], None),
        (["model"], None),
    ],
)
def test_epochs_from_names(names: list[str], epochs: tuple[int, ...] | None) -> None:
    assert epochs_from_names([Path(f"{name}.onnx") for name in names]) == epochs


def test_epochs_from_a_table() -> None:
    paths = [Path("runs/a.onnx"), Path("runs/b.onnx")]
    rows = [["b", "2"], ["runs/a.onnx", "1.0"]]
    assert epochs_from_table(paths, rows, "e.csv") == (1, 2)
    with pytest.raises(DataError, match=r"no row for b\.onnx"):
        epochs_from_table(paths, rows[1:], "e.csv")
    with pytest.raises(DataError, match="whole number"):
        epochs_from_table(paths, [["a", "x"], ["b", "2"]], "e.csv")
    with pytest.raises(DataError, match="1 field"):
        epochs_from_table(paths, [["a"]], "e.csv")
