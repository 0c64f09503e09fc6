"""Audits as tests run them."""

from __future__ import annotations

from pathlib import Path

from cpwl_milp.audit.identity import Keys, identified
from cpwl_milp.audit.jobs import Job, Limits
from cpwl_milp.audit.manifest.sources import from_files
from cpwl_milp.audit.plan import planned
from cpwl_milp.audit.progress import AuditSnapshot
from cpwl_milp.audit.run import Audit
from cpwl_milp.audit.runners import Here, Runners
from cpwl_milp.audit.session import How, begin, go_on
from cpwl_milp.storage.audit_rows import Asked, Result, Row
from cpwl_milp.storage.audit_store import AuditStore


class Silent:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Job, Result]] = []
        self.last: AuditSnapshot | None = None

    def ended(self, job: Job, result: Result) -> None:
        self.told.append((job, result))

    def update(self, snapshot: AuditSnapshot) -> None:
        self.last = snapshot

    def finish(self, snapshot: AuditSnapshot) -> None:
        self.last = snapshot


def stand_in(
    folder: Path,
    names: list[str],
    limits: Limits,
    workers: int = 2,
    runners: Runners | None = None,
) -> dict[str, Result]:
    """Run `tests.audit.misbehaving` on models of these names."""
    models = folder / "models"
    models.mkdir()
    for name in names:
        (models / f"{name}.onnx").write_bytes(name.encode())
    manifest = from_files([models], ("inspect",), None, None, {}, limits)
    jobs = planned(manifest)
    hashes = identified(job.model for job in jobs)
    keys = Keys(hashes)
    asked = [
        Asked(
            *(keys.of(job), job.label, job.model, hashes[job.model]),
            *(job.question, "", "", job.to_json()),
        )
        for job in jobs
    ]
    with AuditStore.create(folder, asked, {}) as store:
        runners = runners or Here(workers, "tests.audit.misbehaving")
        audit = Audit(folder, store, runners, Silent())
        assert audit.run("never")
        return {Path(row.asked.label).stem: row.result for row in store.rows()}


def rows(folder: Path) -> list[Row]:
    with AuditStore.read(folder) as store:
        return list(store.rows())


def essence(folder: Path) -> list[tuple[object, ...]]:
    """Rows without what differs from run to run: times and memory."""
    found: list[tuple[object, ...]] = []
    for row in rows(folder):
        answer = dict(row.result.answer or {})
        for name in ("seconds", "file", "run", "decisions"):
            answer.pop(name, None)
        asked = row.asked
        found.append(
            (
                *(asked.key, asked.label, asked.question, asked.domain, asked.data),
                *(row.result.state, row.result.reason, answer),
            )
        )
    return found


__all__ = ["How", "Silent", "begin", "essence", "go_on", "rows", "stand_in"]
