"""CSV files: read for numbers, or for words where labels are asked for; written from columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.errors import DataError
from cpwl_milp.storage.atomic import write_whole


def read_csv(path: Path, *, text: bool = False) -> NDArray[Any]:
    """Read a table, with or without a header line.

    Fields are parted by comma, semicolon or tab, whichever the first line holds. The first line
    is a header if it has a field that is no number while the next line has only numbers.

    Parameters
    ----------
    path : Path
    text : bool
        Return strings where fields are no numbers, instead of refusing them. A first line that
        names a single column "label", "labels", "class", "target" or "y" is then a header.

    Returns
    -------
    ndarray, shape (rows, columns)
        float64, or str.

    Raises
    ------
    DataError
        If it holds no rows, is ragged, or has a field that is no number; names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lead = [line for _, line in zip(range(2), _filled(file), strict=False)]
        if not lead:
            raise DataError(str(path), "no rows", "at least one")
        delimiter = next((d for d in ",;\t" if d in lead[0]), ",")
        header = _is_header(lead, delimiter, text)
        if header and len(lead) < 2:
            raise DataError(str(path), "a header and no rows", "at least one row")
        try:
            values = np.loadtxt(
                path,
                delimiter=delimiter,
                skiprows=_lines_to_skip(path) if header else 0,
                ndmin=2,
                encoding="utf-8-sig",
                quotechar='"',
                comments=None,
            )
        except ValueError:
            # Read again, slowly, to name the line, or to take the words.
            return _words(path, delimiter, header, text)
    except UnicodeDecodeError as error:
        raise DataError(str(path), "not UTF-8 text", "a .csv file of numbers") from error
    return values


def _filled(lines: Any) -> Iterator[str]:
    return (line for line in lines if line.strip())


def _fields(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _is_header(lead: list[str], delimiter: str, text: bool) -> bool:
    first = _fields(lead[0].strip(), delimiter)
    if all(_is_number(field) for field in first):
        return False
    if text and len(first) == 1 and first[0].strip().lower() in _LABEL_HEADERS:
        return True
    # Of words, none can tell a header from a row.
    if len(lead) < 2:
        return not text
    return all(_is_number(field) for field in _fields(lead[1].strip(), delimiter))


_LABEL_HEADERS = ("label", "labels", "class", "target", "y")


def _lines_to_skip(path: Path) -> int:
    """Lines up to and with the first that is not blank."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                return number
    return 0


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _words(path: Path, delimiter: str, header: bool, text: bool) -> NDArray[Any]:
    rows: list[list[str]] = []
    width = 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        try:
            for fields in reader:
                if not any(field.strip() for field in fields):
                    continue
                where = f"{path}:{reader.line_num}"
                if header:
                    header = False
                    width = len(fields)
                    continue
                width = width or len(fields)
                if len(fields) != width:
                    raise DataError(
                        where, f"{len(fields)} fields", f"{width}, as in the lines before"
                    )
                rows.append([field.strip() for field in fields])
                bad = next((f for f in rows[-1] if not text and not _is_number(f)), None)
                if bad is not None:
                    raise DataError(where, f"{bad[:40]!r}", "a number")
        except csv.Error as error:
            raise DataError(f"{path}:{reader.line_num}", str(error), "a .csv file") from error
    if not rows:
        raise DataError(str(path), "no rows", "at least one row")
    return np.array(rows) if text else np.array(rows, dtype=np.float64)


def write_csv(path: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    """Write columns of one length, with a header; rows of bytes in hexadecimal.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    texts = [
        [row.tobytes().hex() for row in column] if column.ndim == 2 else column.tolist()
        for column in columns.values()
    ]
    writer.writerows(zip(*texts, strict=True))
    write_whole(path, text.getvalue().encode())
