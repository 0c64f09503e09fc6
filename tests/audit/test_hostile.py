"""Malformed files: a row each, no crash of the audit, memory bounded."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from cpwl_milp.audit.jobs import Limits
from cpwl_milp.audit.manifest.sources import from_files
from cpwl_milp.storage.audit_rows import State
from tests.audit.audits import How, Silent, begin, rows
from tests.audit.mutants import write_mutants

# Of one job; importing what reads models takes 130 MB of it.
MEGABYTES = 700


def audit_mutants(folder: Path, number: int) -> None:
    write_mutants(folder / "models", number)
    limits = Limits(seconds=30.0, memory_mb=MEGABYTES)
    manifest = from_files([folder / "models"], ("inspect",), None, None, {}, limits)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert begin(folder / "audit", manifest, How(workers=min(2, os.cpu_count() or 1)), Silent())
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 200_000_000
    found = rows(folder / "audit")
    assert len(found) == number
    for row in found:
        result = row.result
        assert result.state is not State.WAITING
        assert result.state is State.COMPLETE or result.reason, row
        assert "internal error" not in result.reason, row
        assert result.state not in (State.CRASH, State.TIMEOUT), row
        assert result.peak_bytes < 1.2e6 * MEGABYTES
    assert any(row.result.state is State.ERROR for row in found)


def test_a_few_malformed_files(tmp_path: Path) -> None:
    audit_mutants(tmp_path, 8)


@pytest.mark.slow
def test_a_thousand_malformed_files(tmp_path: Path) -> None:
    audit_mutants(tmp_path, 1000)
