"""``audit run``: begin an audit, or go on with one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cpwl_milp.cli.arguments.options import cluster_option, domain_options, json_option
from cpwl_milp.cli.arguments.requests import DomainRequest
from cpwl_milp.cli.audit.answer import answer_of, show
from cpwl_milp.cli.audit.sources import Sources
from cpwl_milp.cli.output import print_json

if TYPE_CHECKING:
    from cpwl_milp.storage.audit_rows import Row

_GATES = ("failed", "incomplete", "error", "check-failed", "timeout", "memory", "crash")


def _listed(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",")) if value else ()


def _gates(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    names = _listed(ctx, parameter, value)
    for name in names:
        if name not in _GATES:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(_GATES)}")
    return names


@click.command(name="run")
@click.argument("places", metavar="[MANIFEST|FOLDER|FILES...]", nargs=-1, type=click.Path())
@click.option(
    "-o",
    "--output-folder",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A new or empty folder for the audit.",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Go on with an audit; with a MANIFEST beside it, as that one asks now.",
)
@click.option(
    "--rerun",
    type=click.Choice(["never", "failed", "incomplete", "always"]),
    default="never",
    show_default=True,
    help="Which results of an audit to ask for again; `incomplete` includes `failed`.",
)
@click.option(
    "--ask",
    callback=_listed,
    metavar="NAME,...",
    help="Without a manifest: what to ask (default: inspect, and with a domain bounds and count).",
)
@domain_options
@click.option("--data", metavar="FILE", help="Without a manifest: samples.")
@click.option("--labels", metavar="FILE", help="Without a manifest: their classes.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Limit of each job, in place of the manifest's (default: 60).",
)
@click.option(
    "--memory",
    type=click.IntRange(min=200),
    metavar="MB",
    help="Limit of each job, in place of the manifest's (default: 4000).",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1, max=1024),
    default=1,
    show_default=True,
    metavar="N",
    help="Jobs at a time.",
)
@cluster_option
@click.option(
    "--fail-on",
    "gates",
    callback=_gates,
    metavar="STATE,...",
    help=f"End with exit code 4 if a row is in such a state: {', '.join(_GATES)}.",
)
@click.option(
    "--progress",
    type=click.Choice(["auto", "bar", "lines", "json"]),
    default="auto",
    show_default=True,
    help="On standard error: `json` prints one object a line.",
)
@json_option
def command(
    places: tuple[str, ...],
    domain: DomainRequest,
    folder: Path | None,
    resume: Path | None,
    rerun: str,
    ask: tuple[str, ...],
    data: str | None,
    labels: str | None,
    seconds: float | None,
    memory: int | None,
    jobs: int,
    cluster: str | None,
    gates: tuple[str, ...],
    progress: str,
    as_json: bool,
) -> None:
    """Run an audit of many models into a folder.

    What to audit is a MANIFEST (.toml), a VNN-COMP list of instances (.csv), a folder, or ONNX
    files. Results go to DIR/audit.sqlite, a row each, with summary.csv, summary.parquet and
    report.html beside it. A model that fails is a row with its reason, and no failure of the audit
    unless --fail-on says so.

    \b
    Examples:
      cpwl-milp audit run audit.toml -o audit --jobs 2
      cpwl-milp audit run models/ --box -1,1 --seconds 20 -o audit
      cpwl-milp audit run benchmarks/acasxu/instances.csv -o audit
      cpwl-milp audit run --resume audit --rerun failed
    """
    from cpwl_milp.audit.progress import reporter
    from cpwl_milp.audit.session import How, begin, go_on, rows_of
    from cpwl_milp.cli.arguments.workers import connected
    from cpwl_milp.cli.audit.writing import write_report

    sources = Sources(places, ask, domain, data, labels, seconds, memory)
    if (folder is None) == (resume is None):
        raise click.UsageError("give -o DIR for a new audit, or --resume DIR")
    there = None if cluster is None else connected(cluster, jobs)
    how, shown = How(jobs, rerun, there), reporter(progress, sys.stderr)
    if resume is not None:
        where, finished = resume, go_on(resume, sources.manifest(), how, shown)
    else:
        assert folder is not None
        manifest = sources.manifest()
        if manifest is None:
            raise click.UsageError("nothing to audit: give a manifest, a folder or files")
        where, finished = folder, begin(folder, manifest, how, shown)
    about, rows = rows_of(where)
    write_report(where, about, rows)
    answer = answer_of(where, about, rows, {})
    if as_json:
        print_json(answer)
    else:
        show(answer)
    if not finished:
        click.echo(f"note: interrupted; go on with: audit run --resume {where}", err=True)
        click.get_current_context().exit(3)
    if met := _met(rows, gates):
        click.echo(f"error: --fail-on {','.join(gates)}: {met} of {len(rows)} rows", err=True)
        click.get_current_context().exit(4)


def _met(rows: list[Row], gates: tuple[str, ...]) -> int:
    """How many rows are in a state that --fail-on names."""
    return sum(
        row.result.state.value in gates or (row.result.state.failed and "failed" in gates)
        for row in rows
    )
