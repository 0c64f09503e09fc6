"""The folder of an audit: who writes, where a job's files lie."""

from __future__ import annotations

import shutil
from pathlib import Path

from cpwl_milp.core.errors import RunFolderError

LOCK, FILES = "lock", "files"
REPORT, SUMMARY_CSV, SUMMARY_PARQUET = "report.html", "summary.csv", "summary.parquet"
OUTPUT, ERRORS = "answer.json", "said.txt"
_OURS = ("audit.sqlite", LOCK, FILES, REPORT, "summary.")


def require_room(folder: Path) -> None:
    """Make the folder; stop if it holds anything that no audit writes.

    Raises
    ------
    RunFolderError
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for entry in folder.iterdir():
            if not entry.name.lstrip(".").startswith(_OURS):
                raise RunFolderError(
                    str(folder), f"holds other files ({entry.name})", "a new or an empty folder"
                )
    except OSError as error:
        raise RunFolderError(
            str(folder), f"cannot be used: {error.strerror or error}", "a folder for the audit"
        ) from error


def files_of(folder: Path, key: str) -> Path:
    """Where the files of a job lie."""
    return folder / FILES / key[:20]


def cleared(place: Path) -> Path:
    """An empty folder there."""
    if place.exists():
        shutil.rmtree(place)
    place.mkdir(parents=True)
    return place
