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
    place = place or folder / "report.html"
    return place
