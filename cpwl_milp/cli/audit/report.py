"""``audit report``: the report of an audit, anew or to another place."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="report")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output-file",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    help="Where to (default: DIR/report.html).",
)
def command(folder: Path, file: Path | None) -> None:
    """Write the report of an audit as one HTML file.

    The file needs no network and no other file. It can be written while the audit runs; rows that
    are not done say so.

    \b
    Examples:
      cpwl-milp audit report audit
      cpwl-milp audit report audit -o for-the-auditor.html
    """
    from cpwl_milp.audit.session import rows_of
    from cpwl_milp.cli.arguments.checks import require_place_for
    from cpwl_milp.cli.audit.writing import write_report

    if file is not None:
        require_place_for(file)
    about, rows = rows_of(folder)
    click.echo(f"written: {write_report(folder, about, rows, file)}")
