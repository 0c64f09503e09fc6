"""The certificate of a run: one gzip file, streamed, whole or absent."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.storage.atomic import move_into_place, temporary
from cpwl_milp.storage.places import CERTIFICATE, writing

# gzip's own level 6 takes three times as long for a few per cent.
_LEVEL = 2


class CertificateWriter:
    """Writes a certificate beside its name and moves it there in the end. A context manager.

    Parameters
    ----------
    run : Path
        The run folder.

    Raises
    ------
    RunFolderError
        From every method, if the folder cannot be written.
    """

    def __init__(self, run: Path) -> None:
        self._path = run / CERTIFICATE
        self._half = temporary(self._path)
        with writing(run):
            self._file = self._half.open("wb")
        self._zip: gzip.GzipFile | None = None

    def restart(self) -> None:
        """Forget everything written so far."""
        with writing(self._path.parent):
            self._file.seek(0)
            self._file.truncate()
            self._zip = gzip.GzipFile("", "wb", _LEVEL, self._file, mtime=0)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        assert self._zip is not None, "write before restart"
        with writing(self._path.parent):
            self._zip.write(data)

    def finish(self) -> None:
        """Give the certificate its name."""
        assert self._zip is not None, "nothing was written"
        with writing(self._path.parent):
            self._zip.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            move_into_place(self._half, self._path)

    def __enter__(self) -> CertificateWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._half.unlink(missing_ok=True)


@contextmanager
def opened_certificate(run: Path) -> Iterator[BinaryIO]:
    """A run's certificate, uncompressed as it is read.

    What is damaged raises OSError, EOFError or zlib.error at the read that meets it.

    Raises
    ------
    RunFolderError
        If there is none.
    """
    path = run / CERTIFICATE
    if not path.is_file():
        raise RunFolderError(
            str(run),
            "holds no certificate",
            hint=f"make one: cpwl-milp enumerate --resume {run} --rigorous",
        )
    with gzip.open(path, "rb") as file:
        yield cast(BinaryIO, file)
