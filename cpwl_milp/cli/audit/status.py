"""``audit status``: how far an audit is, while it runs or after."""

from __future__ import annotations

from pathlib import Path

import click

from cpwl_milp.cli.arguments.options import json_option
from cpwl_milp.cli.audit.answer import answer_of, show
from cpwl_milp.cli.output import print_json


@click.command(name="status")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@json_option
def command(folder: Path, as_json: bool) -> None:
    """Tell how far an audit is, and what failed so far.

    Works while the audit runs. Exit code 3 as long as rows are not done.

    \b
    Examples:
      cpwl-milp audit status audit
      cpwl-milp audit status audit --json
    """
    from cpwl_milp.audit.session import rows_of, running_in

    about, rows = rows_of(folder)
    answer = answer_of(folder, about, rows, running_in(folder))
    if as_json:
        print_json(answer)
    else:
        show(answer)
    if answer["done"] < answer["total"]:
        click.get_current_context().exit(3)
