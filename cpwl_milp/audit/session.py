"""What can be done with an audit: begin it, go on with it, see how far it is, sum it up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpwl_milp import __version__
from cpwl_milp.audit import warming
from cpwl_milp.audit.elsewhere import Elsewhere
from cpwl_milp.audit.folder import LOCK, require_room
from cpwl_milp.audit.identity import Keys, identified
from cpwl_milp.audit.jobs import Job
from cpwl_milp.audit.manifest.reading import Manifest
from cpwl_milp.audit.plan import planned
from cpwl_milp.audit.progress import AuditReporter
from cpwl_milp.audit.run import Audit
from cpwl_milp.audit.runners import Here
from cpwl_milp.audit.summary import write_summary
from cpwl_milp.cluster.connection import Cluster
from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.core.versions import versions
from cpwl_milp.storage.audit_rows import Asked, Row, State
from cpwl_milp.storage.audit_store import AuditStore
from cpwl_milp.storage.lock import FolderLock

_WARMED = "warmed"
"""The version whose engines were compiled when this audit began."""


@dataclass(frozen=True)
class How:
    """How a session runs.

    Attributes
    ----------
    workers : int
        Processes at a time, on this machine.
    policy : str
        Which results are asked for again.
    cluster : Cluster or None
        Run them there instead.
    """

    workers: int = 1
    policy: str = "never"
    cluster: Cluster | None = None


def begin(folder: Path, manifest: Manifest, how: How, reporter: AuditReporter) -> bool:
    """Begin an audit in a new folder; False if it was interrupted.

    Raises
    ------
    RunFolderError
        If the folder holds an audit or other files.
    """
    AuditStore.require_none(folder)
    require_room(folder)
    with _locked(folder):
        asked = _keyed(planned(manifest))
        with AuditStore.create(folder, asked, _about(manifest)) as store:
            return _run(folder, store, how, reporter)


def go_on(folder: Path, manifest: Manifest | None, how: How, reporter: AuditReporter) -> bool:
    """Go on with an audit, as it was asked or as `manifest` asks now; results are kept.

    Models are read anew: what changed since has another key, and is asked again.

    Raises
    ------
    RunFolderError
        If there is no audit, or another process is at it.
    """
    with AuditStore.read(folder):
        pass
    with _locked(folder), AuditStore.write(folder) as store:
        if manifest is None:
            jobs = [Job.from_json(asked.job) for asked in store.jobs()]
            store.plan(_keyed(jobs), {})
        else:
            store.plan(_keyed(planned(manifest)), _about(manifest))
        return _run(folder, store, how, reporter)


def rows_of(folder: Path) -> tuple[dict[str, Any], list[Row]]:
    """What an audit is about, and its rows now.

    Raises
    ------
    RunFolderError
        If there is none.
    """
    with AuditStore.read(folder) as store:
        return store.about(), list(store.rows())


def running_in(folder: Path) -> dict[str, tuple[str, str]]:
    """What runs now, by key: since when, and what it said last; empty if nobody is at it."""
    try:
        FolderLock(folder / LOCK).release()
    except RunFolderError:
        with AuditStore.read(folder) as store:
            return store.running()
    return {}


def tally(rows: list[Row]) -> Counter[State]:
    """How many rows are in each state."""
    return Counter(row.result.state for row in rows)


def _run(folder: Path, store: AuditStore, how: How, reporter: AuditReporter) -> bool:
    jobs = [Job.from_json(asked.job) for asked in store.jobs()]
    if how.cluster is not None:
        with closing(Elsewhere(how.cluster, folder)) as runners:
            finished = Audit(folder, store, runners, reporter).run(how.policy)
    else:
        if warming.needed(jobs) and store.about().get(_WARMED) != __version__:
            warming.warm()
            store.remember(_WARMED, __version__)
        finished = Audit(folder, store, Here(how.workers), reporter).run(how.policy)
    write_summary(folder, store.rows())
    return finished


def _about(manifest: Manifest) -> dict[str, Any]:
    return {"title": manifest.title, "source": manifest.source, "versions": versions()}


def _keyed(jobs: list[Job]) -> list[Asked]:
    """The jobs with the keys of their content as it is now."""
    hashes = identified(job.model for job in jobs)
    keys = Keys(hashes)
    return [
        Asked(
            key=keys.of(job),
            label=job.label,
            path=job.model,
            sha256=hashes[job.model],
            question=job.question,
            domain=job.domain,
            data=job.data,
            job=job.to_json(),
        )
        for job in jobs
    ]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FolderLock(folder / LOCK)
    try:
        yield
    finally:
        lock.release()
