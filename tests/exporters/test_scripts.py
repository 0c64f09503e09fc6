"""The training scripts: what they write imports, and twice the same run writes the same bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cpwl_milp.core.errors import UnsupportedOperatorError
from cpwl_milp.onnx_io import check_agreement, load_model
from tests.conftest import REPOSITORY


def run(script: str, folder: Path) -> dict[str, bytes]:
    command = [sys.executable, f"scripts/{script}.py", "--out", str(folder), "--epochs", "3"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert all(name in done.stdout for name in written)
    return written


@pytest.mark.parametrize("script", ["train_moons", "train_digits", "train_szt"])
def test_runs_are_repeatable_and_their_files_import(script: str, tmp_path: Path) -> None:
    written = run(script, tmp_path / "first")
    assert written == run(script, tmp_path / "second")

    arrays = {name: np.load(tmp_path / "first" / name) for name in written if name.endswith("npy")}
    inputs = next(array for name, array in arrays.items() if name.endswith("_x.npy"))
    labels = next(array for name, array in arrays.items() if name.endswith("_y.npy"))
    assert len(inputs) == len(labels)

    for name in sorted(set(written) - set(arrays)):
        path = tmp_path / "first" / name
        assert str(REPOSITORY).encode() not in written[name], "a path of this machine"
        if "tanh" in name or "classifier" in name:
            with pytest.raises(UnsupportedOperatorError):
                load_model(path)
            continue
        model = load_model(path)
        check_agreement(model, None)
        assert model.network.n_inputs == inputs.shape[1]
