"""The page: Jinja fills the templates beside this file; nothing is fetched from anywhere."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from cpwl_milp.core.errors import RunFolderError
from cpwl_milp.report.audits.definitions import DEFINITIONS
from cpwl_milp.report.audits.view import report_view
from cpwl_milp.report.tables import bracket_text, count_text
from cpwl_milp.storage.atomic import write_whole
from cpwl_milp.storage.audit_rows import Row


def write_page(
    place: Path,
    about: Mapping[str, Any],
    rows: Sequence[Row],
    files: Mapping[str, Path],
    commands: Mapping[str, Sequence[str]],
) -> None:
    """Write the report as one self-contained HTML file.

    Parameters
    ----------
    place : Path
    about : mapping
        `title`, `source` and `versions` of the audit.
    rows : sequence of Row
    files : mapping of str to Path
        Where the files of a key lie, for pictures.
    commands : mapping of str to sequence of str
        The command line that answers a key.

    Raises
    ------
    RunFolderError
        If it cannot be written.
    """
    try:
        write_whole(place, page(about, rows, files, commands).encode("utf-8", "xmlcharrefreplace"))
    except OSError as error:
        raise RunFolderError(
            str(place), f"cannot be written: {error.strerror or error}", "a place for the report"
        ) from error


def page(
    about: Mapping[str, Any],
    rows: Sequence[Row],
    files: Mapping[str, Path],
    commands: Mapping[str, Sequence[str]],
) -> str:
    """The report as text."""
    # Names in models and error messages are anybody's: all text is escaped.
    environment = Environment(
        loader=PackageLoader("cpwl_milp.report.audits"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = count_text
    environment.filters["megabytes"] = lambda size: f"{size / 1e6:,.0f}"
    environment.filters["bits"] = lambda value: "-" if value is None else f"{value:.3f}"
    return environment.get_template("report.html").render(
        view=report_view(about, rows, files),
        definitions=DEFINITIONS,
        bracket=bracket_text,
        commands={key: shlex.join(["cpwl-milp", *words]) for key, words in commands.items()},
    )
