"""The verbs of ``audit``, each imported when it is asked for."""

from __future__ import annotations

import importlib

import click

_VERBS = ("run", "status", "report", "compare")


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        command = importlib.import_module(f"cpwl_milp.cli.audit.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command


@click.group(name="audit", cls=_Verbs)
def command() -> None:
    """Ask many models many questions, in one run with one report.

    Each question is a job in a process of its own, with limits of time and memory; whatever
    becomes of it is a row. A run that was killed goes on with --resume.

    \b
    Examples:
      cpwl-milp audit run audit.toml -o audit --jobs 2
      cpwl-milp audit status audit
      cpwl-milp audit report audit
    """
