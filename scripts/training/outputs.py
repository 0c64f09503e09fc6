"""Writing what the scripts make, and telling what was written."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx


@dataclass(frozen=True)
class OutputFolder:
    """A folder that receives models and arrays; each written file is printed with its digest."""

    path: Path

    def save_model(self, name: str, model: onnx.ModelProto, remark: str = "") -> None:
        """Check the model and write `name`.onnx."""
        onnx.checker.check_model(model, full_check=True)
        target = self._target(f"{name}.onnx")
        onnx.save(model, target)
        self._tell(target, remark)

    def save_array(self, name: str, array: np.ndarray) -> None:
        """Write `name`.npy."""
        target = self._target(f"{name}.npy")
        np.save(target, array, allow_pickle=False)
        self._tell(target, f"{array.dtype}{list(array.shape)}")

    def _target(self, name: str) -> Path:
        self.path.mkdir(parents=True, exist_ok=True)
        return self.path / name

    @staticmethod
    def _tell(target: Path, remark: str) -> None:
        content = target.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        print(f"{target}  {len(content)} bytes  sha256 {digest}  {remark}".rstrip())


def parser(description: str | None, *, epochs: int) -> argparse.ArgumentParser:
    """The options that all training scripts share; `epochs` is the default."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--out", type=Path, required=True, help="folder for models and data")
    options.add_argument("--seed", type=int, default=0, help="seed of data, weights and batches")
    options.add_argument("--epochs", type=int, default=epochs, help=f"default {epochs}")
    return options
