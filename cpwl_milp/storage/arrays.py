"""Data arrays of the user: .npy, .npz and .csv files, rows of them, never pickles.

A spec is a path, optionally with an array's name (``data.npz:X``) and rows from 0
(``data.npy:17``, ``data.npy:3,17,42``, ``data.npz:X:3,17``).
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from cpwl_milp.core.errors import DataError
from cpwl_milp.storage.csv_files import read_csv

_ROWS = re.compile(r"-?\d+(,-?\d+)*")
_BLOCK = 1 << 22


@dataclass(frozen=True)
class ArraySpec:
    """What a spec names: a file, one of its arrays, some of its rows.

    Attributes
    ----------
    path : Path
    key : str or None
        The array of an .npz.
    rows : tuple of int, or None
    """

    path: Path
    key: str | None = None
    rows: tuple[int, ...] | None = None

    @staticmethod
    def parse(text: str, key: str | None = None) -> ArraySpec:
        """Read a spec; a colon that belongs to an existing file's name is left in it."""
        path, rows = text, None
        head, _, tail = path.rpartition(":")
        if head and _ROWS.fullmatch(tail) and not Path(path).exists():
            path, rows = head, tuple(int(k) for k in tail.split(","))
        head, _, tail = path.rpartition(":")
        if head.endswith(".npz") and not Path(path).exists():
            path, key = head, tail
        return ArraySpec(Path(path), key, rows)


def read_array(spec: str, *, key: str | None = None, text: bool = False) -> NDArray[Any]:
    """Read one array.

    Parameters
    ----------
    spec : str
        Path, array name and rows, see the module.
    key : str, optional
        The array of an .npz; not needed where it holds one only.
    text : bool
        Whether a .csv may hold words in place of numbers (labels).

    Returns
    -------
    ndarray
        A .npy file is memory-mapped unless rows are picked. Rows are picked in their order.

    Raises
    ------
    DataError
        If the file is missing, of another format, damaged, holds objects, or lacks the rows.
    """
    asked = ArraySpec.parse(spec, key)
    path = asked.path
    try:
        values = _read(path, asked.key, text)
    except FileNotFoundError as error:
        raise DataError(str(path), "no such file") from error
    except IsADirectoryError as error:
        raise DataError(str(path), "is a folder", "an .npy, .npz or .csv file") from error
    except OSError as error:
        raise DataError(str(path), f"cannot be read: {error.strerror or error}") from error
    if values.dtype.kind == "O":
        raise DataError(str(path), "holds Python objects", "numbers or strings")
    return values if asked.rows is None else _picked(values, asked.rows, str(path))


def read_samples(
    spec: str,
    n_inputs: int,
    *,
    key: str | None = None,
    input_shape: Sequence[int] | None = None,
) -> NDArray[Any]:
    """Read samples for a network and check them.

    Parameters
    ----------
    spec, key
        As for `read_array`.
    n_inputs : int
        Inputs of the network.
    input_shape : sequence of int, optional
        The shape of one input without its batch dimension; images stored in another order of
        axes are then refused, where flattening would mix up their pixels.

    Returns
    -------
    ndarray, shape (n, n_inputs)
        The file's own dtype, memory-mapped where it can be. A vector is one sample, or for
        n_inputs = 1 a column; images (n, 1, 28, 28) are flattened in row-major order.

    Raises
    ------
    DataError
        Also if there are none, they do not fit the network, or hold NaN or infinite values.
    """
    return as_samples(read_array(spec, key=key), n_inputs, where=spec, input_shape=input_shape)


def as_samples(
    values: NDArray[Any],
    n_inputs: int,
    *,
    where: str = "samples",
    input_shape: Sequence[int] | None = None,
) -> NDArray[Any]:
    """Check an array of samples and bring it into shape (n, n_inputs); see `read_samples`."""
    if values.dtype.kind not in "buif":
        raise DataError(where, f"samples of type {values.dtype}", "real numbers")
    if values.size == 0:
        raise DataError(where, f"empty, shape {values.shape}", "at least one sample")
    if values.ndim == 0:
        values = values.reshape(1)
    if values.ndim == 1:
        values = values[:, None] if n_inputs == 1 else values[None, :]
    if math.prod(values.shape[1:]) != n_inputs:
        asked = tuple(input_shape) if input_shape else (n_inputs,)
        raise DataError(
            where,
            f"samples of shape {values.shape[1:]}, {math.prod(values.shape[1:])} features each",
            f"{n_inputs}, the network's input of shape {asked}",
        )
    if input_shape is not None and values.ndim > 2:
        here = [k for k in values.shape[1:] if k != 1]
        there = [k for k in input_shape if k != 1]
        if len(there) > 1 and here != there:
            raise DataError(
                where,
                f"samples of shape {values.shape[1:]}",
                f"the axes of the network's input, {tuple(input_shape)}",
                "transpose or flatten them first",
            )
    flat = values.reshape(len(values), n_inputs)
    _check_finite(flat, where)
    return flat


def _read(path: Path, key: str | None, text: bool) -> NDArray[Any]:
    if path.is_dir():
        raise IsADirectoryError
    kind = path.suffix.lower()
    if kind not in (".npy", ".npz", ".csv"):
        raise DataError(str(path), f"a {kind or 'nameless'} file", "an .npy, .npz or .csv file")
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise DataError(str(path), "an empty file", "data")
    if head.startswith(b"version https://git-lfs"):
        raise DataError(str(path), "a Git-LFS pointer", "the data itself", "run `git lfs pull`")
    if kind == ".csv":
        return read_csv(path, text=text)
    if key is not None and kind == ".npy":
        raise DataError(str(path), f"an .npy has no array named {key!r}", "one array")
    try:
        return _read_npz(path, key) if kind == ".npz" else _read_npy(path)
    except (ValueError, EOFError, MemoryError, SyntaxError, zipfile.BadZipFile) as error:
        objects = "allow_pickle" in str(error) or "Python objects" in str(error)
        found = "holds Python objects" if objects else f"damaged: {error}"
        raise DataError(str(path), found, f"a whole {kind} file of numbers or strings") from error


def _read_npy(path: Path) -> NDArray[Any]:
    with path.open("rb") as file:
        magic = file.read(6)
    if magic != npy_format.MAGIC_PREFIX:
        raise ValueError("no NumPy array starts here")
    loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    return np.asarray(loaded) if loaded.ndim == 0 else loaded


def _read_npz(path: Path, key: str | None) -> NDArray[Any]:
    with zipfile.ZipFile(path) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        names = [name.removesuffix(".npy") for name in sizes if name.endswith(".npy")]
        if key is None:
            if len(names) != 1:
                raise DataError(
                    str(path),
                    f"holds {len(names)} arrays: {', '.join(names) or 'none'}",
                    "one of them by name",
                    f"write {path.name}:NAME",
                )
            key = names[0]
        if key not in names:
            raise DataError(str(path), f"no array {key!r}", f"one of {', '.join(names) or 'none'}")
        with archive.open(f"{key}.npy") as member:
            # A header may promise what the file does not hold; do not take memory on its word.
            _check_header(member, sizes[f"{key}.npy"])
        with archive.open(f"{key}.npy") as member:
            return np.asarray(npy_format.read_array(member, allow_pickle=False))


def _check_header(member: Any, size: int) -> None:
    version = npy_format.read_magic(member)
    read = {
        (1, 0): npy_format.read_array_header_1_0,
        (2, 0): npy_format.read_array_header_2_0,
    }.get(version)
    if read is None:
        return
    shape, _, dtype = read(member)
    if not dtype.hasobject and math.prod(shape) * dtype.itemsize > size:
        raise ValueError(f"promises {shape} of {dtype}, more than it holds")


def _picked(values: NDArray[Any], rows: tuple[int, ...], where: str) -> NDArray[Any]:
    n = len(values) if values.ndim else 0
    for row in rows:
        if not 0 <= row < n:
            raise DataError(where, f"no row {row}", f"rows 0 to {n - 1}")
    return np.asarray(values[list(rows)])


def _check_finite(values: NDArray[Any], where: str) -> None:
    if values.dtype.kind != "f":
        return
    step = max(1, _BLOCK // values.shape[1])
    bad: list[int] = []
    for start in range(0, len(values), step):
        rows = ~np.isfinite(values[start : start + step]).all(axis=1)
        bad += (start + np.flatnonzero(rows)).tolist()
        if len(bad) > 5:
            break
    if bad:
        named = ", ".join(str(k) for k in bad[:5]) + (", ..." if len(bad) > 5 else "")
        raise DataError(where, f"NaN or infinite values in rows {named}", "finite numbers")
