"""``audit compare``: what changed between two audits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cpwl_milp.cli.arguments.options import json_option
from cpwl_milp.cli.output import print_json

if TYPE_CHECKING:
    from cpwl_milp.audit.compare import Comparison, Name


@click.command(name="compare")
@click.argument("first", metavar="A", type=click.Path(path_type=Path))
@click.argument("second", metavar="B", type=click.Path(path_type=Path))
@click.option("--fail-on-change", is_flag=True, help="End with exit code 4 if anything differs.")
@json_option
def command(first: Path, second: Path, fail_on_change: bool, as_json: bool) -> None:
    """Tell what changed from audit A to audit B.

    Rows are the same if model name, question, domain and data are. Compared are bytes, states,
    shapes, counts and bits; not times.

    \b
    Examples:
      cpwl-milp audit compare last-week today
      cpwl-milp audit compare tf2onnx torch --fail-on-change
    """
    from cpwl_milp.audit.compare import compared
    from cpwl_milp.audit.session import rows_of

    found = compared(rows_of(first)[1], rows_of(second)[1])
    if as_json:
        print_json(_answer(first, second, found))
    else:
        _show(found)
    if fail_on_change and not found.equal:
        click.get_current_context().exit(4)


def _answer(first: Path, second: Path, found: Comparison) -> dict[str, Any]:
    return {
        "schema": "cpwl-milp/audit-compare/1",
        "first": str(first),
        "second": str(second),
        "same": found.same,
        "changes": [
            {**_named(change.name), "fields": {k: list(v) for k, v in change.fields.items()}}
            for change in found.changes
        ],
        "only_first": [_named(name) for name in found.only_first],
        "only_second": [_named(name) for name in found.only_second],
    }


def _named(name: Name) -> dict[str, str]:
    return dict(zip(("model", "question", "domain", "data"), name, strict=True))


def _show(found: Comparison) -> None:
    from cpwl_milp.report.tables import show_table

    click.echo(
        f"{found.same} rows are the same, {len(found.changes)} changed, "
        f"{len(found.only_first)} only in A, {len(found.only_second)} only in B"
    )
    if found.changes:
        show_table(
            "changed",
            ("model", "question", "of", "field", "A", "B"),
            [
                (*_words(change.name), field, _short(one), _short(other))
                for change in found.changes
                for field, (one, other) in change.fields.items()
            ],
        )
    for title, names in (("only in A", found.only_first), ("only in B", found.only_second)):
        if names:
            show_table(title, ("model", "question", "of"), [_words(name) for name in names])


def _words(name: Name) -> tuple[str, str, str]:
    model, question, domain, data = name
    return model, question, domain or data


def _short(value: Any) -> str:
    text = "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else f"{text[:21]}..."
