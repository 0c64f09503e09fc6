"""``certify``: check the certificate of a run."""

from __future__ import annotations

import time
from pathlib import Path

import click

from cpwl_milp.cli.arguments.options import json_option
from cpwl_milp.cli.arguments.requests import ModelRequest
from cpwl_milp.cli.output import print_json


@click.command(name="certify")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--model",
    "moved",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where the model of RUN lies now, if neither where it lay nor beside RUN as before.",
)
@json_option
def command(run: Path, moved: Path | None, as_json: bool) -> None:
    """Check the certificate of a run, in whole numbers and without the engines.

    `enumerate --rigorous` leaves RUN/certificate.gz: the tree of cubes with an interior point of
    every region and, for every unit that is constant on a cell, the multipliers that prove it. The
    checker composes the network anew, checks each of them exactly, and that the regions proved are
    those listed in RUN. Exit code 4, and the first bad cube, if anything is wrong.

    \b
    Examples:
      cpwl-milp enumerate network.onnx --box -1,1 -o run --rigorous
      cpwl-milp certify run
    """
    from cpwl_milp.cli.arguments import question as typed
    from cpwl_milp.core.domains import domain_from
    from cpwl_milp.core.problem import Problem
    from cpwl_milp.enumeration.certifying import check_run
    from cpwl_milp.storage.run_folder import RunFolder

    folder = RunFolder.read(run)
    stored = folder.question
    stored.require_whole(run, "certify")
    place = typed.located(run, stored) if moved is None else moved
    request = ModelRequest.from_description(str(place), stored.model_options)
    imported = typed.load(request)
    typed.require_same_model(imported, request, stored)
    where = domain_from(stored.domain, str(run))
    began = time.monotonic()
    checked = check_run(folder, Problem.of(imported.network, where))
    seconds = time.monotonic() - began
    if as_json:
        print_json(
            {
                "schema": "cpwl-milp/certify/1",
                "run": str(run),
                "model": typed.described(imported),
                "domain": dict(stored.domain),
                "engine": stored.engine,
                "valid": True,
                "regions": checked.regions,
                "closed_sides": checked.closed_sides,
                "seconds": round(seconds, 3),
            }
        )
        return
    click.echo(
        f"{checked.regions:,} regions, proved: {checked.closed_sides:,} empty sides and "
        f"{checked.regions:,} interior points checked in whole numbers; {seconds:.2f} s"
    )
