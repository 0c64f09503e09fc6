"""Writes that are whole or absent, also after a kill or a power failure."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def temporary(path: Path) -> Path:
    """The name under which `path` is written before it is whole."""
    return path.with_name(f".{path.name}.tmp")


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path`: after a crash the old content or the new stands there."""
    half = temporary(path)
    with half.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    move_into_place(half, path)


def move_into_place(half: Path, path: Path) -> None:
    """Give a finished, synced file its name, durably."""
    half.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in `folder` durable (Windows has no such call and needs none)."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
