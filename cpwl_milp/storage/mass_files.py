"""Sample masses beside a run's regions: ``RUN/mass/*.parquet``.

::

    mass/1-own.parquet      own patterns of layer 1, 2, ...
    mass/1-prefix.parquet   patterns of layers 1..l, before the last layer
    mass/regions.parquet    every listed region, those without samples included

Each has the columns `pattern` (packed bits, fixed-size binary), `count` (int64) and `mass`
(share of all samples), and says in its metadata what the samples were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.core.pattern import Packed
from cpwl_milp.storage.tables import read_batches, write_table

_COLUMNS = ("pattern", "count", "mass")


def own_file(run: Path, layer: int) -> Path:
    """The file of the own patterns of `layer`, counted from 1."""
    return run / "mass" / f"{layer}-own.parquet"


def prefix_file(run: Path, layer: int) -> Path:
    """The file of the patterns of layers 1 to `layer`."""
    return run / "mass" / f"{layer}-prefix.parquet"


def regions_file(run: Path) -> Path:
    """The file of the listed regions."""
    return run / "mass" / "regions.parquet"


def write_masses(
    path: Path,
    batches: Iterable[tuple[Packed, NDArray[np.int64], NDArray[np.float64]]],
    metadata: Mapping[str, str],
) -> int:
    """Write batches of (patterns, counts, mass); the file appears whole or not at all.

    Parameters
    ----------
    path : Path
        One of the names above; its folder is made where it is missing.
    batches : iterable of (uint8 (n, bytes), int64 (n,), float64 (n,))
        At least one, be it of no rows. Read once, so it may compute as it goes.
    metadata : mapping of str to str
        E.g. the number of samples, the sha256 of the data, units of a pattern.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    RunFolderError
        If the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(
            str(path.parent), f"cannot be made: {error.strerror or error}"
        ) from error
    return write_table(path, (dict(zip(_COLUMNS, b, strict=True)) for b in batches), metadata)


def read_masses(path: Path) -> Iterator[dict[str, NDArray[Any]]]:
    """The columns `pattern`, `count` and `mass`, in batches.

    Raises
    ------
    RunFolderError
        If the file is missing or damaged.
    """
    return read_batches(path, columns=_COLUMNS)
