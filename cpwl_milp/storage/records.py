"""Small tables of records with gaps (text and numbers) as CSV and as Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.storage.atomic import write_whole


def write_records_csv(
    path: Path, columns: Mapping[str, type], records: Sequence[Mapping[str, Any]]
) -> None:
    """Write records as CSV with a header; what is None is an empty field.

    A text that a spreadsheet would take for a formula is written behind an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for record in records:
        writer.writerow([_field(record[name]) for name in columns])
    _write(path, text.getvalue().encode("utf-8", "backslashreplace"))


def write_records_parquet(
    path: Path, columns: Mapping[str, type], records: Sequence[Mapping[str, Any]]
) -> None:
    """Write records as Parquet; what is None is null.

    Parameters
    ----------
    columns : mapping of str to type
        `str`, `int` (64 bits) or `float`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    arrays = []
    for name, kind in columns.items():
        values = [record[name] for record in records]
        if kind is str:
            values = [None if v is None else _encodable(v) for v in values]
        arrays.append(pa.array(values, type=kinds[kind]))
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(arrays, names=list(columns)), sink, compression="zstd")
    _write(path, sink.getvalue().to_pybytes())


def _field(value: Any) -> str:
    if value is None:
        return ""
    text = str(value)
    if isinstance(value, str) and text[:1] in "=+-@\t\r":
        return f"'{text}"
    return text


def _encodable(text: str) -> str:
    """File names may hold bytes that are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise RunFolderError(
            str(path), f"cannot be written: {error.strerror or error}", "room on the disk"
        ) from error
