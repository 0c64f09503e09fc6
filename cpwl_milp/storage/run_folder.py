"""The run folder: what was asked, what was found, what is left; killed at any moment, resumable.

::

    RUN/run.json                    the question, the versions, how the run ended
    RUN/journal.jsonl               the steps: the truth while running
    RUN/regions/part-000001.parquet regions of one step
    RUN/thin/part-000001.parquet    thin patterns of one step
    RUN/certificate.gz              the proof of a complete list (see `certificates`)
    RUN/lock                        held by the one writer

A step's part files are on the disk before its journal line is, and count only once it is. So a
kill between the two leaves orphans, which the next writer removes, and the step is done again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.core.pattern import Packed
from cpwl_milp.core.region import RegionBatch
from cpwl_milp.storage.atomic import sync_folder, write_whole
from cpwl_milp.storage.description import Description
from cpwl_milp.storage.journal import JournalWriter, Step, read_journal
from cpwl_milp.storage.lock import FolderLock
from cpwl_milp.storage.places import (
    JOURNAL,
    LOCK,
    REGIONS,
    RUN,
    THIN,
    require_room,
    require_run,
    writing,
)
from cpwl_milp.storage.question import Layout, Question
from cpwl_milp.storage.rows import OutputMaps, part_metadata, region_batch, region_columns
from cpwl_milp.storage.tables import count_rows, read_batches, write_table


@dataclass(frozen=True)
class _Part:
    number: int
    n_regions: int
    n_thin: int


class RunFolder:
    """An enumeration on disk. Use `create`, `resume` or `read`, and as a context manager.

    Attributes
    ----------
    path : Path
    description : Description
        What `run.json` holds.
    n_regions, n_thin : int
        Rows listed so far.
    seconds : float
        Running time of all sessions so far.
    """

    def __init__(self, path: Path, description: Description, lock: FolderLock | None) -> None:
        self.path = path
        self.description = description
        self.n_regions = self.n_thin = 0
        self.seconds = 0.0
        self._lock = lock
        self._parts: list[_Part] = []
        self._end = 0
        for step, end in read_journal(path / JOURNAL):
            self._note(step)
            self._end = end
        self._journal = JournalWriter(path / JOURNAL, self._end) if lock is not None else None

    @classmethod
    def create(cls, path: Path, question: Question, versions: Mapping[str, str]) -> RunFolder:
        """Begin a run in a new or empty folder.

        Raises
        ------
        RunFolderError
            If the path is a file or holds a run or anything else, or cannot be written.
        """
        require_room(path)
        description = Description(question.seen_from(path), versions)
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
            lock = FolderLock(path / LOCK)
        with lock.kept_unless_failing(), writing(path):
            require_room(path)  # again, now that nobody else can begin here
            for name in (REGIONS, THIN):
                (path / name).mkdir(exist_ok=True)
            write_whole(path / JOURNAL, b"")
            # Last: a folder with a run.json is a whole run folder.
            description.write(path / RUN)
            sync_folder(path.parent)
            return cls(path, description, lock)

    @classmethod
    def resume(cls, path: Path, question: Question | None = None) -> RunFolder:
        """Take up a run: check that it is the same question, and clear away what a kill left.

        Parameters
        ----------
        path : Path
        question : Question, optional
            What is asked now; None takes the folder's own.

        Raises
        ------
        RunFolderError
            If there is no run, it is damaged, of another question, or written by another process.
        """
        require_run(path)
        with writing(path):
            lock = FolderLock(path / LOCK)
        with lock.kept_unless_failing(), writing(path):
            description = Description.read(path / RUN)
            if question is not None:
                description.question.require_same(question, path)
            run = cls(path, description, lock)
            run._check_parts()
            run._remove_orphans()
            if description.outcome is not None:
                run._describe(None)
            return run

    @classmethod
    def read(cls, path: Path) -> RunFolder:
        """Open a run for reading, also while another process writes it.

        Raises
        ------
        RunFolderError
            If there is no run or it is damaged.
        """
        require_run(path)
        return cls(path, Description.read(path / RUN), None)

    @property
    def question(self) -> Question:
        """What was asked."""
        return self.description.question

    @property
    def outcome(self) -> Mapping[str, Any] | None:
        """How the last session ended; None while running and after a kill."""
        return self.description.outcome

    @property
    def layout(self) -> Layout:
        """The shape of the rows."""
        return self.question.layout

    def append(
        self,
        step: Step,
        regions: Sequence[RegionBatch] = (),
        thin: Packed | None = None,
        maps: Sequence[OutputMaps] = (),
    ) -> None:
        """Make one step durable: its rows first, then its journal line.

        Parameters
        ----------
        step : Step
            Its `n_regions`, `n_thin` and `part` are filled in here.
        regions : sequence of RegionBatch
        thin : ndarray of uint8, optional
            Packed thin patterns.
        maps : sequence of OutputMaps
            One for each batch, iff the layout asks for them.

        Raises
        ------
        RunFolderError
            If the disk is full or the folder gone. The run can be resumed from the step before.
        """
        if self._journal is None:
            raise ValueError("the run is open for reading only, or failed to write before")
        journal, self._journal = self._journal, None
        n_regions = sum(len(batch) for batch in regions)
        n_thin = 0 if thin is None else len(thin)
        number = (self._parts[-1].number + 1 if self._parts else 1) if n_regions + n_thin else None
        step = replace(step, n_regions=n_regions, n_thin=n_thin, part=number)
        metadata = part_metadata(self.question)
        with writing(self.path):
            if n_regions and number is not None:
                columns = region_columns(self.layout, regions, maps)
                write_table(self._file(REGIONS, number), [columns], metadata)
            if thin is not None and n_thin and number is not None:
                write_table(self._file(THIN, number), [{"pattern": thin}], metadata)
            self._end = journal.append(step)
        self._note(step)
        # Only now: after a failed write nothing may follow the torn line.
        self._journal = journal

    def finish(self, outcome: Mapping[str, Any]) -> None:
        """Say in `run.json` how this session ended."""
        with writing(self.path):
            self._describe(outcome)

    def steps(self) -> Iterator[Step]:
        """The steps so far, read from the journal."""
        for step, end in read_journal(self.path / JOURNAL):
            if end > self._end:
                return  # another process wrote it after this one opened the folder
            yield step

    def columns(
        self, names: Sequence[str] | None = None, rows: int = 1 << 16
    ) -> Iterator[dict[str, Any]]:
        """The stored region columns as arrays, at most `rows` rows at a time."""
        for part in self._parts:
            if part.n_regions:
                yield from read_batches(self._file(REGIONS, part.number), rows, names)

    def batches(self, rows: int = 1 << 16) -> Iterator[RegionBatch]:
        """The regions listed so far, in the order listed, at most `rows` at a time."""
        for batch in self.columns(("pattern", "point", "inradius"), rows):
            yield region_batch(batch)

    def patterns(self, rows: int = 1 << 16) -> Iterator[Packed]:
        """The packed patterns alone, without reading the other columns."""
        for batch in self.columns(("pattern",), rows):
            yield batch["pattern"]

    def thin(self, rows: int = 1 << 16) -> Iterator[Packed]:
        """Thin patterns, packed; an engine may meet one more than once."""
        for part in self._parts:
            if part.n_thin:
                for batch in read_batches(self._file(THIN, part.number), rows):
                    yield batch["pattern"]

    def close(self) -> None:
        """Let go of the folder."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _file(self, folder: str, number: int) -> Path:
        return self.path / folder / f"part-{number:06d}.parquet"

    def _note(self, step: Step) -> None:
        self.n_regions += step.n_regions
        self.n_thin += step.n_thin
        self.seconds = step.seconds
        if step.part is not None:
            self._parts.append(_Part(step.part, step.n_regions, step.n_thin))

    def _check_parts(self) -> None:
        for part in self._parts:
            for folder, rows in ((REGIONS, part.n_regions), (THIN, part.n_thin)):
                file = self._file(folder, part.number)
                if rows and (found := count_rows(file)) != rows:
                    raise RunFolderError(
                        str(file), f"{found} rows", f"{rows}, as the journal says", "damaged"
                    )

    def _remove_orphans(self) -> None:
        known = {self._file(REGIONS, p.number) for p in self._parts if p.n_regions}
        known |= {self._file(THIN, p.number) for p in self._parts if p.n_thin}
        for home in (self.path / REGIONS, self.path / THIN):
            home.mkdir(exist_ok=True)
            for file in [*home.glob("part-*.parquet"), *home.glob(".part-*.tmp")]:
                if file not in known:
                    file.unlink()

    def _describe(self, outcome: Mapping[str, Any] | None) -> None:
        self.description = replace(self.description, outcome=outcome)
        self.description.write(self.path / RUN)
