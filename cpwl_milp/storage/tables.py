"""Parquet files of numpy columns, written whole or not at all, read in batches.

A two-dimensional column of uint8 is stored as fixed-size binary (packed patterns), any other
two-dimensional column as fixed-size lists, so that pandas, polars and DuckDB read all of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.storage.atomic import move_into_place, temporary

Columns: TypeAlias = Mapping[str, NDArray[Any]]


def write_table(path: Path, batches: Iterable[Columns], metadata: Mapping[str, str]) -> int:
    """Write batches of columns as the row groups of one file.

    Parameters
    ----------
    path : Path
        Takes its name only when the file is whole and on the disk.
    batches : iterable of mappings from column name to array
        At least one, all of the same columns, types and row sizes.
    metadata : mapping
        Goes into the file's key-value metadata.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    RunFolderError
        If the file cannot be written (disk full, no permission).
    """
    half = temporary(path)
    try:
        with half.open("wb") as file:
            rows = _write_rows(file, batches, metadata)
            file.flush()
            os.fsync(file.fileno())
        move_into_place(half, path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise RunFolderError(
            str(path), f"cannot be written: {error.strerror or error}", hint="free space, resume"
        ) from error
    except BaseException:
        # The source of the batches failed.
        half.unlink(missing_ok=True)
        raise
    return rows


def _write_rows(file: Any, batches: Iterable[Columns], metadata: Mapping[str, str]) -> int:
    rows = 0
    writer: Any = None
    try:
        for batch in batches:
            arrays = {name: _to_arrow(values) for name, values in batch.items()}
            if writer is None:
                schema = pa.schema(
                    [pa.field(name, a.type, nullable=False) for name, a in arrays.items()],
                    metadata=dict(metadata),
                )
                writer = pq.ParquetWriter(
                    file, schema, compression="zstd", compression_level=1, use_dictionary=False
                )
            table = pa.Table.from_arrays(list(arrays.values()), schema=schema)
            writer.write_table(table, row_group_size=max(1, len(table)))
            rows += len(table)
        if writer is None:
            raise ValueError("a table needs at least one batch, be it of no rows")
    finally:
        # Also after a failure: else pyarrow closes it later, on a closed file, and complains.
        if writer is not None:
            writer.close()
    return rows


def read_batches(
    path: Path, rows: int = 1 << 16, columns: Sequence[str] | None = None
) -> Iterator[dict[str, NDArray[Any]]]:
    """Columns of at most `rows` rows at a time, in the order of the file.

    Raises
    ------
    RunFolderError
        If the file is missing, damaged or lacks a column.
    """
    with _opened(path) as file:
        names = list(columns) if columns is not None else file.schema_arrow.names
        missing = [name for name in names if name not in file.schema_arrow.names]
        if missing:
            raise RunFolderError(
                str(path),
                f"has no column {missing[0]!r}",
                f"one of {', '.join(file.schema_arrow.names)}",
            )
        source = file.iter_batches(batch_size=rows, columns=names, use_threads=False)
        while True:
            try:
                batch = next(source, None)
            except (OSError, pa.ArrowException) as error:
                raise RunFolderError(str(path), f"damaged: {error}") from error
            if batch is None:
                return
            yield {name: _to_numpy(batch.column(name)) for name in names}


def count_rows(path: Path) -> int:
    """Number of rows, from the footer alone.

    Raises
    ------
    RunFolderError
        If the file is missing or damaged.
    """
    with _opened(path) as file:
        return int(file.metadata.num_rows)


def read_metadata(path: Path) -> dict[str, str]:
    """The key-value metadata that `write_table` was given."""
    with _opened(path) as file:
        found = file.schema_arrow.metadata or {}
        return {key.decode(): value.decode() for key, value in found.items()}


def _opened(path: Path) -> Any:
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError as error:
        raise RunFolderError(str(path), "missing", "a file that the journal names") from error
    except (OSError, pa.ArrowException) as error:
        raise RunFolderError(str(path), f"not a readable Parquet file: {error}") from error


def _to_arrow(values: NDArray[Any]) -> Any:
    values = np.ascontiguousarray(values)
    if values.ndim == 1:
        return pa.array(values)
    size = values.shape[1]
    if values.dtype == np.uint8:
        return pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(size), len(values), [None, pa.py_buffer(values)]
        )
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), size)


def _to_numpy(column: Any) -> NDArray[Any]:
    if pa.types.is_fixed_size_binary(column.type):
        width = column.type.byte_width
        flat = np.frombuffer(column.buffers()[1], dtype=np.uint8)
        begin = column.offset * width
        return flat[begin : begin + len(column) * width].reshape(len(column), width)
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        return np.asarray(column.flatten().to_numpy()).reshape(len(column), size)
    return np.asarray(column.to_numpy(zero_copy_only=False))
