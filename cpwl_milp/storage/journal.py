"""The journal: one JSON line a step, appended and synced; a torn last line is ignored.

A step replaces the cubes it took by what is left of them, and adds its counts. Replaying all
steps from the roots gives the state of the run, so a line never repeats the open cubes that it
did not touch, and the journal stays small.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cpwl_milp.core.cube import Cube
from cpwl_milp.core.errors import RunFolderError


@dataclass(frozen=True)
class Step:
    """What one line says.

    Attributes
    ----------
    taken : tuple of Cube
        Cubes that were left before and are replaced.
    open, parked : tuple of Cube
        What is left of them.
    unresolved : tuple of (str, tuple of Cube)
        What the engine cannot close, by reason.
    n_regions, n_thin : int
        Rows of this step's part files.
    prefix_counts : tuple of int
        Cells of each prefix 1..l, to be added up.
    decisions : dict of str to int
        Counters, to be added up.
    seconds : float
        Running time of all sessions up to this step.
    part : int or None
        The number of the part files; None when the step lists nothing.
    """

    taken: tuple[Cube, ...]
    open: tuple[Cube, ...] = ()
    parked: tuple[Cube, ...] = ()
    unresolved: tuple[tuple[str, tuple[Cube, ...]], ...] = ()
    n_regions: int = 0
    n_thin: int = 0
    prefix_counts: tuple[int, ...] = ()
    decisions: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    part: int | None = None

    def encoded(self) -> bytes:
        """The line, with its end."""
        data: dict[str, Any] = {"taken": encode_cubes(self.taken)}
        if self.open:
            data["open"] = encode_cubes(self.open)
        if self.parked:
            data["parked"] = encode_cubes(self.parked)
        if self.unresolved:
            data["unresolved"] = [[why, encode_cubes(cubes)] for why, cubes in self.unresolved]
        data["regions"] = self.n_regions
        if self.n_thin:
            data["thin"] = self.n_thin
        data["prefix"] = list(self.prefix_counts)
        if self.decisions:
            data["decisions"] = self.decisions
        data["seconds"] = round(self.seconds, 3)
        if self.part is not None:
            data["part"] = self.part
        return json.dumps(data, separators=(",", ":")).encode() + b"\n"

    @staticmethod
    def decoded(line: bytes) -> Step:
        """The inverse of `encoded`; KeyError, TypeError or ValueError if it is no step."""
        data = json.loads(line)
        part = data.get("part")
        return Step(
            taken=decode_cubes(data["taken"]),
            open=decode_cubes(data.get("open", [])),
            parked=decode_cubes(data.get("parked", [])),
            unresolved=tuple(
                (str(why), decode_cubes(cubes)) for why, cubes in data.get("unresolved", [])
            ),
            n_regions=int(data["regions"]),
            n_thin=int(data.get("thin", 0)),
            prefix_counts=tuple(int(k) for k in data["prefix"]),
            decisions={str(k): int(v) for k, v in data.get("decisions", {}).items()},
            seconds=float(data["seconds"]),
            part=None if part is None else int(part),
        )


def encode_cubes(cubes: Sequence[Cube]) -> list[list[int]]:
    """Cubes front-coded: [counted layers, literals shared with the cube before, the rest ...].

    The cubes of a depth-first stack share nearly all of their literals.
    """
    rows = []
    before: tuple[int, ...] = ()
    for cube in cubes:
        shared = 0
        for a, b in zip(before, cube.literals, strict=False):
            if a != b:
                break
            shared += 1
        rows.append([cube.counted_layers, shared, *cube.literals[shared:]])
        before = cube.literals
    return rows


def decode_cubes(rows: Sequence[Sequence[int]]) -> tuple[Cube, ...]:
    """The inverse of `encode_cubes`; ValueError or TypeError if the rows do not fit."""
    cubes = []
    before: tuple[int, ...] = ()
    for row in rows:
        counted, shared = int(row[0]), int(row[1])
        if not 0 <= shared <= len(before):
            raise ValueError("a cube shares more literals than the one before it has")
        before = (*before[:shared], *(int(k) for k in row[2:]))
        cubes.append(Cube(before, counted))
    return tuple(cubes)


def read_journal(path: Path) -> Iterator[tuple[Step, int]]:
    """Each whole step, and where its line ends in the file.

    Raises
    ------
    RunFolderError
        If the journal is missing, or a line before the last is no step.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise RunFolderError(
            str(path), "missing", "the journal of the run", "the folder is damaged"
        ) from error
    with file:
        end = 0
        failed: tuple[int, Exception] | None = None
        for number, line in enumerate(file, start=1):
            if failed is not None:
                # Lines follow it, so it is not the torn last one.
                raise RunFolderError(
                    f"{path}:{failed[0]}", f"not a step ({failed[1]})", hint="damaged"
                ) from failed[1]
            if not line.endswith(b"\n"):
                return
            try:
                step = Step.decoded(line)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
                failed = (number, error)
                continue
            end += len(line)
            yield step, end


class JournalWriter:
    """Appends steps durably.

    Parameters
    ----------
    path : Path
    end : int
        Where the whole lines end; anything behind is a torn line and is cut off.
    """

    def __init__(self, path: Path, end: int) -> None:
        # Unbuffered: after a failed write nothing may reach the file later.
        self._file = path.open("r+b", buffering=0)
        self._file.truncate(end)
        self._file.seek(end)
        os.fsync(self._file.fileno())

    def append(self, step: Step) -> int:
        """Write one step; when this returns, it is on the disk. Returns where its line ends."""
        rest = memoryview(step.encoded())
        while rest:
            rest = rest[self._file.write(rest) :]
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
