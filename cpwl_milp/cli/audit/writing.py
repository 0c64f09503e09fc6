"""The report of an audit, written beside its results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cpwl_milp.storage.audit_rows import Row


def write_report(
    folder: Path, about: dict[str, Any], rows: list[Row], place: Path | None = None
) -> Path:
    """Write the HTML file; where it is."""
    from cpwl_milp.audit.folder import REPORT, files_of
    from cpwl_milp.audit.jobs import Job
    from cpwl_milp.report.audits.page import write_page

    place = place or folder / REPORT
    files = {row.asked.key: files_of(folder, row.asked.key) for row in rows}
    # As someone else would type them: what is written goes to where they stand.
    commands = {row.asked.key: Job.from_json(row.asked.job).command(Path()) for row in rows}
    write_page(place, about, rows, files, commands)
    return place
