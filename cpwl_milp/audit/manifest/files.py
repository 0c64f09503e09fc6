"""Model files by a name, a folder or a pattern."""

from __future__ import annotations

import glob
from pathlib import Path


def matching(place: Path) -> list[Path]:
    """Files that a path names: itself, the ``.onnx`` files below a folder, or a pattern's matches.

    In order of their names; ``**`` goes down any number of folders. A dangling link, or anything
    else that bears a model's name but is no folder, is a match: what is wrong with it is the
    audit's to say.
    """
    if place.is_dir():
        return sorted(path for path in place.rglob("*.onnx") if not path.is_dir())
    if place.exists() or place.is_symlink():
        return [place]
    if glob.has_magic(str(place)):
        found = (Path(path) for path in glob.glob(str(place), recursive=True))  # noqa: PTH207
        return sorted(path for path in found if not path.is_dir())
    return []


def fixed_part(place: Path) -> Path:
    """The folder itself, or the folders of a file or pattern before its first wildcard."""
    if place.is_dir():
        return place
    parent = place.parent
    while glob.has_magic(str(parent)):
        parent = parent.parent
    return parent


def label_of(file: Path, base: Path) -> str:
    """The name of a model: its path from a folder, or the whole path if it lies elsewhere."""
    try:
        return file.relative_to(base).as_posix()
    except ValueError:
        return file.as_posix()
