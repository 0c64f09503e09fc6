"""``RUN/volumes.parquet``: the exact volume of every region, a fraction as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from cpwl_milp.core.pattern import Packed
from cpwl_milp.storage.places import VOLUMES
from cpwl_milp.storage.tables import Columns, read_batches, write_table

_ROWS = 1 << 14


def write_volumes(
    run: Path, patterns: Packed, volumes: Sequence[Fraction], of_domain: Fraction
) -> None:
    """Write a row a region: its packed pattern and its volume, such as ``7/12``.

    Raises
    ------
    RunFolderError
        If the file cannot be written.
    """

    def batches() -> Iterator[Columns]:
        for start in range(0, max(1, len(volumes)), _ROWS):
            some = volumes[start : start + _ROWS]
            yield {
                "pattern": patterns[start : start + _ROWS],
                "volume": np.array([str(volume) for volume in some], dtype=object),
            }

    write_table(run / VOLUMES, batches(), {"cpwl_milp.volume_of_domain": str(of_domain)})


def read_volumes(run: Path) -> dict[bytes, Fraction]:
    """The volume of every pattern.

    Raises
    ------
    RunFolderError
        If there is no such file, or it is damaged.
    """
    return {
        pattern.tobytes(): Fraction(text)
        for batch in read_batches(run / VOLUMES)
        for pattern, text in zip(batch["pattern"], batch["volume"].tolist(), strict=True)
    }
