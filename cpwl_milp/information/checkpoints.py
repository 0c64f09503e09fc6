"""Checkpoints of one training: their order, and the epochs they were written at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from cpwl_milp.core.errors import DataError, InputError

_DIGITS = re.compile(r"(\d+)")
_EPOCH = re.compile(r"epoch[^0-9]{0,2}(\d+)", re.IGNORECASE)


def expanded(paths: Sequence[Path]) -> list[Path]:
    """Files as given and the ``.onnx`` files of folders, in natural order of their names.

    Raises
    ------
    InputError
        If a folder holds none, or a file is named twice.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = list(path.glob("*.onnx"))
            if not inside:
                raise InputError(str(path), "no .onnx file in it", "a folder of checkpoints")
            found += inside
        else:
            found.append(path)
    if len({path.resolve() for path in found}) < len(found):
        raise InputError("checkpoints", "a file is named twice", "each checkpoint once")
    return sorted(found, key=natural_key)


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Orders epoch_9 before epoch_10: runs of digits compare as numbers."""
    parts = _DIGITS.split(str(path))
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part)


def epochs_from_names(paths: Sequence[Path]) -> tuple[int, ...] | None:
    """The number behind "epoch" in each name, else the last number of each; None if some have none.

    Numbers that are the same in all names tell nothing, unless there is one name only.
    """
    found = []
    for path in paths:
        named = _EPOCH.search(path.stem)
        numbers = _DIGITS.findall(path.stem)
        if named:
            found.append(int(named[1]))
        elif numbers:
            found.append(int(numbers[-1]))
        else:
            return None
    if len(set(found)) < len(found):
        return None
    return tuple(found)


def epochs_from_table(
    paths: Sequence[Path], rows: Sequence[Sequence[str]], where: str
) -> tuple[int, ...]:
    """The epoch of each file from rows of (name of the file, epoch).

    Raises
    ------
    DataError
        If a file has no row, or an epoch is no whole number.
    """
    table: dict[str, str] = {}
    for row in rows:
        if len(row) < 2:
            raise DataError(where, f"a row of {len(row)} field", "file name, epoch")
        table[row[0].strip()] = row[1].strip()
    found = []
    for path in paths:
        text = table.get(path.name, table.get(path.stem, table.get(str(path))))
        if text is None:
            raise DataError(where, f"no row for {path.name}", "a row for each checkpoint")
        try:
            found.append(int(float(text)))
        except ValueError:
            raise DataError(where, f"epoch {text!r} of {path.name}", "a whole number") from None
    return tuple(found)
