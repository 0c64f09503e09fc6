"""What ``audit run`` and ``audit status`` answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cpwl_milp.storage.audit_rows import Row


def answer_of(
    folder: Path, about: dict[str, Any], rows: list[Row], running: dict[str, tuple[str, str]]
) -> dict[str, Any]:
    """The answer as JSON; rows without the answers of their commands."""
    from cpwl_milp.audit.folder import files_of
    from cpwl_milp.audit.session import tally
    from cpwl_milp.audit.summary import flat
    from cpwl_milp.storage.audit_rows import State

    states = tally(rows)
    return {
        "schema": "cpwl-milp/audit/1",
        "audit": str(folder),
        "title": about["title"],
        "source": about["source"],
        "models": len({row.asked.label for row in rows}),
        "done": len(rows) - states[State.WAITING],
        "total": len(rows),
        "states": {state.value: states[state] for state in State if states[state]},
        "running": [
            {
                "model": row.asked.label,
                "question": row.asked.question,
                "began": running[row.asked.key][0],
                "said": running[row.asked.key][1],
            }
            for row in rows
            if row.asked.key in running
        ],
        "rows": [{**flat(row), "files": str(files_of(folder, row.asked.key))} for row in rows],
        "versions": about["versions"],
    }


def show(answer: dict[str, Any]) -> None:
    """Print the states, and what failed."""
    from cpwl_milp.report.tables import show_table

    states = ", ".join(f"{number} {state}" for state, number in answer["states"].items())
    models = "1 model" if answer["models"] == 1 else f"{answer['models']} models"
    click.echo(f"{models}, {answer['done']} of {answer['total']} rows: {states}")
    for one in answer["running"]:
        click.echo(
            f"running: {one['model']}: {one['question']}, since {one['began']} {one['said']}"
        )
    failed = [row for row in answer["rows"] if row["reason"] and row["state"] != "blocked"]
    if failed:
        show_table(
            "without a complete answer",
            ("model", "question", "domain", "state", "reason"),
            [
                (row["model"], row["question"], row["domain"], row["state"], row["reason"])
                for row in failed
            ],
        )
    click.echo(f"report: {answer['audit']}/report.html")
