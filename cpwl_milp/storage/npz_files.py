"""NumPy archives (.npz) written piece by piece: any number of rows in little memory."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from cpwl_milp.core.errors import InputError
from cpwl_milp.storage.atomic import move_into_place, temporary


@dataclass
class _Growing:
    """Rows of one array on the disk, until it is known how many there are."""

    file: IO[bytes]
    dtype: np.dtype[Any]
    row: tuple[int, ...]
    rows: int = 0

    def add(self, values: NDArray[Any]) -> None:
        if values.dtype != self.dtype or values.shape[1:] != self.row:
            raise ValueError(f"rows of {values.dtype}{values.shape[1:]} after {self.row}")
        self.file.write(np.ascontiguousarray(values).data)
        self.rows += len(values)


def write_npz(
    path: Path,
    batches: Iterable[Mapping[str, NDArray[Any]]],
    whole: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Write batches of rows as the arrays of one archive, uncompressed.

    Parameters
    ----------
    path : Path
        Takes its name only when the file is whole and on the disk; missing folders are made.
    batches : iterable of mappings from name to array
        At least one; the rows of all batches are joined. As much space again is needed until the
        archive is whole.
    whole : mapping, optional
        Arrays to add as they are, taken when the batches are through.

    Raises
    ------
    InputError
        If the file cannot be written (disk full, no permission).
    """
    half = temporary(path)
    whole_file = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as files:
            growing: dict[str, _Growing] = {}
            for batch in batches:
                for name, values in batch.items():
                    if name not in growing:
                        # Without a name: gone with the process, however that ends.
                        place = files.enter_context(tempfile.TemporaryFile(dir=path.parent))
                        growing[name] = _Growing(place, values.dtype, values.shape[1:])
                    growing[name].add(values)
            with half.open("wb") as file:
                _join(file, growing, whole or {})
                file.flush()
                os.fsync(file.fileno())
        move_into_place(half, path)
        whole_file = True
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "a writable file") from error
    finally:
        # Also where the source of the batches failed, or was interrupted.
        if not whole_file:
            with contextlib.suppress(OSError):
                half.unlink()


def _join(file: IO[bytes], growing: Mapping[str, _Growing], whole: Mapping[str, Any]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in growing.items():
            header = {
                "descr": npy_format.dtype_to_descr(array.dtype),
                "fortran_order": False,
                "shape": (array.rows, *array.row),
            }
            array.file.seek(0)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                npy_format.write_array_header_1_0(member, header)
                shutil.copyfileobj(array.file, member, 1 << 20)
        for name, values in whole.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                npy_format.write_array(member, np.asarray(values), allow_pickle=False)
