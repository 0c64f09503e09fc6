"""One writer a run folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cpwl_milp.core.errors import RunFolderError


class FolderLock:
    """An advisory lock on a file of the folder; the system lets go of it when a process dies.

    Raises
    ------
    RunFolderError
        If another process holds it.
    """

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self._handle)
        except OSError as error:
            os.close(self._handle)
            raise RunFolderError(
                str(path.parent),
                "another process is writing this run",
                "one writer at a time",
                "wait for it, or stop it",
            ) from error

    @contextmanager
    def kept_unless_failing(self) -> Iterator[None]:
        """Let go if the block raises."""
        try:
            yield
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let go. The file stays: removing it would open a race between two starters."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
