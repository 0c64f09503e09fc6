"""The names in a run folder, and what a folder must be to hold a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cpwl_milp.core.errors import RunFolderError

RUN, JOURNAL, LOCK, REGIONS, THIN = "run.json", "journal.jsonl", "lock", "regions", "thin"
CERTIFICATE, VOLUMES = "certificate.gz", "volumes.parquet"


def require_run(path: Path) -> None:
    """Check that `path` is a run folder.

    Raises
    ------
    RunFolderError
    """
    if not path.is_dir():
        raise RunFolderError(str(path), "no such folder", "a run folder")
    if not (path / RUN).is_file():
        raise RunFolderError(
            str(path), "not a run folder: it has no run.json", hint="begin a run with -o"
        )


def require_room(path: Path) -> None:
    """Check that `path` is free: absent, empty, or left by a kill before a run had begun.

    Raises
    ------
    RunFolderError
    """
    if not path.exists():
        return
    if not path.is_dir():
        raise RunFolderError(str(path), "is a file", "a folder for the run")
    if (path / RUN).exists():
        raise RunFolderError(
            str(path), "already holds a run", hint="continue it with --resume, or name another"
        )
    ours = {LOCK, JOURNAL, REGIONS, THIN, f".{RUN}.tmp", f".{JOURNAL}.tmp"}
    for entry in path.iterdir():
        begun = entry.name not in ours or (entry.is_dir() and any(entry.iterdir()))
        if begun or (entry.name == JOURNAL and entry.stat().st_size):
            raise RunFolderError(
                str(path), f"holds other files ({entry.name})", "a new or an empty folder"
            )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the file system says into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise RunFolderError(
            str(path),
            f"cannot be written: {error.strerror or error}",
            hint="make room or choose another folder; a run begun can be resumed",
        ) from error
