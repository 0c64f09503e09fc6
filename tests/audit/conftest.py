"""One audit that several tests read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.command import MOONS, MOONS_X, MOONS_Y, invoke
from tests.models.manifest import MODELS

HOSTILE = "<img src=x onerror=alert(1)>.onnx"
MANIFEST = f"""
title = "Moons & <others>"
ask = ["bounds", "count", "plot", "information", "terms"]
[limits]
seconds = 60
[domains.square]
box = [-2, 3]
[data.test]
samples = "{MOONS_X}"
labels = "{MOONS_Y}"
[[models]]
files = "moons.onnx"
[[models]]
files = ["*.onnx", "gone/away.onnx"]
ask = "count"
"""


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an audit of a sound model, one in many dimensions, and broken ones."""
    folder = tmp_path_factory.mktemp("audited")
    shutil.copy(MOONS, folder / "moons.onnx")
    shutil.copy(MODELS / "public" / "gemm_transB.onnx", folder)
    (folder / HOSTILE).write_bytes(MOONS.read_bytes()[:777])
    (folder / "gone").mkdir()
    (folder / "gone" / "away.onnx").symlink_to(folder / "nowhere.onnx")
    (folder / "audit.toml").write_text(MANIFEST, encoding="utf-8")
    done = invoke("audit", "run", folder / "audit.toml", "-o", folder / "audit", "--jobs", 2)
    assert done.exit_code == 0, done.output
    return folder / "audit"
