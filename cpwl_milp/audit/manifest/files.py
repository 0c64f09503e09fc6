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
        found = (Path(path) for path in glob.iglob(str(place), recursive=True))
        return sorted(path for path in found if not path.is_dir())
    return []
