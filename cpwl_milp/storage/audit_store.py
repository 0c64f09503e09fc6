"""The one SQLite file of an audit: jobs, and results by the content of the question.

A transaction a job, write-ahead logging: a kill at any moment leaves whole rows, and `audit status`
reads while the audit writes. (SQLite's write-ahead log needs a local disk, not a network share.)
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.storage.audit_rows import Asked, Result, Row, State

FILE = "audit.sqlite"
SCHEMA_VERSION = 1
# "cpwl" in ASCII: tells `file` and us what kind of database this is.
_APPLICATION = 0x6370776C
_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE jobs (
    position INTEGER PRIMARY KEY, key TEXT NOT NULL, label TEXT NOT NULL, path TEXT NOT NULL,
    sha256 TEXT NOT NULL, question TEXT NOT NULL, domain TEXT NOT NULL, data TEXT NOT NULL,
    job TEXT NOT NULL
) STRICT;
CREATE TABLE results (
    key TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL, answer TEXT,
    notes TEXT NOT NULL, seconds REAL NOT NULL, cpu_seconds REAL NOT NULL,
    peak_bytes INTEGER NOT NULL, exit_code INTEGER, ended TEXT NOT NULL, version TEXT NOT NULL,
    limits TEXT NOT NULL
) STRICT;
CREATE TABLE running (key TEXT PRIMARY KEY, began TEXT NOT NULL, said TEXT NOT NULL) STRICT;
"""


class AuditStore:
    """The audit's file, open. Use it in a `with` block; make it by `create`, `write` or `read`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, *, writes: bool) -> None:
        self._path = path
        self._writes = writes
        self._connection = connection

    @staticmethod
    def create(folder: Path, asked: Iterable[Asked], about: Mapping[str, Any]) -> AuditStore:
        """Begin an audit in a folder that has none; after a kill it has begun, or has not.

        Raises
        ------
        RunFolderError
            If it holds one, or cannot be written.
        """
        path = folder / FILE
        AuditStore.require_none(folder)
        with _speaking_of(path):
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            store = AuditStore(path, connection, writes=True)
            with store._transaction():
                for statement in _TABLES.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                store._write_plan(asked, about)
            return store

    @staticmethod
    def require_none(folder: Path) -> None:
        """Stop if an audit was begun there.

        Raises
        ------
        RunFolderError
        """
        if AuditStore.exists(folder):
            raise RunFolderError(
                str(folder),
                "already holds an audit",
                hint="go on with --resume, or name another folder",
            )

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether an audit was begun there; one killed before its tables stood was not."""
        path = folder / FILE
        if not path.is_file():
            return False
        with _speaking_of(path):
            connection = sqlite3.connect(path)
            try:
                return int(connection.execute("PRAGMA user_version").fetchone()[0]) > 0
            finally:
                connection.close()

    @staticmethod
    def write(folder: Path) -> AuditStore:
        """Open an audit to go on with it.

        Raises
        ------
        RunFolderError
            If there is none, or one of another version.
        """
        return AuditStore._opened(folder, "rw")

    @staticmethod
    def read(folder: Path) -> AuditStore:
        """Open an audit for reading, also while another process writes.

        Raises
        ------
        RunFolderError
            If there is none, or one of another version.
        """
        return AuditStore._opened(folder, "ro")

    @staticmethod
    def _opened(folder: Path, mode: str) -> AuditStore:
        path = folder / FILE
        if not path.is_file():
            raise RunFolderError(
                str(folder), f"no audit: it has no {FILE}", "the folder of `audit run -o`"
            )
        with _speaking_of(path):
            place = path.absolute().as_uri()
            connection = sqlite3.connect(f"{place}?mode={mode}", uri=True, isolation_level=None)
            try:
                application = connection.execute("PRAGMA application_id").fetchone()[0]
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if (application, version) != (_APPLICATION, SCHEMA_VERSION):
                    raise RunFolderError(
                        str(path),
                        f"schema {version}" if application == _APPLICATION else "another database",
                        f"schema {SCHEMA_VERSION} of an audit",
                        "written by another version of cpwl-milp, or not begun",
                    )
                if mode == "rw":
                    connection.execute("PRAGMA journal_mode = WAL")
            except BaseException:
                connection.close()
                raise
        return AuditStore(path, connection, writes=mode == "rw")

    def __enter__(self) -> AuditStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Without its log the file is one again, which also a folder without write access serves.
        # Not possible while another process reads: then the next writer does it.
        if self._writes:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()

    def plan(self, asked: Iterable[Asked], about: Mapping[str, Any]) -> None:
        """Set what is asked, in place of what was; results stay."""
        with self._transaction():
            self._write_plan(asked, about)

    def _write_plan(self, asked: Iterable[Asked], about: Mapping[str, Any]) -> None:
        self._connection.execute("DELETE FROM jobs")
        self._connection.executemany(
            "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    *(place, one.key, one.label, one.path, one.sha256),
                    *(one.question, one.domain, one.data, json.dumps(dict(one.job))),
                )
                for place, one in enumerate(asked)
            ),
        )
        self._connection.executemany(
            "INSERT OR REPLACE INTO about VALUES (?, ?)",
            ((name, json.dumps(value)) for name, value in about.items()),
        )

    def remember(self, name: str, value: Any) -> None:
        """Add to what the audit is about."""
        with self._transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO about VALUES (?, ?)", (name, json.dumps(value))
            )

    def about(self) -> dict[str, Any]:
        """What `plan` was told."""
        with _speaking_of(self._path):
            found = self._connection.execute("SELECT name, value FROM about")
            return {name: json.loads(value) for name, value in found}

    def record(self, result: Result) -> None:
        """Keep a result, in place of an earlier one of the same key."""
        with self._transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(result.key, result.state.value, result.reason),
                    None if result.answer is None else json.dumps(dict(result.answer)),
                    json.dumps(result.notes),
                    *(result.seconds, result.cpu_seconds, result.peak_bytes, result.exit_code),
                    *(result.ended, result.version, json.dumps(dict(result.limits or {}))),
                ),
            )
            self._connection.execute("DELETE FROM running WHERE key = ?", (result.key,))

    def note_running(self, now: Mapping[str, tuple[str, str]]) -> None:
        """Say what runs: key to when it began and what it said last."""
        with self._transaction():
            self._connection.execute("DELETE FROM running")
            self._connection.executemany(
                "INSERT INTO running VALUES (?, ?, ?)",
                ((key, began, said) for key, (began, said) in now.items()),
            )

    def running(self) -> dict[str, tuple[str, str]]:
        """What `note_running` said last."""
        with _speaking_of(self._path):
            found = self._connection.execute("SELECT key, began, said FROM running")
            return {key: (began, said) for key, began, said in found}

    def states(self) -> dict[str, State]:
        """The state of each key that has a result."""
        with _speaking_of(self._path):
            found = self._connection.execute("SELECT key, state FROM results")
            return {key: State(state) for key, state in found}

    def result(self, key: str) -> Result | None:
        """The result of a key, if there is one."""
        with _speaking_of(self._path):
            found = self._connection.execute(
                f"SELECT {_RESULT} FROM results WHERE key = ?", (key,)
            ).fetchone()
        return None if found is None else _result(found)

    def jobs(self) -> list[Asked]:
        """What is asked, in order."""
        return [row.asked for row in self.rows()]

    def rows(self) -> Iterator[Row]:
        """Every job in order, with its result."""
        with _speaking_of(self._path):
            found = self._connection.execute(
                "SELECT jobs.key, label, path, sha256, question, domain, data, job, "
                f"{_RESULT.replace('key', 'results.key')} FROM jobs "
                "LEFT JOIN results ON results.key = jobs.key ORDER BY position"
            )
            for values in found:
                asked = _asked(values[:8])
                waiting = Result(asked.key, State.WAITING)
                yield Row(asked, waiting if values[8] is None else _result(values[8:]))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _speaking_of(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


_RESULT = (
    "key, state, reason, answer, notes, seconds, cpu_seconds, peak_bytes, exit_code, ended, "
    "version, limits"
)


def _asked(values: Sequence[Any]) -> Asked:
    key, label, path, sha256, question, domain, data, job = values
    return Asked(key, label, path, sha256, question, domain, data, json.loads(job))


def _result(values: Sequence[Any]) -> Result:
    key, state, reason, answer, notes, seconds, cpu, peak, code, ended, version, limits = values
    return Result(
        key=key,
        state=State(state),
        reason=reason,
        answer=None if answer is None else json.loads(answer),
        notes=tuple(json.loads(notes)),
        seconds=seconds,
        cpu_seconds=cpu,
        peak_bytes=peak,
        exit_code=code,
        ended=ended,
        version=version,
        limits=json.loads(limits),
    )


@contextmanager
def _speaking_of(path: Path) -> Iterator[None]:
    """Turn what SQLite says into an error that names the file."""
    try:
        yield
    except (sqlite3.Error, ValueError) as error:
        raise RunFolderError(
            str(path),
            f"cannot be used: {error}",
            "a sound SQLite file on a local disk with room left",
            "what was recorded before is kept; go on with --resume",
        ) from error
